"""Who has which VLAN ID, as it is written down, and how one is free again.

A network's is claimed before its entry says so, and given back after the entry is forgotten. Who dies in
between leaves a number of nobody's: the next one at whatever site finds it. Only who has it loses it, for it
may be another's a moment later.
"""

from collections.abc import Mapping

import structlog

from idmap.desired import READ, Desired, DesiredStore
from idmap.front import IdMap

log = structlog.get_logger(__name__)

SEGMENTS = "segment"
"""Documents of this kind in the ID map say whose a VLAN ID is: a network's, by its global ID, or ..."""
_TRANSIT = "transit:"
"""... with this before the router's, that of a transit network (`sync.transit`)."""


def for_transit(router: str) -> bytes:
    """What is written down for the transit network of a router."""
    return f"{_TRANSIT}{router}".encode()


def transits(claims: Mapping[str, bytes]) -> dict[str, int]:
    """Router -> the VLAN ID of its transit network, of all that is written down."""
    return {
        _holder(who): int(number)
        for number, who in sorted(claims.items(), reverse=True)
        if who.startswith(_TRANSIT.encode())
    }


async def give_back(entry: Desired, ids: IdMap) -> None:
    """Its VLAN ID may be another's, and so may one that was claimed for it and never used."""
    claims = await ids.store.documents(SEGMENTS, "")
    await _disclaimed(ids, {n: who for n, who in claims.items() if _holder(who) == entry.global_id})


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
    lost = {n: who for n, who in claims.items() if ids.pins.pin(None, _holder(who)) is None}
    entries = await store.get({_holder(who) for who in lost.values()})
    await _disclaimed(ids, {n: who for n, who in lost.items() if _holder(who) not in entries})


def _holder(claim: bytes) -> str:
    """The global ID of what it goes with."""
    return claim.decode().removeprefix(_TRANSIT)


async def _disclaimed(ids: IdMap, numbers: Mapping[str, bytes]) -> None:
    for number, who in numbers.items():
        if await ids.store.disclaim_document(SEGMENTS, "", number, who):
            log.info("a VLAN ID is free", number=number, was=who.decode())
