"""Tells the other daemons of the ports of a site, and has the ports of others stand here.

Thin: what has to be told and done is decided elsewhere. A daemon never asks another site.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import structlog

from adapters.errors import SiteUnreachable
from adapters.marks import PLACEHOLDER_FIELDS
from adapters.registry import all_services
from idmap.desired import DesiredStore, Leadership
from idmap.front import IdMap
from idmap.ledgers import LedgerStore
from sync.cloud import Cloud, Led, Refused
from sync.ipam.moves import has_to_stay
from sync.ipam.ranges import number
from sync.placeholders.cards import NAME, Card, Word, card_of, dumped, loaded
from sync.placeholders.job import Job
from sync.placeholders.stopgaps import Books, Stopgaps
from sync.placeholders.wanted import Address, Land
from sync.placeholders.work import LISTED, Placeholder, Work, ours, work
from sync.refusals import Refusals
from sync.tongue import Tongue

log = structlog.get_logger(__name__)

IN_BULK = 50
"""Ports made by one call. A hundred took a busy site 20 s, and nobody is waited for longer than 30."""
AT_ONCE = 200
"""Things done in one round; then what else the round is for gets its turn."""
LATER = 30.0
"""Seconds until it is tried again after a site has failed at it."""
FEWER = 10
"""If so many of the ports that were told of a network, or of all, are gone, and more than the third part ..."""
_REFUSED = "nothing stands for port {what}: {why}"
_NETWORKS = 50
"""Of which one list shows the ports: their IDs have to fit into a URL."""

_PORT = all_services()["network"].resource("port")


@dataclass(frozen=True, slots=True)
class Kept:
    """How it ended."""

    wrong: Mapping[str, str]
    """Global ID of a network -> what cannot stand on it."""
    soon: float | None
    """In how many seconds to look again."""


@dataclass(frozen=True, slots=True)
class _Look:
    land: Land
    words: dict[str, Word]
    there: list[Placeholder]
    own: dict[str, list[Card]]
    """What this site has to tell."""
    real: list[Mapping[str, Any]]
    """The ports here that are no placeholders."""
    books: Books
    """As they were before the ports were looked at."""
    listed: dict[str, int]
    """Global ID of a network -> how many addresses its ports have, whosever they are."""


@dataclass(frozen=True, slots=True)
class Placeholders:
    """One site's part. `account` gives the project of the gateway's account there."""

    cloud: Cloud
    tongue: Tongue
    ids: IdMap
    store: DesiredStore
    account: Callable[[], Awaitable[str]]
    ledgers: LedgerStore
    federation: str
    refusals: Refusals = field(default_factory=Refusals)

    async def planned(self) -> list[str]:
        """What would be done, a line for each network and site. Raises SiteUnreachable, Refused."""
        look = await self._look()
        todo = _todo(look)
        return todo.told(look.land.networks)

    async def keep(self, lead: Leadership) -> Kept:
        """Tell, and do. Raises SiteUnreachable, Refused, StoreUnavailable, NotLeading."""
        look = await self._look()
        if not look.land.networks:
            await self.store.publish(self.cloud.site, NAME, dumped({}), lead.fence)
            return Kept({}, None)
        cloud = Led(self.cloud, lead)
        look = await self._handed_over(look, cloud)
        await self._tell(look, lead)
        todo = _todo(look)
        self.refusals.keep(todo.ports)
        try:
            more = await self._do(todo, look.land, cloud)
        except SiteUnreachable as error:
            # Should it be only this that the site fails at, all else has to go on.
            log.warning("placeholders not kept", site=self.cloud.site, why=error.reason)
            return Kept(self.refusals.said(_REFUSED), LATER)
        rest = self.refusals.rest
        if todo.postponed:
            rest = LATER if rest is None else min(LATER, rest)
        return Kept(self.refusals.said(_REFUSED), 0 if more else rest)

    async def _handed_over(self, look: _Look, cloud: Led) -> _Look:
        """How it is when others have got the addresses that they asked for."""
        stopgaps = self._stopgaps
        await stopgaps.seen(look.books, look.real)
        standing = {at: each.local_id for each in look.there for at in each.addresses}
        try:
            asked = await stopgaps.hand_over(look.books, look.land, standing, cloud)
        except SiteUnreachable as error:
            log.warning("addresses not given away", site=self.cloud.site, why=error.reason)
            return look
        return await self._look() if asked else look

    @property
    def _stopgaps(self) -> Stopgaps:
        return Stopgaps(self.cloud.site, self.ledgers, self.federation)

    async def _look(self) -> _Look:
        desired = await self.store.all()
        await self.ids.refresh()
        land = Land(self.cloud.site, desired, self._place)
        networks = land.networks
        books = await self._stopgaps.books(land)
        ports, project = await self._ports(sorted(networks)), await self.account()
        there, real = ours(ports, project, self.federation)
        own: dict[str, list[Card]] = {e.global_id: [] for e in networks.values() if land.spans(e)}
        for port in real:
            network = networks[str(port["network_id"])].global_id
            card = card_of(self.tongue.outward(_PORT, port, self.ids.pins))
            if card is not None and network in own:
                own[network].append(card)
        listed: dict[str, int] = dict.fromkeys(own, 0)
        for port in ports:
            network = networks[str(port["network_id"])].global_id
            listed[network] = listed.get(network, 0) + len(port["fixed_ips"])
        told = await self.store.published(NAME)
        words: dict[str, Word] = {site: loaded(raw) for site, raw in told.items()}
        return _Look(land, words, there, own, real, books, listed)

    async def _ports(self, networks: Sequence[str]) -> list[Mapping[str, Any]]:
        fields = "&".join(f"fields={name}" for name in (*LISTED, *PLACEHOLDER_FIELDS))
        found: list[Mapping[str, Any]] = []
        known = set(networks)
        for at in range(0, len(networks), _NETWORKS):
            query = "&".join(f"network_id={each}" for each in networks[at : at + _NETWORKS])
            async for items in self.cloud.pages("/v2.0/ports", "ports", f"{query}&{fields}"):
                # A site may know nothing of such a filter, or have made it anew meanwhile.
                found += [each for each in items if each.get("network_id") in known]
        return found

    def _place(self, global_id: str) -> str:
        return (self.ids.pins.places(None, global_id) or {}).get(self.cloud.site, "")

    async def _tell(self, look: _Look, lead: Leadership) -> None:
        """What this site has on networks that span; and, if it is news, a word to those who need it."""
        before, word = look.words.get(self.cloud.site, {}), dict(look.own)
        local = {entry.global_id: each for each, entry in look.land.networks.items()}
        for network in doubtful(before, look.own):
            if await self._is_whole(local[network], look, network):
                continue
            # Who has lost a right gets a shorter list and no error: what was told stands.
            del word[network]
            if network in before:
                word[network] = list(before[network])
        if await self.store.publish(self.cloud.site, NAME, dumped(word), lead.fence):
            entries = [entry for entry in look.land.networks.values() if look.land.spans(entry)]
            await self.store.wake({s for e in entries for s in e.sites} - {self.cloud.site})

    async def _is_whole(self, local: str, look: _Look, network: str) -> bool:
        """Whether the ports that were listed are all that Neutron counts itself."""
        try:
            body = await self.cloud.call("GET", f"/v2.0/network-ip-availabilities/{local}")
            subnets = body["network_ip_availability"]["subnet_ip_availability"]
            used = sum(int(each["used_ips"]) for each in subnets)
        except (Refused, LookupError, TypeError, ValueError) as error:
            log.warning("ports not told", site=self.cloud.site, id=network, why=str(error))
            return False
        lacking = used - look.listed[network]
        if lacking <= max(1, used // 4):
            return True
        log.warning("ports not told", site=self.cloud.site, id=network, lacking=lacking, of=used)
        return False

    async def _do(self, todo: Work, land: Land, cloud: Led) -> bool:
        """As much of it as is done at once. Whether there is more."""
        job = Job(cloud, self.refusals, self.federation)
        waits = self.refusals.waits
        removes = [each for each in todo.remove if not waits(each.port)]
        changes = [each for each in todo.change if not waits(each[0].port)]
        makes = [each for each in todo.make if not waits(each.port)]
        for there in removes[:AT_ONCE]:
            await job.remove(there, land.networks[str(there.local["network_id"])].global_id)
        for there, wanted, fields in changes[: max(0, AT_ONCE - len(removes))]:
            await job.change(there, wanted, fields)
        # A network's stand beside each other.
        now = makes[: max(0, AT_ONCE - len(removes) - len(changes))]
        for _, some in groupby(now, key=lambda each: each.network):
            bulk = list(some)
            for at in range(0, len(bulk), IN_BULK):
                await job.make(bulk[at : at + IN_BULK])
        if job.done:
            log.info("placeholders", site=cloud.site, **job.done)
        return job.stale or len(removes) + len(changes) + len(makes) > AT_ONCE


def _todo(look: _Look) -> Work:
    """What has to be done."""

    subnets = {entry.global_id for _, entry in look.land.subnets}

    def stays(there: Placeholder, address: Address) -> bool:
        book, is_stopgap = look.books.get(address[0]), there.port in subnets
        if book is None:
            # Not yet again: what was in it may be lost.
            return is_stopgap
        return has_to_stay(book, look.land.site, number(address[1]), stopgap=is_stopgap)

    return work(look.land, look.words, look.there, stays)


def doubtful(before: Word, now: Word) -> list[str]:
    """Of which networks Neutron is asked first how many there are: nothing was ever told, all is gone, or much.

    Who has lost a right sees fewer on every network, and each may have few.
    """
    gone = {n: len(before[n]) - len(cards) for n, cards in now.items() if n in before}
    fewer = {network for network, count in gone.items() if count > 0}
    of_all = _is_much(sum(gone[n] for n in fewer), sum(len(before[n]) for n in gone))
    return [
        network
        for network, cards in now.items()
        if network not in before
        or (network in fewer and (of_all or not cards))
        or _is_much(gone[network], len(before[network]))
    ]


def _is_much(gone: int, known: int) -> bool:
    return gone > FEWER and 3 * gone > known
