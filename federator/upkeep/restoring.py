"""What spans sites, restored from the sites: which replicas belong together, and what they are to be like.

`sync.restored` decides, here it is read and written. Nothing is changed at any site, and what is known already
stays as it is; so all of it may be done twice, and by several at once.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from adapters.account import Account
from adapters.breakers import Breakers
from adapters.errors import FederationError
from adapters.names import Site as SiteNames
from idmap.desired import READ, Desired, DesiredStore
from idmap.front import IdMap
from idmap.ledgers import LedgerStore
from idmap.pins import PinTable
from idmap.store import Lease, Pin
from sync.cloud import Cloud, Refused
from sync.ipam.life import without_site
from sync.ledgers import change, read
from sync.numbers import SEGMENTS
from sync.registry import all_kinds
from sync.restored import Reading, Restored, restored
from sync.tongue import Tongue

log = structlog.get_logger(__name__)

_NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Place:
    """A site as far as this needs it."""

    names: SiteNames
    account: Account
    physical_network: str


@dataclass(frozen=True, slots=True)
class Restoring:
    """Restores the desired state and the pins of what spans sites."""

    places: Mapping[str, Place]
    store: DesiredStore
    ids: IdMap
    ledgers: LedgerStore
    breakers: Breakers
    federation: str

    async def run(self, lease: Lease, say: Callable[[str], None]) -> frozenset[str]:
        """The sites that were read: at the others nobody knows what is in our care. Raises StoreUnavailable."""
        results = await asyncio.gather(*(self._read(each, say) for each in self.places.values()))
        readings = [each for each in results if each is not None]
        read = frozenset(each.site for each in readings)
        if not lease.held:
            return frozenset()
        await self.ids.refresh()
        known = {entry.global_id: entry for entry in await self.store.all()}
        pins = PinTable(self.ids.pins)
        found = restored(
            all_kinds(), readings, self.places.keys() - read, pins, known, self.federation
        )
        await self._write(found, say)
        await self.ids.store.mark_complete([(site, READ) for site in read], epoch=lease.epoch)
        return read

    async def _read(self, place: Place, say: Callable[[str], None]) -> Reading | None:
        """All that may be in our care at a site; None if it cannot be read, for half of it would be lies."""
        site = place.names.name
        objects: dict[str, Sequence[Mapping[str, Any]]] = {}
        try:
            if _NETWORK in await place.account.endpoints():
                # Requests wait for looks at the sites, and none may wait for one that is away.
                self.breakers.check(site, _NETWORK)
                cloud = Cloud(place.account)
                for kind in all_kinds():
                    objects[kind.name] = await _all(cloud, kind.path, kind.resource.keys, kind.only)
        except (FederationError, Refused) as error:
            log.warning("replicas not read", site=site, reason=str(error))
            say(f"{site}: what is in the federation's care was not read: {error}")
            return None
        return Reading(Tongue(place.names), place.physical_network, objects)

    async def _write(self, found: Restored, say: Callable[[str], None]) -> None:
        await self._pin(found.pins)
        for number, network in found.segments.items():
            name = str(number)
            claims = self.ids.store
            if not await claims.claim_document(SEGMENTS, "", name, network.encode()):
                holder = (await claims.documents(SEGMENTS, ""))[name].decode()
                if holder != network:
                    say(f"VLAN {name} of network {network} is given to {holder} as well")
        for entry in found.entries:
            await self._account_for(entry)
        written: list[Desired] = []
        # Parts first: a group of which the rules are not known yet would lose them.
        for entry in reversed(found.entries):
            new = await self.store.put(entry)
            written += [new] if new is not None else []
        for line in found.odd:
            log.warning("left alone", what=line)
            say(line)
        for entry in written:
            if entry.quarantined:
                say(f"{entry.kind} {entry.global_id} is in quarantine: {entry.quarantined}")
        if written:
            say(f"{len(written)} objects that span sites")
            await self.store.wake(self.places.keys())

    async def _account_for(self, entry: Desired) -> None:
        """Who could not be read, and turns out not to have a subnet, has given out none of its addresses."""
        if entry.kind != "subnet" or (ledger := await read(self.ledgers, entry.global_id)) is None:
            return
        for member in ledger.members:
            if member.site not in entry.sites | entry.unread and not member.read:
                await change(self.ledgers, entry.global_id, partial(without_site, site=member.site))

    async def _pin(self, pins: Sequence[Pin]) -> None:
        # Again if a daemon made a replica meanwhile.
        written = not pins
        while not written:
            written = await self.ids.store.put_pins(pins, seen=self.ids.state)
            await self.ids.refresh()


async def _all(cloud: Cloud, path: str, keys: str, query: str) -> list[Any]:
    found: list[Any] = []
    try:
        async for items in cloud.pages(path, keys, query):
            found += items
    except Refused as error:
        if error.status != 404:
            raise
        # An extension that this site lacks.
    return found
