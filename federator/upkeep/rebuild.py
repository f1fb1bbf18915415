"""The ID map, restored from the sites: after a loss of Redis, and at the first start.

One process at a time does it. Everything it writes may be written twice, so one that dies half-way leaves
nothing to clean up: its stamps are missing, and somebody begins again. A site that cannot be asked keeps its
stamps missing; the others are finished.
"""

import asyncio
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from typing import Any

import orjson
import structlog

from adapters.account import Account
from adapters.errors import FederationError, SiteUnreachable
from adapters.spec import PROJECT, USER, Service
from adapters.strategy import Strategy
from federator import metrics
from federator.keypairs import DOCUMENTS
from federator.keypairs import KIND as KEYPAIR
from federator.owners import ORIGIN as MAPPING
from federator.upkeep.lookout import Lookout
from federator.upkeep.restoring import Restoring
from federator.upkeep.survey import Survey
from idmap.desired import READ
from idmap.front import IdMap
from idmap.store import Lease, Location, Pin, StoreUnavailable

log = structlog.get_logger(__name__)

Say = Callable[[str], None]
"""Takes one line of progress."""


def expected_stamps(
    services: Mapping[str, Service], sites: tuple[str, ...]
) -> list[tuple[str, str]]:
    """(site, kind) of everything whose index has to be complete before an unknown ID means "not found"."""
    kinds = [
        resource.kind
        for service in services.values()
        for resource in service.resources
        if resource.index
    ]
    return [(site, kind) for site in sites for kind in (PROJECT, KEYPAIR, READ, *kinds)]


@dataclass(slots=True)
class Rebuild:
    """Restores the map."""

    services: Mapping[str, Service]
    surveys: Mapping[str, Survey]
    strategies: Mapping[str, Strategy]
    home: Account
    ids: IdMap
    lookout: Lookout
    restoring: Restoring

    async def run(self, say: Say = lambda line: None) -> bool:
        """Rebuild the whole map. False if somebody else is at it. Raises StoreUnavailable."""
        async with self.ids.store.rebuild_lock() as lease:
            if lease is None:
                return False
            await self._owners(lease, say)
            await self.lookout.look()
            read = await self.restoring.run(lease, say)
            await asyncio.gather(
                *(self._site(survey, lease, read, say) for survey in self.surveys.values())
            )
            await self._keypairs(lease, say)
        outcome = "partial" if await self.ids.missing_stamps() else "complete"
        metrics.REBUILDS.labels(outcome).inc()
        say(f"the ID map is {outcome}")
        return True

    async def _site(self, survey: Survey, lease: Lease, read: Set[str], say: Say) -> None:
        site = survey.names.name
        for service in self.services.values():
            if site not in read and any(each.shared for each in service.resources):
                # An ID that its replicas carry is not known, and must not be taken for nobody's.
                for each in service.resources:
                    if each.index:
                        say(f"{site}: {each.keys} not read: what is in our care there is not known")
                continue
            for resource in service.resources:
                if not resource.index or not lease.held:
                    continue
                try:
                    count = 0
                    async for items in survey.pages(service, resource):
                        _, seen = survey.ids_of(service, resource, items, self.ids.pins)
                        await self.ids.store.register(site, seen)
                        count += len(items)
                except FederationError as error:
                    log.warning("index left incomplete", kind=resource.kind, reason=str(error))
                    say(f"{site}: {resource.keys} not read: {error}")
                    continue
                await self.ids.store.mark_complete([(site, resource.kind)], epoch=lease.epoch)
                if count:
                    say(f"{site}: {count} {resource.keys}")

    async def _owners(self, lease: Lease, say: Say) -> None:
        """Pins of projects and users, from what the mapping made at the sites."""
        users = await self._home_users()
        found: list[tuple[str, str, Location]] = []
        read = []
        for site, strategy in self.strategies.items():
            try:
                for home_id, local in (await strategy.known_projects(self.home)).items():
                    found.append((PROJECT, home_id, Location(site, local)))
                for local, who in (await strategy.known_users()).items():
                    owner = who if isinstance(who, str) else users.get(who)
                    if owner is not None:
                        found.append((USER, owner, Location(site, local)))
                read.append((site, PROJECT))
            except FederationError as error:
                say(f"{site}: projects and users not read: {error}")
        # Again if somebody logged in for the first time meanwhile.
        written = False
        while not written:
            await self.ids.refresh()
            pins = self._owner_pins(found)
            written = await self.ids.store.put_pins(pins, seen=self.ids.state)
        await self.ids.refresh()
        await self.ids.store.mark_complete(read, epoch=lease.epoch)
        say(f"{len(pins)} projects and users")

    def _owner_pins(self, found: list[tuple[str, str, Location]]) -> list[Pin]:
        """What was found, added to the pins there are."""
        pins = {(pin.kind, pin.global_id): pin for pin in self.ids.pins if pin.origin == MAPPING}
        for kind, home_id, place in found:
            pin = pins.get((kind, home_id)) or Pin(home_id, kind, MAPPING, {})
            pins[kind, home_id] = (
                replace(pin, places={**pin.places, place.site: place.local_id})
                if kind == PROJECT
                else replace(pin, aliases=pin.aliases | {place})
            )
        return list(pins.values())

    async def _home_users(self) -> dict[tuple[str, str], str]:
        """(name, domain name) -> home's ID of a user. Empty if home does not let us list its users."""
        try:
            _, domains = await self.home.get("identity", "/v3/domains")
            _, users = await self.home.get("identity", "/v3/users")
            names = {domain["id"]: domain["name"] for domain in domains["domains"]}
            return {
                (user["name"], names[user["domain_id"]]): user["id"]
                for user in users["users"]
                if user["domain_id"] in names
            }
        except (FederationError, KeyError, TypeError) as error:
            log.warning("home's users not read", reason=str(error))
            return {}

    async def _keypairs(self, lease: Lease, say: Say) -> None:
        """The lists of keypairs, from what shadow users have at the sites. What is known already stays."""
        found: dict[str, dict[str, bytes]] = {}
        unread: set[str] = set()
        for pin in [each for each in self.ids.pins if each.kind == USER]:
            for shadow in pin.aliases:
                if shadow.site not in self.surveys or shadow.site in unread:
                    continue
                try:
                    for made in await self._keypairs_of(shadow):
                        found.setdefault(pin.global_id, {})[made["name"]] = orjson.dumps(made)
                except FederationError as error:
                    unread.add(shadow.site)
                    say(f"{shadow.site}: keypairs not read: {error}")
        for owner, documents in found.items():
            known = await self.ids.store.documents(DOCUMENTS, owner)
            news = {name: raw for name, raw in documents.items() if name not in known}
            if news:
                await self.ids.store.put_documents(DOCUMENTS, owner, news)
        stamps = [(site, KEYPAIR) for site in self.surveys if site not in unread]
        await self.ids.store.mark_complete(stamps, epoch=lease.epoch)

    async def _keypairs_of(self, shadow: Location) -> list[dict[str, Any]]:
        path = f"/v2.1/os-keypairs?user_id={shadow.local_id}"
        status, body = await self.surveys[shadow.site].account.get(
            "compute", path, microversion="2.10"
        )
        if status == 404:
            return []
        if status != 200 or not isinstance(body, dict):
            raise SiteUnreachable(shadow.site, f"the list of a user's keypairs answered {status}")
        return [item["keypair"] for item in body["keypairs"]]


async def keep_map(rebuild: Rebuild, every: float, wanted: asyncio.Event) -> None:
    """Rebuild the map whenever it is incomplete, and look for namesakes every so many seconds. For ever."""
    while True:
        try:
            if await rebuild.ids.missing_stamps():
                log.warning("the ID map is incomplete, rebuilding it from the sites")
                await rebuild.run(lambda line: log.info("rebuild", step=line))
            else:
                await rebuild.lookout.look_alone()
        except StoreUnavailable as error:
            log.warning("the ID map cannot be kept", reason=str(error))
        except Exception:
            log.exception("the upkeep of the ID map failed")
        incomplete = not rebuild.ids.complete
        try:
            async with asyncio.timeout(min(every, 5.0) if incomplete else every):
                await wanted.wait()
        except TimeoutError:
            pass
        wanted.clear()
