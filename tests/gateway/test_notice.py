"""What is remembered of what passes, and for whom."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from adapters.identity import SiteToken
from adapters.kept import pack, unpack
from adapters.registry import all_services
from federator.call import Call, SiteReply
from federator.notice import NUMBERS, Notice
from federator.route import route
from idmap.memory import MemoryIdStore
from idmap.memory_records import MemoryRecordStore
from idmap.records import EVERYBODYS, Record
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


async def test_what_is_not_everybodys_any_more_is_only_its_owners() -> None:
    records = MemoryRecordStore(["tokyo"])
    kind = SERVICES["network"].resource("network")
    shared = network(ONE, THEIRS, shared=True)
    await records.write("tokyo", "network", [Record(ONE, EVERYBODYS, pack(kind, shared), 1)])
    notice = Notice(records, MemoryIdStore([TOKYO], []))
    headers = CIMultiDictProxy(CIMultiDict[str]())
    body = {"networks": [network(ONE, THEIRS)]}
    notice.passed(
        listing("/v2.0/networks"), TOKEN, SiteReply("tokyo", 200, headers, body), "a", None
    )
    with suppress(TimeoutError):
        await asyncio.wait_for(notice.run(), 0.1)
    assert [each.owner for each in await records.read("tokyo", "network", None)] == [THEIRS]


PROJECT = "a" * 32


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/limits", True),
        (f"/os-quota-sets/{PROJECT}", True),
        (f"/os-quota-sets/{PROJECT}?user_id=u", False),
        (f"/os-quota-sets/{'b' * 32}", False),
        (f"/limits?tenant_id={'b' * 32}", False),
        ("/limits?x=1", False),
        ("/os-simple-tenant-usage?detailed=1", False),
        (f"/os-simple-tenant-usage/{PROJECT}?start=2026-11-28T00:00:00", False),
        ("/os-hypervisors/statistics", False),
    ],
)
async def test_numbers_are_kept_of_what_everybody_in_the_project_may_ask(
    path: str, kept: bool
) -> None:
    store = MemoryIdStore([TOKYO], [])
    notice = Notice(MemoryRecordStore(["tokyo"]), store)
    raw_path, _, query = path.partition("?")
    headers = CIMultiDictProxy(CIMultiDict[str]())
    call = route(
        SERVICES["compute"],
        "GET",
        f"/v2.1{raw_path}",
        query=query,
        headers=headers,
        project_id=PROJECT,
    )
    assert call is not None
    await notice.counted(call, "tokyo", PROJECT, {"some": 1})
    assert bool(await store.documents(NUMBERS, PROJECT, site="tokyo")) is kept


async def test_rubbish_is_passed_over() -> None:
    assert await remembered([None, 5, "x", {}, network(ONE, OURS)]) == [(OURS, "n")]
