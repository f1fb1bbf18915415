"""What is to be at which sites is written down, the daemons are woken, and if need be they are waited for."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from time import monotonic, time

from federator.faults import Conflict, Timeout, Unavailable
from federator.sharing.closure import Member
from idmap.desired import READ, Desired, DesiredStore, State, Status
from idmap.front import IdMap
from idmap.store import BURIED, SHARED, Pin
from sync.registry import kind_of
from sync.share import at_more_sites, changed, entry_of, goes_with, wholes

_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Wanted:
    """Writes the desired state. Every method may raise StoreUnavailable."""

    store: DesiredStore
    ids: IdMap

    async def at(self, members: Iterable[Member], sites: Collection[str]) -> list[str]:
        """These objects are to be at these sites, too. Their global IDs."""
        members = list(members)
        unread = await self.unread()
        if at := sorted(unread & {member.anchor for member in members}):
            raise Unavailable(
                f"What spans sites is not known yet of {' and '.join(at)}; try again."
            )
        await self._pin(members)
        for member in members:
            await self._put(member, sites, unread)
        await self.store.wake({*sites, *(member.anchor for member in members)})
        return [member.global_id for member in members]

    async def unread(self) -> frozenset[str]:
        """The sites of which it is not known (yet, or again) what is in our care there."""
        if self.ids.complete:
            return frozenset()
        return frozenset({site for site, kind in await self.ids.missing_stamps() if kind == READ})

    async def _put(self, member: Member, sites: Collection[str], unread: frozenset[str]) -> None:
        while True:
            known = (await self.store.get([member.global_id])).get(member.global_id)
            if known is None:
                new = entry_of(member.kind, member.item, member.anchor, sites)
                new = replace(new, unread=unread)
            elif known.deleted:
                raise Conflict(f"{member.global_id} is being deleted.")
            elif known.quarantined:
                raise Conflict(f"{member.global_id} is in quarantine: {known.quarantined}.")
            elif known.sites >= set(sites):
                return
            else:
                new = at_more_sites(known, sites)
            if await self.store.put(new) is not None:
                return

    async def _pin(self, members: Collection[Member]) -> None:
        """Everybody has to know the anchor before a second replica is made."""
        while True:
            lookup = await self.ids.locate([member.global_id for member in members])
            pins = []
            for member in members:
                known = self.ids.pins.pin(member.kind.resource.kind, member.global_id)
                if known is not None and known.origin in (SHARED, BURIED):
                    continue
                place = lookup.found.get(member.global_id)
                if place is None or place.site != member.anchor:
                    raise Conflict(f"{member.global_id} cannot be at several sites.")
                places = {place.site: place.local_id}
                kind = member.kind.resource.kind
                pins.append(Pin(member.global_id, kind, SHARED, places, anchor=place.site))
            if not pins or await self.ids.store.put_pins(pins, seen=self.ids.state):
                await self.ids.refresh()
                return
            await self.ids.refresh()

    async def unfinished(self, global_ids: Collection[str]) -> set[tuple[str, str]]:
        """(global ID, site) of the replicas of these that are there without all that belongs to them."""
        known, named = await self.store.get(global_ids), await self.store.naming(global_ids)
        entries = [each for each in (*known.values(), *named) if not each.deleted]
        parts = [(gid, e) for e in entries for gid in {e.global_id, *wholes(e)} & set(global_ids)]
        lacking = set()
        for site in {site for _, entry in parts for site in entry.sites - {entry.anchor}}:
            here = [(gid, entry) for gid, entry in parts if site in entry.sites]
            said = await self.store.statuses(site, {entry.global_id for _, entry in here})
            lacking |= {
                (gid, site)
                for gid, entry in here
                if site != entry.anchor
                if (status := said.get(entry.global_id)) is None or not status.generation
            }
        return lacking

    async def begin_change(self, global_id: str) -> Desired | None:
        """From now on no daemon touches it; None if it is not in our care.

        Raises Conflict if it is being changed by somebody else.
        """
        while True:
            known = (await self.store.get([global_id])).get(global_id)
            if known is None or known.deleted:
                return None
            if known.changing:
                raise Conflict("It is being changed by another request; try again.")
            begun = await self.store.put(replace(known, changing=time()))
            if begun is not None:
                return begun

    @asynccontextmanager
    async def asking(self, *begun: Desired | None) -> AsyncIterator[None]:
        """A site is asked for changes that were begun. If that fails nothing was done, and they are ended."""
        try:
            yield
        except (Timeout, asyncio.CancelledError):
            # Nobody knows what was done: the daemon of the anchor will look.
            raise
        except BaseException:
            for each in filter(None, begun):
                await self.end_change(each)
            raise

    async def end_change(self, begun: Desired, member: Member | None = None) -> None:
        """The change is done: the anchor shows this now. Without `member` nothing was changed."""
        now: Desired | None = begun
        while now is not None and not now.deleted:
            new = replace(now, changing=0)
            if member is not None:
                new = changed(now, member.kind, member.item)
            if now.changing != begun.changing:
                # It took so long that the daemon has looked, and somebody else is at it.
                new = replace(new, changing=now.changing)
            if await self.store.put(new) is not None:
                if new.generation != now.generation:
                    await self.store.wake(new.sites)
                return
            # It came to another site meanwhile, or was restored from what the anchor showed before.
            now = (await self.store.get([begun.global_id])).get(begun.global_id)

    async def known(self, global_ids: Collection[str]) -> dict[str, Desired]:
        """The entries of these shared objects. Raises Unavailable while they are not known (again)."""
        entries = await self.store.get(global_ids)
        if lost := sorted(set(global_ids) - entries.keys()):
            await self.ids.refresh()
            pins = [self.ids.pins.pin(None, each) for each in lost]
            if any(pin is not None and pin.anchor for pin in pins):
                raise Unavailable("What is to be at several sites is being restored; try again.")
        return entries

    async def bury(self, begun: Desired) -> None:
        """It is gone at its anchor, and is to be gone everywhere, with all that Neutron takes along."""
        named = await self.store.naming([begun.global_id])
        along = [each for each in named if begun.global_id in goes_with(each)]
        buried = [begun, *along]
        for entry in buried:
            await self._bury(entry)
        while True:
            seen = self.ids.state
            known = [self.ids.pins.pin(None, entry.global_id) for entry in buried]
            pins = [replace(pin, origin=BURIED) for pin in known if pin and pin.origin == SHARED]
            written = await self.ids.store.put_pins(pins, seen=seen)
            await self.ids.refresh()
            if written:
                break
            # A daemon was faster: what it says of the places stands.
        await self.store.wake({site for entry in buried for site in entry.sites})

    async def _bury(self, entry: Desired) -> None:
        now: Desired | None = entry
        while now is not None and not now.deleted:
            # What is in quarantine has been decided about by that.
            grave = replace(
                now, changing=0, deleted=True, quarantined="", generation=now.generation + 1
            )
            if await self.store.put(grave) is not None:
                return
            now = (await self.store.get([entry.global_id])).get(entry.global_id)

    async def wait(
        self, global_ids: Collection[str], sites: Collection[str], seconds: float
    ) -> None:
        """Until these are at these sites.

        Raises Conflict with what a site refuses, Unavailable if it takes longer.
        """
        end = monotonic() + seconds
        while True:
            entries = await self.store.get(global_ids)
            lacking = ""
            for site in sites:
                statuses = await self.store.statuses(site, entries)
                for entry in entries.values():
                    status = statuses.get(entry.global_id)
                    if status is None or not _is_there(status, entry):
                        lacking = _complaint(entry, site, status)
            if not lacking:
                await self.ids.refresh()
                return
            for site in sites:
                if not await self.store.led(site):
                    raise Unavailable(
                        f"{lacking}: no daemon of {site} is running (federator sync)."
                    )
            if monotonic() > end:
                raise Unavailable(f"{lacking}; it goes on, try again.")
            await asyncio.sleep(_LOOK_SECONDS)


def _is_there(status: Status, entry: Desired) -> bool:
    if status.state is State.ERROR and not status.generation:
        raise Conflict(_complaint(entry, "", status))
    # What differs from what is wanted is there all the same.
    there = status.state in (State.READY, State.DRAINED, State.DRIFT)
    return there and status.generation >= entry.generation


def _complaint(entry: Desired, site: str, status: Status | None) -> str:
    name = f"{kind_of(entry.kind).noun} {entry.global_id}"
    reason = f": {status.error}" if status is not None and status.error else ""
    return (
        f"{name} is not at {site} yet{reason}"
        if site
        else f"{name} cannot be at several sites{reason}"
    )
