"""Reads what is remembered of each site: all of it now and then, what has changed more often.

By the gateway's account, which sees everybody's objects. One process reads a site at a time; a site that
cannot be read keeps what is remembered of it.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog

from adapters.breakers import Breakers
from adapters.errors import FederationError
from adapters.kept import owner_of, pack
from adapters.spec import Resource, Service
from federator.upkeep.survey import Survey
from idmap.records import Record, RecordStore
from idmap.store import StoreUnavailable

log = structlog.get_logger(__name__)

CHANGES_SECONDS = 15.0
"""How often a service that can tell is asked what has changed."""
OVERLAP_SECONDS = 30
"""Its clock may be another than ours."""


@dataclass(frozen=True, slots=True)
class Readings:
    """Who reads. `seconds` lie between two readings of all."""

    services: Mapping[str, Service]
    surveys: Mapping[str, Survey]
    records: RecordStore
    breakers: Breakers
    seconds: float
    _changes: dict[str, int] = field(default_factory=dict)
    """When this process last read what had changed, by site and kind."""

    async def look(self, site: str) -> None:
        """Read what it is time to read at a site. Raises StoreUnavailable."""
        readings = await self.records.readings(site)
        for service in self.services.values():
            kept = [resource for resource in service.resources if resource.kept]
            if not kept or self.breakers.is_away(site, service.type):
                continue
            for resource in kept:
                try:
                    await self._look_at(site, service, resource, readings.get(resource.kind))
                except FederationError as error:
                    log.warning("not read", site=site, kind=resource.kind, reason=str(error))

    async def _look_at(
        self, site: str, service: Service, resource: Resource, before: int | None
    ) -> None:
        now = time.time()
        name = f"{site}:{resource.kind}"
        # In the future if a clock was wrong: then nobody would read for long.
        if before is None or not 0 <= now - before < self.seconds:
            # Whoever begins has this long; if he dies, somebody else begins then.
            if await self.records.turn(f"read:{name}", min(60.0, self.seconds)):
                await self._read(site, service, resource, int(now))
        elif "updated" in resource.kept and await self.records.turn(
            f"changes:{name}", CHANGES_SECONDS
        ):
            # Nova alone shows what was deleted, too. Since the last time, however long ago: the site may have
            # been away.
            last = max(before, self._changes.get(name, 0))
            since = datetime.fromtimestamp(last - OVERLAP_SECONDS, UTC)
            only = {"changes-since": f"{since:%Y-%m-%dT%H:%M:%SZ}"}
            async for items in self.surveys[site].pages(service, resource, only):
                await self._write(site, resource, items)
            self._changes[name] = int(now)

    async def _read(self, site: str, service: Service, resource: Resource, began: int) -> None:
        async for items in self.surveys[site].pages(service, resource):
            await self._write(site, resource, items)
        await self.records.finish(site, resource.kind, began)

    async def _write(self, site: str, resource: Resource, items: list[Any]) -> None:
        now, records = int(time.time()), []
        for item in items:
            local_id, owner = str(item[resource.id_field]), owner_of(resource, item)
            if item.get("status") == "DELETED" and owner is not None:
                await self.records.drop(site, resource.kind, owner, [local_id])
            elif owner is not None:
                records.append(Record(local_id, owner, pack(resource, item), now))
        await self.records.write(site, resource.kind, records)


async def keep_reading(readings: Readings) -> None:
    """For ever."""
    while True:
        looks = (_look(readings, site) for site in readings.surveys)
        await asyncio.gather(*looks)
        await asyncio.sleep(CHANGES_SECONDS / 3)


async def _look(readings: Readings, site: str) -> None:
    try:
        await readings.look(site)
    except StoreUnavailable as error:
        log.warning("readings not kept", site=site, reason=str(error))
    except Exception:
        log.exception("a site cannot be read", site=site)
