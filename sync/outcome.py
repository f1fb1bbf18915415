"""What is written down of a round: how each replica is, and what follows from it for the object."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from idmap.desired import Desired, DesiredStore, State, Status
from idmap.front import IdMap
from sync.addresses import Addresses
from sync.apply import Applier
from sync.cloud import Cloud
from sync.drift import said as drifted
from sync.numbers import give_back
from sync.observe import is_there, plugged_into
from sync.plan import Delete, Plan
from sync.registry import kind_of
from sync.share import goes_with
from sync.status import drained

log = structlog.get_logger(__name__)

_REFUSALS = 3
"""A deletion that a site has refused so often is withdrawn: once may be a moment's trouble."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Keeps the books of one site."""

    cloud: Cloud
    store: DesiredStore
    ids: IdMap
    addresses: Addresses
    clock: Callable[[], float]

    @property
    def site(self) -> str:
        return self.cloud.site

    async def of_what_is(
        self,
        plan: Plan,
        statuses: Mapping[str, Status],
        wrong: Mapping[str, str],
        applier: Applier,
    ) -> dict[str, Status | None]:
        """The new statuses of what needs no doing, and of what cannot be done.

        `wrong` is global ID -> what else is the matter with a replica that is as it is to be.
        """
        now = self.clock()
        # What has been forgotten meanwhile: the others needed nothing of this site for it.
        wanted = {entry.global_id for entry in await self.store.all()}
        said: dict[str, Status | None] = dict.fromkeys(statuses.keys() - wanted)
        twice = {each.desired.global_id for each in plan.deletions if is_left_over(each)}
        for entry, replica in plan.alike:
            await applier.keep_place(entry, replica.local_id)
            known = statuses.get(entry.global_id)
            if entry.global_id in twice and known is not None and known.state is State.ERROR:
                # As long as the other one cannot be taken away (`left_over`).
                continue
            ready = State.READY, entry.generation, replica.local_id
            error = wrong.get(entry.global_id, "")
            if known is None or (known.state, known.generation, known.local_id) != ready:
                generation = entry.generation
                said[entry.global_id] = Status(
                    State.READY, generation, generation, replica.local_id, error, since=now
                )
            elif known.error != error:
                said[entry.global_id] = replace(known, error=error)
        for entry in plan.drained:
            await applier.keep_place(entry, None)
            known = statuses.get(entry.global_id)
            new = drained(entry, now)
            if known is None or replace(known, since=now) != new:
                said[entry.global_id] = new
        for change in plan.drift:
            entry, replica = change.desired, change.replica
            await applier.keep_place(entry, replica.local_id)
            known, differs = statuses.get(entry.global_id), drifted(change)
            if known is None or (known.state, known.error) != (State.DRIFT, differs):
                generation, local_id = entry.generation, replica.local_id
                said[entry.global_id] = Status(
                    State.DRIFT, generation, generation, local_id, differs, since=now
                )
        for gid, why in plan.unfit.items():
            known = statuses.get(gid)
            if known is None or (known.state, known.error) != (State.ERROR, why):
                said[gid] = Status(State.ERROR, error=why, since=now)
        for entry in plan.absent:
            if await is_there(self.cloud, self.ids, entry):
                continue
            if entry.global_id in statuses:
                said[entry.global_id] = None
            await applier.keep_place(entry, None)
            await self._end_of_its_project(entry)
        for entry in plan.parted:
            await applier.keep_place(entry, None)
        for entry in plan.gone:
            if await is_there(self.cloud, self.ids, entry):
                continue
            if entry.global_id in statuses:
                said[entry.global_id] = None
            if entry.deleted or entry.global_id in statuses:
                # Also of what was gone before its daemon could say so.
                await self.addresses.leave(entry)
            await applier.keep_place(entry, None)
            await self._forget(entry)
        return said

    async def unsettled(
        self, whole: Desired, statuses: Mapping[str, Status]
    ) -> dict[str, Status | None]:
        """What belongs to something that has been stretched is not ready before it has been looked at again."""
        named = await self.store.naming([whole.global_id])
        parts = [each for each in named if whole.global_id in goes_with(each)]
        known = {part.global_id: statuses.get(part.global_id) for part in parts}
        return {gid: replace(each, state=State.PENDING) for gid, each in known.items() if each}

    async def left_over(self, change: Delete, status: Status | None) -> dict[str, Status | None]:
        """What is said of a network that was made again while somebody plugged into the one before."""
        if status is None or status.state is not State.ERROR or not is_left_over(change):
            return {}
        if kind_of(change.replica.kind).stretch is None:
            return {}
        ports = await plugged_into(self.cloud, change.replica.local_id)
        # By the IDs of the site: once they are in the map, tenants may say them too.
        await self.ids.register(self.site, ports)
        why = (
            "it was made again as a VLAN, and what was plugged in meanwhile is cut off: delete and make again"
            f" port {', '.join(ports)} ({status.error})"
        )
        return {change.desired.global_id: replace(status, error=why)} if ports else {}

    async def withdraw(self, change: Delete, status: Status) -> None:
        """A site needs what was to be gone: it stays, and those that have let it go make it again."""
        entry = change.desired
        if not entry.deleted or change.extra or status.attempts < _REFUSALS:
            return
        log.warning("a deletion is withdrawn", id=entry.global_id, site=self.site, why=status.error)
        entries = await self.store.naming([entry.global_id])
        along = [each for each in entries if each.deleted and entry.global_id in goes_with(each)]
        for each in (*along, entry):
            generation = each.generation + 1
            alive = replace(each, deleted=False, gone=frozenset(), generation=generation)
            if await self.store.put(alive) is not None:
                await self.store.wake(each.sites)

    async def undrain(self, change: Delete, status: Status) -> None:
        """A site needs one of what was to be kept away: all of it stays, for half is worse than nothing."""
        while change.drains:
            whole = (await self.store.get([change.drains])).get(change.drains)
            if whole is None or self.site not in whole.drained:
                return
            log.warning("not drained", id=whole.global_id, site=self.site, why=status.error)
            if await self.store.put(replace(whole, drained=whole.drained - {self.site})):
                await self.store.wake([self.site])

    async def _end_of_its_project(self, entry: Desired) -> None:
        """A default group that no site has any more is forgotten: it goes with its project alone."""
        if entry.kind != "security_group" or self.site != entry.anchor or entry.changing:
            return
        pin = self.ids.pins.pin(None, entry.global_id)
        if not entry.unread and (pin is None or not pin.places):
            generation = entry.generation + 1
            await self.store.put(replace(entry, deleted=True, generation=generation))
            await self.store.wake(entry.sites)

    async def _forget(self, entry: Desired) -> None:
        """What is gone everywhere needs no tombstone any more.

        Every site's daemon has to say so: of what one was killed over making the map knows nothing.
        """
        if not entry.deleted or self.site in entry.unread:
            return
        pin = self.ids.pins.pin(None, entry.global_id)
        somewhere = entry.unread or (pin is not None and pin.places)
        if entry.gone | {self.site} >= entry.sites and not somewhere:
            await self.addresses.close_book(entry)
            if await self.store.drop(entry) and entry.kind in ("network", "router"):
                await give_back(entry, self.ids)
        elif self.site not in entry.gone:
            await self.store.put(replace(entry, gone=entry.gone | {self.site}))


def is_left_over(change: Delete) -> bool:
    """Whether it is about a second one of an object, of which one stays."""
    return change.extra and change.replica.kind == change.desired.kind
