"""Reads the limits, quotas and usage of the projects that use the gateway, for when their site is away.

Only of those that have been seen lately: a federation may have more projects than anybody wants to ask for.
By the gateway's account, in the words of `Resource.told`.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

import orjson
import structlog

from adapters.account import Account
from adapters.breakers import Breakers
from adapters.errors import FederationError
from adapters.names import Outward
from adapters.names import Site as SiteNames
from adapters.spec import Ids, Resource, Service
from adapters.translate import rewrite_body, shape
from federator.lastknown.usage import known_from
from federator.notice import NUMBERS, Notice, told_names
from idmap.front import IdMap
from idmap.records import RecordStore
from idmap.store import StoreUnavailable

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Numbers:
    """Who reads. `seconds` lie between two readings of one project at one site."""

    services: Mapping[str, Service]
    names: Mapping[str, SiteNames]
    accounts: Mapping[str, Account]
    rules: Mapping[str, Ids]
    ids: IdMap
    records: RecordStore
    breakers: Breakers
    notice: Notice
    seconds: float

    async def look(self) -> None:
        """Read what it is time to read. Raises StoreUnavailable."""
        for site, home_id, local_id in self.notice.seen_lately():
            if await self.records.turn(f"numbers:{site}:{home_id}", self.seconds):
                for service in self.services.values():
                    if not self.breakers.is_away(site, service.type):
                        await self._read(site, service, home_id, local_id)

    async def _read(self, site: str, service: Service, home_id: str, local_id: str) -> None:
        for resource in service.resources:
            for name, asked in told_names(service, resource, home_id).items():
                path = (
                    f"{service.version}{'/{project_id}' if service.project_in_path else ''}{asked}"
                )
                if resource.ranged:
                    path += f"?start={known_from(int(time.time())):%Y-%m-%dT%H:%M:%S}"
                try:
                    status, body = await self.accounts[site].get(
                        service.type,
                        path.replace("{project}", local_id),
                        microversion=resource.index_microversion or None,
                    )
                except FederationError as error:
                    log.warning("numbers not read", site=site, reason=str(error))
                    return
                if status == 200 and isinstance(body, dict):
                    await self._keep(site, service, resource, home_id, local_id, name, body)

    async def _keep(
        self,
        site: str,
        service: Service,
        resource: Resource,
        home_id: str,
        local_id: str,
        name: str,
        body: Mapping[str, object],
    ) -> None:
        own = {local_id: home_id}
        out = Outward(self.names[site], self.ids.pins, ids=self.rules, own=own)
        numbers = rewrite_body(shape(service, resource), body, out.change)
        await self.ids.register(site, out.seen)
        raw = orjson.dumps([int(time.time()), numbers])
        # More than fits on a page would be counted in part.
        whole = f"{resource.key}_links" not in body
        await self.ids.store.put_documents(
            NUMBERS, home_id, {name: raw if whole else None}, site=site
        )


async def keep_numbers(numbers: Numbers) -> None:
    """For ever."""
    while True:
        try:
            await numbers.look()
        except StoreUnavailable as error:
            log.warning("numbers not kept", reason=str(error))
        except Exception:
            log.exception("numbers cannot be read")
        await asyncio.sleep(LOOK_SECONDS)
