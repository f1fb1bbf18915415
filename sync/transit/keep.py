"""Tells the other daemons where a site's own networks are, and has routers' ways to those of others stand here.

Thin: what has to be told and done is decided elsewhere. A daemon never asks another site.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from adapters.errors import SiteUnreachable
from idmap.desired import Desired, DesiredStore, Leadership
from idmap.front import IdMap
from sync.cloud import Cloud, Led, Refused
from sync.driver import Ground
from sync.observe import Observed
from sync.refusals import Refusals
from sync.transit.job import Job
from sync.transit.number import Numbers
from sync.transit.standing import own_prefixes, standing
from sync.transit.wanted import Land, work
from sync.transit.words import NAME, Ends, Word, Words, dumped, loaded
from sync.ways import Clear, Part, Work

log = structlog.get_logger(__name__)

_REFUSED = "no way to the networks of other sites: {why}"


@dataclass(frozen=True, slots=True)
class Kept:
    """How it ended."""

    wrong: Mapping[str, str]
    """Global ID of a router -> why it has no way to the networks of other sites."""
    again: bool
    """Something was done: what follows from it is due at once."""
    soon: float | None
    """In how many seconds to try again."""


@dataclass(frozen=True, slots=True)
class Transit:
    """One site's part. `account` gives the project of the gateway's account there."""

    cloud: Cloud
    ids: IdMap
    store: DesiredStore
    ground: Ground
    numbers: Mapping[str, int]
    """Of the sites."""
    chooser: Numbers
    account: Callable[[], Awaitable[str]]
    refusals: Refusals = field(default_factory=Refusals)

    @property
    def site(self) -> str:
        """Its name."""
        return self.cloud.site

    async def planned(
        self,
        desired: Sequence[Desired],
        observed: Observed,
        lead: Leadership | None,
        *,
        read: bool,
    ) -> Work:
        """What has to be done. With `lead` it is told what is here, and decided what has to be.

        `read`: whether it is known what is in our care here. Raises NotLeading.
        """
        account = await self.account()
        parts, spare = standing(observed.replicas, account, self.ground)
        routers = [entry for entry in desired if entry.kind == "router"]
        word = Word({}, unfit(self.ground, self.chooser.pool))
        if read:
            # Before, networks that span sites may pass for this one's own.
            ends = self._ends(desired, routers, parts, observed, account)
            word = replace(word, routers=ends)
        if lead is not None:
            await self._tell(word, routers, lead)
        words = {**loaded(await self.store.published(NAME)), self.site: word}
        vlans = await self._vlans(routers, words, lead)
        pins = self.ids.pins
        land = Land(
            self.site,
            words,
            parts,
            spare,
            lambda router: observed.of(router, pins, self.site),
            vlans,
            self.numbers,
            read,
        )
        return work(land, routers)

    async def keep(self, todo: Work, lead: Leadership) -> Kept:
        """Do it. Raises NotLeading."""
        job = Job(Led(self.cloud, lead), self.ground, self.numbers[self.site])
        self.refusals.keep(todo.routers)
        done = False
        for each in todo.steps:
            if self.refusals.waits(each.router):
                continue
            try:
                await (job.clear(each) if isinstance(each, Clear) else job.build(each))
            except (Refused, SiteUnreachable) as error:
                why = getattr(error, "reason", str(error))
                log.warning("no transit", site=self.site, id=each.router, why=why)
                self.refusals.add(each.router, each.router, why)
                if isinstance(error, SiteUnreachable):
                    # Nor is it there for the next one.
                    break
            else:
                log.info("transit", site=self.site, id=each.router, what=type(each).__name__)
                self.refusals.drop(each.router)
                done = True
        waiting = {gid: _REFUSED.format(why=why) for gid, why in todo.waiting.items()}
        return Kept({**waiting, **self.refusals.said(_REFUSED)}, done, self.refusals.rest)

    def _ends(
        self,
        desired: Sequence[Desired],
        routers: Sequence[Desired],
        parts: Mapping[str, Part],
        observed: Observed,
        account: str,
    ) -> dict[str, Ends]:
        networks = {e.global_id: e for e in desired if e.kind == "network" and not e.deleted}
        table: dict[str, Ends] = {}
        for router in routers:
            gid = router.global_id
            replica = observed.of(router, self.ids.pins, self.site)
            if len(router.sites) > 1 and not router.deleted and replica is not None:
                own = own_prefixes(router, replica.local_id, networks, observed.replicas, account)
                part = parts.get(gid)
                there = (part.vlan, part.mtu) if part is not None and part.plugged else ()
                table[gid] = Ends(own, *there)
        return table

    async def _tell(self, word: Word, routers: Sequence[Desired], lead: Leadership) -> None:
        if await self.store.publish(self.site, NAME, dumped(word), lead.fence):
            sites = {s for e in routers if e.global_id in word.routers for s in e.sites}
            await self.store.wake(sites - {self.site})

    async def _vlans(
        self, routers: Sequence[Desired], words: Words, lead: Leadership | None
    ) -> Mapping[str, int]:
        if not routers:
            return {}
        if lead is None:
            return await self.chooser.known()
        return await self.chooser.chosen(routers, words)


def unfit(ground: Ground, pool: range) -> str:
    """Why a site can have no transit networks; empty if it can."""
    if ground.manual or not ground.physical_network:
        return "no VLAN leads there from other sites (physical_network in clouds.yaml)"
    return "" if pool else "there are no VLAN IDs to give out (segments in federator.yaml)"
