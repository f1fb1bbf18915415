"""What is remembered of what passes, and for whom."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from adapters.identity import SiteToken
from adapters.kept import unpack
from adapters.registry import all_services
from federator.call import Call, SiteReply
from federator.notice import Notice
from federator.route import route
from idmap.memory import MemoryIdStore
from idmap.memory_records import MemoryRecordStore
from idmap.sites import SiteKey

SERVICES = all_services()
TOKYO = SiteKey.of("tokyo")
OURS, THEIRS = "c" * 32, "d" * 32
ONE, TWO = "0f0e0d0c-0b0a-4908-8706-050403020100", "0f0e0d0c-0b0a-4908-8706-050403020101"
TOKEN = SiteToken("tokyo", "t", "u", OURS, datetime(2030, 1, 1, tzinfo=UTC), {})


def listing(path: str) -> Call:
    call = route(
        SERVICES["network"],
        "GET",
        path,
        query="",
        headers=CIMultiDictProxy(CIMultiDict()),
        project_id="a" * 32,
    )
    assert call is not None
    return call


def network(local_id: str, owner: str, **fields: Any) -> dict[str, Any]:
    kept = SERVICES["network"].resources[0]
    assert kept.kind == "network"
    whole: dict[str, Any] = dict.fromkeys(kept.kept, "")
    return {**whole, "id": local_id, "name": "n", "project_id": owner, "shared": False, **fields}


async def remembered(items: list[Any]) -> list[tuple[str, str]]:
    """(owner, name) of what is kept after this list has passed."""
    records = MemoryRecordStore(["tokyo"])
    notice = Notice(records, MemoryIdStore([TOKYO], []))
    call = listing("/v2.0/networks")
    headers = CIMultiDictProxy(CIMultiDict[str]())
    notice.passed(
        call, TOKEN, SiteReply("tokyo", 200, headers, {"networks": items}), "a" * 32, None
    )
    with suppress(TimeoutError):
        await asyncio.wait_for(notice.run(), 0.1)
    assert call.resource is not None
    found = await records.read("tokyo", "network", None)
    return sorted((each.owner, unpack(call.resource, each.content)["name"]) for each in found)


async def test_what_is_ones_own_is_kept_for_its_project() -> None:
    items = [network(ONE, OURS, name="mine"), network(TWO, THEIRS, name="theirs")]
    assert await remembered(items) == [(OURS, "mine"), (THEIRS, "theirs")]


@pytest.mark.parametrize("field", ["shared", "router:external"])
async def test_what_a_tenant_sees_as_shared_is_not_taken_for_everybodys(field: str) -> None:
    # Neutron says so to a single project, too, for which there is a policy.
    kept = await remembered([network(ONE, THEIRS, **{field: True})])
    assert "" not in dict(kept)


async def test_rubbish_is_passed_over() -> None:
    assert await remembered([None, 5, "x", {}, network(ONE, OURS)]) == [(OURS, "n")]
