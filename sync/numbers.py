"""Which network has which VLAN ID, as it is written down, and how one is free again.

It is claimed before the network's entry says so, and given back after the entry is forgotten. Who dies in
between leaves a number of nobody's: the next one at whatever site finds it. Only who has it loses it, for it
may be another's a moment later.
"""

from collections.abc import Mapping

import structlog

from idmap.desired import READ, Desired, DesiredStore
from idmap.front import IdMap

log = structlog.get_logger(__name__)

SEGMENTS = "segment"
"""Documents of this kind in the ID map say which network has a VLAN ID."""


async def give_back(entry: Desired, ids: IdMap) -> None:
    """Its VLAN ID may be another network's, and so may one that was claimed for it and never used."""
    claims = await ids.store.documents(SEGMENTS, "")
    await _disclaimed(ids, {n: gid for n, gid in claims.items() if gid.decode() == entry.global_id})


async def give_back_nobodys(store: DesiredStore, ids: IdMap) -> None:
    """Numbers of networks that are not known any more.

    Nothing is claimed for what is not known before: neither by a daemon, which has read the entry, nor by who
    restores what was lost, who writes the places first.
    """
    # In this order: what is claimed while this looks is not among them.
    claims = await ids.store.documents(SEGMENTS, "")
    if not claims or any(kind == READ for _, kind in await ids.missing_stamps()):
        return
    await ids.refresh()
    lost = {n: gid for n, gid in claims.items() if ids.pins.pin(None, gid.decode()) is None}
    entries = await store.get({gid.decode() for gid in lost.values()})
    await _disclaimed(ids, {n: gid for n, gid in lost.items() if gid.decode() not in entries})


async def _disclaimed(ids: IdMap, numbers: Mapping[str, bytes]) -> None:
    for number, gid in numbers.items():
        if await ids.store.disclaim_document(SEGMENTS, "", number, gid):
            log.info("a VLAN ID is free", number=number, was=gid.decode())
