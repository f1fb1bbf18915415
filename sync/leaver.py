"""Takes a site out of what spans sites, for good (see `sync.leaving`). The site is not asked.

That it is gone is the word of an operator: the addresses that it was leased are given out by others from now
on. May be cut off anywhere, and is finished by doing it again: the entries, by which all is found, go last.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial

from idmap.desired import Desired, DesiredStore
from idmap.front import IdMap
from idmap.ids import global_uuid, is_uuid
from idmap.ledgers import LedgerStore
from idmap.sites import SiteKey
from idmap.store import BURIED, SHARED, Pin
from sync.ipam.life import without_site
from sync.leaving import Departure, departure
from sync.ledgers import change
from sync.news import told_free
from sync.registry import kind_of


@dataclass(frozen=True, slots=True)
class Leaver:
    """One site that leaves. Every method may raise StoreUnavailable."""

    site: SiteKey
    others: Sequence[str]
    """The sites that stay, in configured order."""
    store: DesiredStore
    ids: IdMap
    ledgers: LedgerStore

    async def look(self) -> Departure:
        """What would be written."""
        await self.ids.refresh()
        entries = await self.store.all()
        return departure(
            self.site.name,
            entries,
            lambda gid: self.ids.pins.places(None, gid) or {},
            self.others,
            await told_free(self.store),
        )

    async def leave(self) -> None:
        """Write it; what is lost is dropped, too. Others may write meanwhile."""
        for name in await self.ledgers.names():
            await change(self.ledgers, name, partial(without_site, site=self.site.name))
        while (found := await self.look()) != Departure():
            dropped = [*found.dropped, *(entry for entry, _ in found.lost)]
            await self._pin(found.kept, dropped)
            for entry in found.kept:
                await self.store.put(entry)
            for entry in dropped:
                if await self.store.drop(entry):
                    await self._close_book(entry)
        await self.store.forget(self.site.name)
        await self.store.wake(self.others)

    async def _pin(self, kept: Collection[Desired], dropped: Collection[Desired]) -> None:
        while True:
            pins = [self._moved(entry) for entry in kept]
            known = [self.ids.pins.pin(None, entry.global_id) for entry in dropped]
            pins += [replace(pin, places={}) for pin in known if pin and pin.origin in _OURS]
            if await self.ids.store.put_pins([pin for pin in pins if pin], seen=self.ids.state):
                await self.ids.refresh()
                return
            await self.ids.refresh()

    def _moved(self, entry: Desired) -> Pin | None:
        """Its pin without the site. The ID that its replica there had leads to it."""
        pin = self.ids.pins.pin(kind_of(entry.kind).resource.kind, entry.global_id)
        if pin is None or pin.origin not in _OURS:
            return None
        places = dict(pin.places)
        own = places.pop(self.site.name, "")
        old = {global_uuid(self.site.namespace, own)} if is_uuid(own) else set()
        former = (pin.former | old) - {pin.global_id}
        return replace(pin, places=places, anchor=entry.anchor, former=former)

    async def _close_book(self, entry: Desired) -> None:
        kept = await self.ledgers.read(entry.global_id) if entry.kind == "subnet" else None
        if kept is not None:
            await self.ledgers.drop(entry.global_id, kept)


_OURS = (SHARED, BURIED)
