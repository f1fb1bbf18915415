"""The story of a round at one site: look at everything, compare, do what is missing, say how it is.

Nothing is remembered from one round to the next but what the store holds: the desired state, and how each
replica was (with how often it went wrong, and when to try again). So a round may be run twice, or die anywhere.
"""

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import structlog

from adapters.errors import SiteUnreachable
from idmap.desired import (
    CONFIRMED,
    READ,
    WAYS_OUT,
    Desired,
    DesiredStore,
    Leadership,
    State,
    Status,
)
from idmap.front import IdMap
from sync.addresses import Addresses
from sync.apply import Applier
from sync.cloud import Changed, Cloud, Led, Refused
from sync.diff import diff
from sync.drift import reported
from sync.drift import said as drifted
from sync.driver import SEGMENT, Ground, TooBig, Unfit, vlan_of
from sync.guard import guarded
from sync.kind import Kind
from sync.observe import Observed, observe
from sync.placeholders.keep import Placeholders
from sync.plan import Change, Delete, Plan, Replica, Stretch, Update
from sync.reserve import reserve
from sync.segments import NoSegment, candidates
from sync.share import goes_with
from sync.status import failed, reached, waits
from sync.tongue import Tongue, Untranslatable
from sync.unfinished import ended

log = structlog.get_logger(__name__)

SEGMENTS = "segment"
"""Documents of this kind in the ID map say which network has a VLAN ID."""
VLANS = "vlans"
"""What the daemons tell each other: the VLAN IDs in use at their site."""
MTUS = "mtus"
"""... and the largest MTU that their site carries, once it has refused a larger one, and when that was."""
MTU_SECONDS = 3600.0
"""So long that is believed: a site may carry more by then."""
REFUSALS = 3
"""A deletion that a site has refused so often is withdrawn: once may be a moment's trouble."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a round ended."""

    plan: Plan
    again: bool
    """Another one is due at once."""
    soon: float | None = None
    """... or in so many seconds, even if nobody wakes anybody."""


@dataclass(frozen=True, slots=True)
class Round:
    """One site, and all that a round needs."""

    cloud: Cloud
    tongue: Tongue
    ids: IdMap
    store: DesiredStore
    kinds: Sequence[Kind]
    ground: Ground
    pool: range
    """The VLAN IDs that may be given out."""
    addresses: Addresses
    placeholders: Placeholders
    report_drift: bool = False
    """Whether what was changed behind our back is left as it is, and said to be so."""
    clock: Callable[[], float] = time.time
    """Seconds since 1970."""

    @property
    def site(self) -> str:
        return self.cloud.site

    async def plan(self, lead: Leadership | None = None) -> Plan:
        """What a round would do. With `lead`, what has to be decided first is decided and written down.

        Raises SiteUnreachable, Refused, StoreUnavailable, NotLeading.
        """
        desired = await self.store.all()
        await self.ids.refresh()
        statuses = await self.store.statuses(self.site)
        observed = await observe(self.cloud, self.tongue, self.kinds, self.ids.pins)
        plugged = await self._plugged(desired, observed)
        if lead is not None:
            await self._publish(observed, lead)
            await self._tell_ways_out(desired, observed, lead)
            drained = {entry.global_id for entry in desired if self.site in entry.drained}
            desired = [await self._decided(e, observed, plugged, drained) for e in desired]
            desired = await self._with_their_wholes(desired)
            desired = await self._with_mtus_for_all(desired)
        plan = diff(
            self.site,
            [kind for kind in self.kinds if kind.name not in observed.unknown],
            desired,
            observed.replicas,
            statuses,
            now=self.clock(),
            places=self._places(desired),
            ground=self.ground,
            plugged=plugged,
        )
        if self.report_drift:
            plan = reported(plan)
        plan = replace(plan, unfit={**plan.unfit, **self._unknown(desired, observed)})
        if lead is None:
            plan = replace(plan, placeholders=tuple(await self.placeholders.planned()))
        confirmed = (await self.store.published(CONFIRMED)).get(self.site, b"").decode()
        return guarded(plan, self.kinds, observed.listed, statuses, confirmed)

    def _unknown(self, desired: Sequence[Desired], observed: Observed) -> dict[str, str]:
        """Global ID -> why it can never be here: the site's Neutron does not know such things."""
        here = [each for each in desired if self.site in each.sites and not each.deleted]
        return {
            each.global_id: f"the Neutron of {self.site} has no {each.kind.replace('_', ' ')}"
            for each in here
            if each.kind in observed.unknown
        }

    async def reserve(self, lead: Leadership) -> None:
        """Once for each leader: the VLAN IDs are kept from the site's own networks. Raises as `plan` does."""
        project = await self.addresses.neutron.account.project_id()
        await reserve(self.site, Led(self.cloud, lead), self.ground, self.pool, project)

    async def run(self, lead: Leadership) -> Done:
        """A round. Raises as `plan` does."""
        plan = await self.plan(lead)
        statuses = await self.store.statuses(self.site)
        applier = Applier(
            Led(self.cloud, lead),
            self.tongue,
            self.ids,
            self.store,
            {kind.name: kind for kind in self.kinds},
            self.ground,
            self.addresses,
        )
        # Before anything else: what stands in a network is in its way when that is to be gone.
        kept = await self.placeholders.keep(lead)
        await self._say_what_is(plan, statuses, kept.wrong, applier, lead)
        again, trouble = False, False
        for change in plan.changes:
            if not lead.held:
                break
            entry = change.desired
            current = (await self.store.get([entry.global_id])).get(entry.global_id)
            if current is None or current.version != entry.version:
                # Something newer is wanted by now, or somebody is about to change it.
                again = True
                continue
            if isinstance(change, Delete) and change.drains and not await self._drains(change):
                # It was restored, or could not be drained as a whole.
                again = True
                continue
            status = await self._done(change, applier, statuses.get(entry.global_id), lead)
            trouble = trouble or bool(status and status.next_try and status.attempts)
            again = again or status is None or not status.next_try
            if not _is_extra(change):
                said = {entry.global_id: status}
                if isinstance(change, Stretch):
                    said |= await self._unsettled(entry, statuses)
                await self.store.put_statuses(self.site, said, lead.fence)
            if isinstance(change, Stretch):
                # It may have become another one, and the rest of the plan is about the old one's parts.
                again = True
                break
        again = again and not trouble
        soon = await self._keep_addresses(plan) if lead.held and not again else None
        soon = min((each for each in (soon, kept.soon) if each is not None), default=None)
        return Done(plan, again, soon)

    async def _done(
        self, change: Change, applier: Applier, before: Status | None, lead: Leadership
    ) -> Status | None:
        """How a replica is after its change; None: it is gone."""
        entry, now = change.desired, self.clock()
        try:
            local_id = await applier.apply(change)
        except (Changed, Untranslatable, Unfit) as error:
            if isinstance(error, TooBig):
                told = json.dumps([error.limit, now]).encode()
                await self.store.publish(self.site, MTUS, told, lead.fence)
                await self.store.wake({entry.anchor})
            log.info("waits", site=self.site, kind=entry.kind, id=entry.global_id, why=str(error))
            return waits(before, str(error), now)
        except (Refused, SiteUnreachable) as error:
            reason = getattr(error, "reason", str(error))
            state = State.ERROR if isinstance(error, Refused) else State.PENDING
            status = failed(entry, before, state, reason, now)
            if isinstance(change, Delete) and state is State.ERROR:
                await self._withdraw(change, status)
                await self._undrain(change, status)
            log.warning("not done", site=self.site, kind=entry.kind, id=entry.global_id, why=reason)
            return status
        log.info("done", site=self.site, what=type(change).__name__, id=entry.global_id)
        if isinstance(change, Delete):
            if not change.extra:
                await self.addresses.leave(entry)
                await applier.keep_place(entry, None)
            return _drained(entry, now) if change.drains else None
        return reached(entry, before, local_id, now)

    async def _keep_addresses(self, plan: Plan) -> float | None:
        """The pools of the subnets as their ledgers say; in how many seconds to look again, at the latest."""
        due: list[float] = []
        wake: set[str] = set()
        kept = [
            *plan.alike,
            *((e.desired, e.replica) for e in plan.changes if isinstance(e, Update)),
            *((e.desired, e.replica) for e in plan.drift),
        ]
        for entry, replica in kept:
            again, others, wrong = await self.addresses.keep(entry, replica)
            wake |= others
            if again is not None:
                due.append(again)
            if wrong:
                log.warning("addresses", site=self.site, id=entry.global_id, why=wrong)
        if wake:
            await self.store.wake(wake)
        return min(due, default=None)

    async def _withdraw(self, change: Delete, status: Status) -> None:
        """A site needs what was to be gone: it stays, and those that have let it go make it again."""
        entry = change.desired
        if not entry.deleted or change.extra or status.attempts < REFUSALS:
            return
        log.warning("a deletion is withdrawn", id=entry.global_id, site=self.site, why=status.error)
        entries = await self.store.all()
        along = [each for each in entries if each.deleted and entry.global_id in goes_with(each)]
        for each in (*along, entry):
            generation = each.generation + 1
            alive = replace(each, deleted=False, gone=frozenset(), generation=generation)
            if await self.store.put(alive) is not None:
                await self.store.wake(each.sites)

    async def _drains(self, change: Delete) -> bool:
        """Whether that with which it is to be kept away is still drained here."""
        whole = (await self.store.get([change.drains])).get(change.drains)
        return whole is not None and self.site in whole.drained

    async def _undrain(self, change: Delete, status: Status) -> None:
        """A site needs one of what was to be kept away: all of it stays, for half is worse than nothing."""
        while change.drains:
            whole = (await self.store.get([change.drains])).get(change.drains)
            if whole is None or self.site not in whole.drained:
                return
            log.warning("not drained", id=whole.global_id, site=self.site, why=status.error)
            if await self.store.put(replace(whole, drained=whole.drained - {self.site})):
                await self.store.wake([self.site])

    async def _unsettled(
        self, whole: Desired, statuses: Mapping[str, Status]
    ) -> dict[str, Status | None]:
        """What belongs to something that has been stretched is not ready before it has been looked at again."""
        parts = [each for each in await self.store.all() if whole.global_id in goes_with(each)]
        known = {part.global_id: statuses.get(part.global_id) for part in parts}
        return {gid: replace(each, state=State.PENDING) for gid, each in known.items() if each}

    async def _say_what_is(
        self,
        plan: Plan,
        statuses: Mapping[str, Status],
        wrong: Mapping[str, str],
        applier: Applier,
        lead: Leadership,
    ) -> None:
        """The statuses of what needs no doing, and of what cannot be done."""
        now = self.clock()
        # What has been forgotten meanwhile: the others needed nothing of this site for it.
        wanted = {entry.global_id for entry in await self.store.all()}
        said: dict[str, Status | None] = dict.fromkeys(statuses.keys() - wanted)
        for entry, replica in plan.alike:
            await applier.keep_place(entry, replica.local_id)
            known = statuses.get(entry.global_id)
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
            new = _drained(entry, now)
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
            if known is None or known.error != why:
                said[gid] = Status(State.ERROR, error=why, since=now)
        for entry in plan.gone:
            if await self._is_there_all_the_same(entry):
                continue
            if entry.global_id in statuses:
                said[entry.global_id] = None
            if entry.deleted or entry.global_id in statuses:
                # Also of what was gone before its daemon could say so.
                await self.addresses.leave(entry)
            await applier.keep_place(entry, None)
            await self._forget(entry)
        await self.store.put_statuses(self.site, said, lead.fence)

    async def _is_there_all_the_same(self, entry: Desired) -> bool:
        """Whether a site has what its list does not show: just started, a Neutron was seen to show nothing."""
        pin = self.ids.pins.pin(None, entry.global_id)
        local_id = pin.places.get(self.site) if pin is not None else None
        if local_id is None:
            return False
        kind = next(each for each in self.kinds if each.name == entry.kind)
        try:
            await self.cloud.call("GET", f"{kind.path}/{local_id}?fields=id")
        except Refused as error:
            if error.status != 404:
                raise
            return False
        log.warning("is not listed, and is there", site=self.site, id=entry.global_id)
        return True

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
            # Whoever drops it gives back its numbers, and nobody else: they may be another's a moment later.
            if await self.store.drop(entry) and entry.kind == "network":
                await self._give_back_numbers(entry)
        elif self.site not in entry.gone:
            await self.store.put(replace(entry, gone=entry.gone | {self.site}))

    async def _give_back_numbers(self, entry: Desired) -> None:
        """Its VLAN ID may be another network's, and so may one that was claimed for it and never used."""
        claims = await self.ids.store.documents(SEGMENTS, "")
        own = [number for number, gid in claims.items() if gid == entry.global_id.encode()]
        if own:
            await self.ids.store.put_documents(SEGMENTS, "", dict.fromkeys(own))

    async def _decided(
        self,
        entry: Desired,
        observed: Observed,
        plugged: Collection[str],
        drained: Collection[str],
    ) -> Desired:
        """The entry after what the anchor's daemon has to decide for all."""
        if entry.anchor != self.site:
            return entry
        kind = next((each for each in self.kinds if each.name == entry.kind), None)
        replica = self._replica(entry, observed)
        new = None
        if len(entry.sites) > 1 and not entry.deleted:
            if await self.addresses.open(entry, replica):
                await self.store.wake(entry.sites - {self.site})
            if entry.kind == "router_interface":
                await self.addresses.share(entry)
        whole = str(entry.spec.get(kind.drains_with) or "") if kind and kind.drains_with else ""
        if kind is not None and kind.name not in observed.unknown:
            new = ended(entry, kind, replica, self.clock(), kept_away=whole in drained)
            if new is None and kind.stretch is not None:
                with suppress(Unfit):
                    if replica is not None:
                        kind.stretch(
                            self.ground, entry.spec, replica.local, replica.local_id in plugged
                        )
                    new = await self._numbered(entry, replica)
        if new is None:
            return entry
        written = await self.store.put(new)
        if written is not None:
            await self.store.wake(new.sites - {self.site})
        return written or entry

    async def _with_their_wholes(self, desired: Sequence[Desired]) -> list[Desired]:
        """What Neutron took away at the anchor with something else is to be gone everywhere, too.

        Mostly the gateway has said so; it may have died over it.
        """
        doomed = {entry.global_id for entry in desired if entry.deleted}
        after = []
        for entry in desired:
            if entry.anchor == self.site and not entry.deleted and goes_with(entry) & doomed:
                grave = replace(entry, changing=0, deleted=True, generation=entry.generation + 1)
                entry = await self.store.put(grave) or entry
                await self.store.wake(entry.sites - {self.site})
            after.append(entry)
        return after

    async def _with_mtus_for_all(self, desired: Sequence[Desired]) -> list[Desired]:
        """Networks of this anchor with no larger an MTU than all of their sites carry."""
        told = {site: json.loads(raw) for site, raw in (await self.store.published(MTUS)).items()}
        limits = {
            site: int(limit)
            for site, (limit, at) in told.items()
            if self.clock() - at < MTU_SECONDS
        }
        after = []
        for entry in desired:
            mtu = entry.spec.get("mtu")
            limit = min((limits[site] for site in entry.sites & limits.keys()), default=mtu)
            mine = entry.anchor == self.site and len(entry.sites) > 1
            if mine and mtu and limit < mtu and not (entry.deleted or entry.changing):
                spec = {**entry.spec, "mtu": limit}
                lower = replace(entry, spec=spec, generation=entry.generation + 1)
                entry = await self.store.put(lower) or entry
                await self.store.wake(entry.sites - {self.site})
            after.append(entry)
        return after

    def _replica(self, entry: Desired, observed: Observed) -> Replica | None:
        """What there is of an entry; of several the one that the map has."""
        there = [r for r in observed.replicas.get(entry.kind, ()) if r.global_id == entry.global_id]
        pin = self.ids.pins.pin(None, entry.global_id)
        place = pin.places.get(self.site) if pin else None
        return min(there, key=lambda each: each.local_id != place, default=None)

    async def _numbered(self, entry: Desired, replica: Replica | None) -> Desired | None:
        """The entry of a network with a VLAN ID, if it needs one and has none."""
        if len(entry.sites) < 2 or SEGMENT in entry.spec or entry.deleted or entry.changing:
            return None
        if unread := {site for site, kind in await self.ids.missing_stamps() if kind == READ}:
            # A network that spans other sites may have any of the IDs that look free here.
            log.warning("no VLAN ID", id=entry.global_id, why=f"{sorted(unread)} not read yet")
            return None
        told = await self.store.published(VLANS)
        used = {site: frozenset(json.loads(raw)) for site, raw in told.items()}
        own = vlan_of(replica.local, self.ground.physical_network) if replica else None
        order = [self.site, *sorted(entry.sites - {self.site})]
        try:
            for number in candidates(self.pool, own, order, used):
                claimed = await self.ids.store.claim_document(
                    SEGMENTS, "", str(number), entry.global_id.encode()
                )
                held = (await self.ids.store.documents(SEGMENTS, "")).get(str(number), b"")
                if claimed or held == entry.global_id.encode():
                    spec = {**entry.spec, SEGMENT: number}
                    return replace(entry, spec=spec, generation=entry.generation + 1)
        except NoSegment as error:
            log.warning("no VLAN ID", id=entry.global_id, why=str(error))
        return None

    async def _publish(self, observed: Observed, lead: Leadership) -> None:
        physical = self.ground.physical_network
        numbers = {vlan_of(each.local, physical) for each in observed.replicas.get("network", ())}
        used = sorted(number for number in numbers if number is not None)
        if await self.store.publish(self.site, VLANS, json.dumps(used).encode(), lead.fence):
            # Somebody may have waited for just this word.
            await self.store.wake(await self._others())

    async def _tell_ways_out(
        self, desired: Sequence[Desired], observed: Observed, lead: Leadership
    ) -> None:
        """Which addresses the routers that span sites have outside of this one."""
        gateways: dict[str, Any] = {}
        for entry in desired:
            if entry.kind == "router" and len(entry.sites) > 1 and not entry.deleted:
                replica = self._replica(entry, observed)
                gateway = replica.local.get("external_gateway_info") if replica else None
                if replica is not None and gateway:
                    addresses = gateway.get("external_fixed_ips") or ()
                    subnets = [str(each["subnet_id"]) for each in addresses]
                    await self.ids.register(self.site, subnets)
                    gateways[entry.global_id] = replica.item["external_gateway_info"]
        await self.store.publish(self.site, WAYS_OUT, json.dumps(gateways).encode(), lead.fence)

    async def _others(self) -> set[str]:
        return {site for entry in await self.store.all() for site in entry.sites} - {self.site}

    async def _plugged(self, desired: Sequence[Desired], observed: Observed) -> set[str]:
        """Local IDs of networks that would have to be made anew, if anything is plugged into them."""
        wanted = {entry.global_id for entry in desired if len(entry.sites) > 1}
        plugged = set()
        for replica in observed.replicas.get("network", ()):
            if (
                replica.global_id in wanted
                and vlan_of(replica.local, self.ground.physical_network) is None
            ):
                query = f"network_id={replica.local_id}&fields=device_owner"
                body = await self.cloud.call("GET", f"/v2.0/ports?{query}")
                owners = [each.get("device_owner") for each in body["ports"]]
                if any(owner != "network:dhcp" for owner in owners):
                    plugged.add(replica.local_id)
        return plugged

    def _places(self, desired: Sequence[Desired]) -> dict[str, str]:
        places = {}
        for entry in desired:
            pin = self.ids.pins.pin(None, entry.global_id)
            if pin is not None and self.site in pin.places:
                places[entry.global_id] = pin.places[self.site]
        return places


def _drained(entry: Desired, now: float) -> Status:
    return Status(State.DRAINED, entry.generation, entry.generation, since=now)


def _is_extra(change: Change) -> bool:
    return isinstance(change, Delete) and change.extra
