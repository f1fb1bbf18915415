"""When a site is read, whatever the clocks say."""

import time
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from adapters.breakers import Breakers
from adapters.registry import all_services
from adapters.spec import Resource, Service
from federator.upkeep.readings import Readings
from federator.upkeep.survey import Survey
from idmap.memory_records import MemoryRecordStore

NETWORK = all_services()["network"]


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
