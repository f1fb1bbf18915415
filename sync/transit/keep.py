"""Tells the other daemons where a site's own networks are, and has routers' ways to those of others stand here.

Thin: what has to be told and done is decided elsewhere. A daemon never asks another site.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
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
from sync.transit.standing import interfaces, own_prefixes, standing
from sync.transit.wanted import NO_ROUTER, Land, is_needed, work
from sync.transit.words import NAME, Ends, Word, Words, dumped, loaded, silent
from sync.ways import Build, Clear, Part, Work

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
        routers = {entry.global_id: entry for entry in desired if entry.kind == "router"}
        parts, spare = standing(observed.replicas, account, self.ground, routers)
        found = {gid: observed.of(each, self.ids.pins, self.site) for gid, each in routers.items()}
        replicas = {gid: replica for gid, replica in found.items() if replica is not None}
        words = loaded(await self.store.published(NAME))
        word = Word({}, unfit(self.ground, self.chooser.pool))
        numbers = await self.chooser.known() if routers else {}
        if read:
            # Before, networks that span sites may pass for this one's own.
            before = words.get(self.site, word).routers
            networks = {e.global_id: e for e in desired if e.kind == "network" and not e.deleted}
            table: dict[str, Ends] = {}
            for gid, replica in replicas.items():
                router, part = routers[gid], parts.get(gid)
                if len(router.sites) > 1 and not router.deleted:
                    own = own_prefixes(
                        router, replica.local_id, networks, observed.replicas, account
                    )
                    if (ends := _believed(own, part, before.get(gid))) is not None:
                        table[gid] = ends
            words[self.site] = replace(word, routers=table)
            # Before there is one: who dies over making it can tell of it no more.
            coming = {
                gid: replace(ends, vlan=numbers.get(gid))
                for gid, ends in table.items()
                if ends.vlan is None and is_needed(routers[gid], words)
            }
            word = replace(word, routers={**table, **coming})
        if lead is not None:
            await self._tell(word, routers, lead)
        words[self.site] = word
        quiet = {gid: silent(words, gid, self._places(each)) for gid, each in routers.items()}
        local = {each.local_id: each for each in observed.replicas.get("router", ())}
        return work(
            Land(
                self.site,
                words,
                quiet,
                parts,
                spare,
                replicas,
                local,
                [each for each in local if not interfaces(each, observed.replicas, account)],
                await self._vlans(routers, words, quiet, lead, numbers),
                self.numbers,
                read,
            ),
            routers.values(),
        )

    def _places(self, router: Desired) -> frozenset[str]:
        """The sites at which there is something of a router: what is still to come there has nothing yet."""
        return router.sites & (self.ids.pins.places("router", router.global_id) or {}).keys()

    async def keep(self, todo: Work, lead: Leadership) -> Kept:
        """Do it. Raises NotLeading."""
        job = Job(Led(self.cloud, lead), self.ground, self.numbers[self.site])
        self.refusals.keep(todo.routers)
        done = False
        for each in todo.steps:
            if self.refusals.waits(each.router) or await self._is_found(each):
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

    async def _is_found(self, step: Clear | Build) -> bool:
        """Whether there is such a router after all: it may have been restored since it was looked for."""
        lost = isinstance(step, Clear) and step.why == NO_ROUTER
        return lost and step.router in await self.store.get([step.router])

    async def _tell(self, word: Word, routers: Mapping[str, Desired], lead: Leadership) -> None:
        if await self.store.publish(self.site, NAME, dumped(word), lead.fence):
            sites = {site for gid in word.routers for site in routers[gid].sites}
            await self.store.wake(sites - {self.site})

    async def _vlans(
        self,
        routers: Mapping[str, Desired],
        words: Words,
        quiet: Mapping[str, Collection[str]],
        lead: Leadership | None,
        numbers: Mapping[str, int],
    ) -> Mapping[str, int]:
        """The VLAN IDs with which transit networks are made now: those that have been told of; where they are
        chosen, and given back, any."""
        if not routers or lead is None:
            return numbers
        now = await self.chooser.chosen(routers.values(), words, quiet)
        return {
            gid: number
            for gid, number in now.items()
            if numbers.get(gid) == number or (gid in routers and routers[gid].anchor == self.site)
        }


def _believed(own: tuple[str, ...] | None, part: Part | None, before: Ends | None) -> Ends | None:
    """What this site has of a router; None if that is not shown.

    As `before` if it shows less than can be: not even the port that is ours, or not all subnets. A Neutron
    that has just started was seen to do so.
    """
    if own is None or (not own and before and part is not None and part.port is None):
        return before
    return Ends(own, part.vlan if part else None, part.mtu if part else None)


def unfit(ground: Ground, pool: range) -> str:
    """Why a site can have no transit networks; empty if it can."""
    if ground.manual or not ground.physical_network:
        return "no VLAN leads there from other sites (physical_network in clouds.yaml)"
    return "" if pool else "there are no VLAN IDs to give out (segments in federator.yaml)"
