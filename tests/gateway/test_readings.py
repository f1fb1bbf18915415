"""When a site is read, whatever the clocks say."""

import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from adapters.breakers import Breakers
from adapters.errors import SiteUnreachable
from adapters.registry import all_services
from adapters.spec import Resource, Service
from federator.upkeep.readings import Readings
from federator.upkeep.survey import Survey
from idmap.memory_records import MemoryRecordStore

NETWORK = all_services()["network"]
COMPUTE = all_services()["compute"]


class Empty:
    """A site where nothing is, that says what it was asked."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    async def pages(
        self, service: Service, resource: Resource, only: object = None
    ) -> AsyncIterator[list[Any]]:
        self.asked.add(resource.kind)
        yield []


async def _nobody(site: str, service: str) -> bool:
    return False


@pytest.mark.parametrize(
    ("ago", "read"),
    [(10, False), (200, False), (400, True), (-3600, True)],
    ids=["lately", "not yet", "long ago", "by a clock that was ahead"],
)
async def test_a_site_is_read_again_after_a_while(ago: int, read: bool) -> None:
    records, site = MemoryRecordStore(["tokyo"]), Empty()
    for resource in NETWORK.resources:
        await records.finish("tokyo", resource.kind, int(time.time()) - ago)
    surveys = {"tokyo": cast(Survey, site)}

    await Readings({"network": NETWORK}, surveys, records, Breakers(_nobody), 300).look("tokyo")

    assert ("network" in site.asked) is read


class Busy:
    """A site that is asked what has changed, and may be away just then."""

    def __init__(self) -> None:
        self.away = False
        self.asked: list[float] = []

    async def pages(
        self, service: Service, resource: Resource, only: Mapping[str, str] | None = None
    ) -> AsyncIterator[list[Any]]:
        if only is not None:
            since = datetime.strptime(only["changes-since"], "%Y-%m-%dT%H:%M:%SZ")
            self.asked.append(since.replace(tzinfo=UTC).timestamp())
        if self.away:
            raise SiteUnreachable("tokyo", "it is away")
        yield []


class AnyTime(MemoryRecordStore):
    """It is always time to read."""

    async def turn(self, name: str, seconds: float) -> bool:
        return True


async def test_no_change_is_missed_however_long_a_site_was_away() -> None:
    records, site, now = AnyTime(["tokyo"]), Busy(), int(time.time())
    for resource in COMPUTE.resources:
        await records.finish("tokyo", resource.kind, now - 200)
    readings = Readings(
        {"compute": COMPUTE}, {"tokyo": cast(Survey, site)}, records, Breakers(_nobody), 300
    )

    site.away = True
    await readings.look("tokyo")
    site.away = False
    await readings.look("tokyo")
    assert max(site.asked) <= now - 200

    site.asked.clear()
    await readings.look("tokyo")
    assert now - 100 < min(site.asked) <= now
