"""The story of a round at one site: look at everything, compare, do what is missing, say how it is.

Nothing is remembered from one round to the next but what the store holds: the desired state, and how each
replica was (with how often it went wrong, and when to try again). So a round may be run twice, or die anywhere.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import structlog

from adapters.errors import SiteUnreachable
from idmap.desired import CONFIRMED, READ, Desired, DesiredStore, Leadership, State, Status
from idmap.front import IdMap
from idmap.records import RecordStore
from sync.addresses import Addresses
from sync.anchor import Anchor
from sync.apply import Applier
from sync.cloud import Changed, Cloud, Led, Refused
from sync.defaults import Seen, default_groups, with_default_groups
from sync.diff import diff
from sync.drift import reported
from sync.driver import Ground, TooBig, Unfit
from sync.guard import guarded
from sync.joiner import Joiner
from sync.kind import Kind
from sync.news import News
from sync.numbers import give_back_nobodys
from sync.observe import Observed, observe, plugged_in
from sync.outcome import Outcome
from sync.placeholders.keep import Placeholders
from sync.plan import Change, Delete, Plan, Stretch, Update
from sync.reserve import reserve
from sync.status import drained, failed, reached, waits
from sync.tongue import Tongue, Untranslatable
from sync.transit.keep import Transit
from sync.unfit import without_unfit

log = structlog.get_logger(__name__)


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
    records: RecordStore
    """What is shown of the site while it is away."""
    kinds: Sequence[Kind]
    ground: Ground
    pool: range
    """The VLAN IDs that may be given out."""
    addresses: Addresses
    placeholders: Placeholders
    transit: Transit
    eager: bool = False
    """Whether what is at other sites is to be here too, as far as its tenants say nothing else."""
    report_drift: bool = False
    """Whether what was changed behind our back is left as it is, and said to be so."""
    clock: Callable[[], float] = time.time
    """Seconds since 1970."""

    @property
    def site(self) -> str:
        return self.cloud.site

    @property
    def _news(self) -> News:
        return News(self.site, self.store, self.ids, self.ground, self.clock)

    @property
    def _anchor(self) -> Anchor:
        return Anchor(
            self.cloud,
            self.store,
            self.ids,
            self.kinds,
            self.ground,
            self.pool,
            self.addresses,
            self._news,
            self.clock,
        )

    @property
    def _outcome(self) -> Outcome:
        return Outcome(self.cloud, self.store, self.ids, self.addresses, self.clock)

    async def plan(self, lead: Leadership | None = None) -> Plan:
        """What a round would do. With `lead`, what has to be decided first is decided and written down.

        Raises SiteUnreachable, Refused, StoreUnavailable, NotLeading.
        """
        # First: what is read while this looks at the rest is not known to it.
        read = (self.site, READ) not in await self.ids.missing_stamps()
        desired = await self.store.all()
        await self.ids.refresh()
        statuses = await self.store.statuses(self.site)
        observed = await observe(self.cloud, self.tongue, self.kinds, self.ids.pins)
        plugged = await plugged_in(self.cloud, self.ground, desired, observed)
        if lead is not None:
            desired = await self._decided(desired, observed, plugged, lead)
        transit = await self.transit.planned(desired, observed, lead, read=read)
        places = self.ids.pins.at(self.site, (each.global_id for each in desired))
        seen = default_groups(self.site, desired, observed.replicas, places)
        desired = await self._with_joining(desired, seen, lead)
        plan = diff(
            self.site,
            [kind for kind in self.kinds if kind.name not in observed.unknown],
            desired,
            observed.without("security_group", seen.strangers),
            statuses,
            now=self.clock(),
            places=places,
            ground=self.ground,
            plugged=plugged,
            but=seen.left_alone,
            read=read,
        )
        plan = replace(with_default_groups(plan, seen, desired), transit=transit)
        if self.report_drift:
            plan = reported(plan)
        plan = without_unfit(plan, self.kinds, self.ground, desired, observed.unknown)
        if lead is None:
            plan = replace(plan, placeholders=tuple(await self.placeholders.planned()))
        confirmed = (await self.store.published(CONFIRMED)).get(self.site, b"").decode()
        return guarded(plan, self.kinds, observed.listed, statuses, confirmed)

    async def _decided(
        self,
        desired: Sequence[Desired],
        observed: Observed,
        plugged: Collection[str],
        lead: Leadership,
    ) -> list[Desired]:
        """The desired state once the daemons have told each other what is news, and who has to has decided."""
        await self._news.tell(desired, observed, lead)
        if self.eager:
            joiner = Joiner(self.site, self.store, self.ids, self._news)
            desired = await joiner.joined(desired, observed, lead)
        return await self._anchor.decided(desired, observed, plugged)

    async def _with_joining(
        self, desired: Sequence[Desired], seen: Seen, lead: Leadership | None
    ) -> list[Desired]:
        """The desired state with what is to be here from now on; with `lead` it is written down."""
        now = {each.global_id: each for each in desired}
        for entry in seen.joining:
            written = await self.store.put(entry) if lead is not None else None
            now[entry.global_id] = written or entry
        return list(now.values())

    async def reserve(self, lead: Leadership) -> None:
        """Once for each leader: what one before has died over is cleared away, and the VLAN IDs are kept from
        the site's own networks. Raises as `plan` does."""
        await give_back_nobodys(self.store, self.ids)
        project = await self.addresses.neutron.account.project_id()
        await reserve(self.site, Led(self.cloud, lead), self.ground, self.pool, project)

    def applier(self, lead: Leadership) -> Applier:
        """What does the changes, for as long as this one leads."""
        return Applier(
            Led(self.cloud, lead),
            self.tongue,
            self.ids,
            self.store,
            self.records,
            {kind.name: kind for kind in self.kinds},
            self.ground,
            self.addresses,
        )

    async def run(self, lead: Leadership) -> Done:
        """A round. Raises as `plan` does."""
        plan = await self.plan(lead)
        statuses = await self.store.statuses(self.site)
        applier = self.applier(lead)
        # Before anything else: what stands in a network is in its way when that is to be gone.
        kept = await self.placeholders.keep(lead)
        ways = await self.transit.keep(plan.transit, lead)
        wrong = {**kept.wrong, **ways.wrong}
        said = await self._outcome.of_what_is(plan, statuses, wrong, applier)
        await self.store.put_statuses(self.site, said, lead.fence)
        again, trouble = ways.again, False
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
                    said |= await self._outcome.unsettled(entry, statuses)
                await self.store.put_statuses(self.site, said, lead.fence)
            elif isinstance(change, Delete):
                said = await self._outcome.left_over(change, status)
                await self.store.put_statuses(self.site, said, lead.fence)
            if isinstance(change, Stretch):
                # It may have become another one, and the rest of the plan is about the old one's parts.
                again = True
                break
        again = again and not trouble
        soon = await self._keep_addresses(plan) if lead.held and not again else None
        later = soon, kept.soon, ways.soon
        soon = min((each for each in later if each is not None), default=None)
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
                await self._news.tell_mtu(error.limit, lead)
                await self.store.wake({entry.anchor})
            log.info("waits", site=self.site, kind=entry.kind, id=entry.global_id, why=str(error))
            return waits(before, str(error), now)
        except (Refused, SiteUnreachable) as error:
            reason = getattr(error, "reason", str(error))
            state = State.ERROR if isinstance(error, Refused) else State.PENDING
            status = failed(entry, before, state, reason, now)
            if isinstance(change, Delete) and state is State.ERROR:
                await self._outcome.withdraw(change, status)
                await self._outcome.undrain(change, status)
            log.warning("not done", site=self.site, kind=entry.kind, id=entry.global_id, why=reason)
            return status
        log.info("done", site=self.site, what=type(change).__name__, id=entry.global_id)
        if isinstance(change, Delete):
            if not change.extra:
                await self.addresses.leave(entry)
                await applier.keep_place(entry, None)
            return drained(entry, now) if change.drains else None
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

    async def _drains(self, change: Delete) -> bool:
        """Whether that with which it is to be kept away is still drained here."""
        whole = (await self.store.get([change.drains])).get(change.drains)
        return whole is not None and self.site in whole.drained


def _is_extra(change: Change) -> bool:
    return isinstance(change, Delete) and change.extra
