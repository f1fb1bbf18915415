"""What stands in for a site that is away: for whom, from what, and when nothing may."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from adapters.identity import Identity
from adapters.kept import owner_of, pack
from adapters.names import Site
from adapters.registry import all_services, id_rules
from adapters.translate import shape
from federator.asker import Question
from federator.call import Call, SiteReply
from federator.faults import Unavailable
from federator.lastknown.stand_in import StandIn
from federator.notice import NUMBERS
from federator.paging import page_of
from federator.plan import Whereabouts
from federator.route import route
from idmap.front import IdMap
from idmap.ids import global_uuid
from idmap.memory import MemoryIdStore
from idmap.memory_records import MemoryRecordStore
from idmap.records import Record
from idmap.sites import SiteKey
from idmap.store import Pin
from tests.session.people import make_identity

TOKYO = SiteKey.of("tokyo")
NAMES = Site(TOKYO.name, TOKYO.namespace, TOKYO.number)
OURS, THEIRS = "a" * 32, "b" * 32
LOCAL_OURS, LOCAL_THEIRS = "c" * 32, "d" * 32
WEB, THEIR_WEB, SHARED, PRIVATE = (f"0f0e0d0c-0b0a-4908-8706-05040302010{n}" for n in range(4))
MISSING = SiteReply("tokyo", missing="no connection", away=True)


@pytest.fixture
def records() -> MemoryRecordStore:
    return MemoryRecordStore(["tokyo"])


@pytest.fixture
async def stand_in(records: MemoryRecordStore) -> StandIn:
    store = MemoryIdStore([TOKYO], [])
    await store.put_pins(
        [
            Pin(OURS, "project", "mapping", {"tokyo": LOCAL_OURS}),
            Pin(THEIRS, "project", "mapping", {"tokyo": LOCAL_THEIRS}),
        ]
    )
    ids = IdMap(store)
    await ids.refresh()
    await _remember(records, "compute", "server", WEB, name="web", tenant_id=LOCAL_OURS)
    await _remember(records, "compute", "server", THEIR_WEB, name="web", tenant_id=LOCAL_THEIRS)
    shared = {"name": "shared", "project_id": LOCAL_THEIRS, "shared": True}
    await _remember(records, "network", "network", SHARED, **shared, status="ACTIVE")
    private = {"name": "private", "project_id": LOCAL_THEIRS, "shared": False}
    await _remember(records, "network", "network", PRIVATE, **private, status="DOWN")
    return StandIn(records, ids, {"tokyo": NAMES}, id_rules(), {"tokyo"}, "http://gateway")


async def _remember(
    records: MemoryRecordStore, service: str, kind: str, local_id: str, **fields: Any
) -> None:
    resource = all_services()[service].resource(kind)
    owner = owner_of(resource, {"router:external": False, **fields})
    assert owner is not None
    await records.write("tokyo", kind, [Record(local_id, owner, pack(resource, fields), 20)])
    await records.finish("tokyo", kind, 10)


def _question(
    service: str, path: str, who: Identity, method: str = "GET", **headers: str
) -> Question:
    declared = all_services()[service]
    raw, _, query = path.partition("?")
    call = route(
        declared,
        method,
        declared.version + raw,
        query=query,
        headers=CIMultiDictProxy(CIMultiDict(headers)),
    )
    assert isinstance(call, Call)
    assert call.resource is not None
    where = Whereabouts(
        path={_global(local): {"tokyo": local} for local in (WEB, THEIR_WEB, SHARED, PRIVATE)}
    )
    return Question(call, shape(declared, call.resource), who, where, "req-1")


def _global(local_id: str) -> str:
    return global_uuid(TOKYO.namespace, local_id)


MEMBER = make_identity(project_id=OURS)
ADMIN = make_identity(project_id=OURS, roles=frozenset({"admin"}))


async def _ids(stand_in: StandIn, service: str, path: str, who: Identity) -> set[str]:
    question = _question(service, path, who)
    call = question.call
    assert call.resource is not None
    page = page_of(call.service, call.resource, call.query)
    reply = await stand_in.reply(question, MISSING, page)
    assert reply.last_known == 10
    return {item["id"] for item in reply.body[call.resource.keys]}


async def test_a_project_sees_its_own(stand_in: StandIn) -> None:
    assert await _ids(stand_in, "compute", "/servers", MEMBER) == {_global(WEB)}


@pytest.mark.parametrize("path", ["/servers", f"/servers/{_global(WEB)}", "/limits"])
async def test_who_has_no_role_that_shows_things_sees_none(stand_in: StandIn, path: str) -> None:
    service = make_identity(project_id=OURS, roles=frozenset({"service", "load-balancer_observer"}))
    assert await stand_in.reply(_question("compute", path, service), MISSING) is MISSING


@pytest.mark.parametrize("query", ["all_tenants=1", "all_tenants=True", "all_tenants"])
async def test_nobody_sees_more_by_asking_for_it(stand_in: StandIn, query: str) -> None:
    assert await _ids(stand_in, "compute", f"/servers?{query}", MEMBER) == {_global(WEB)}


async def test_an_admin_sees_all_when_asking_for_all(stand_in: StandIn) -> None:
    assert await _ids(stand_in, "compute", "/servers", ADMIN) == {_global(WEB)}
    assert await _ids(stand_in, "compute", "/servers?all_tenants=0", ADMIN) == {_global(WEB)}
    everybodys = {_global(WEB), _global(THEIR_WEB)}
    assert await _ids(stand_in, "compute", "/servers?all_tenants=1", ADMIN) == everybodys


async def test_where_homes_admins_are_nobody_they_see_their_own(
    stand_in: StandIn, records: MemoryRecordStore
) -> None:
    no_admins = StandIn(records, stand_in.ids, stand_in.names, stand_in.rules, set(), "")
    assert await _ids(no_admins, "compute", "/servers?all_tenants=1", ADMIN) == {_global(WEB)}


async def test_what_is_shared_is_everybodys_and_admins_see_the_rest(stand_in: StandIn) -> None:
    assert await _ids(stand_in, "network", "/networks", MEMBER) == {_global(SHARED)}
    assert await _ids(stand_in, "network", "/networks", ADMIN) == {
        _global(SHARED),
        _global(PRIVATE),
    }


async def test_a_project_that_was_never_at_the_site_sees_what_is_everybodys(
    stand_in: StandIn,
) -> None:
    stranger = make_identity(project_id="e" * 32)
    assert await _ids(stand_in, "compute", "/servers", stranger) == set()
    assert await _ids(stand_in, "network", "/networks", stranger) == {_global(SHARED)}


@pytest.mark.parametrize(("local_id", "seen"), [(WEB, True), (THEIR_WEB, False)])
async def test_an_object_is_shown_to_its_owner(
    stand_in: StandIn, local_id: str, seen: bool
) -> None:
    question = _question("compute", f"/servers/{_global(local_id)}", MEMBER)
    reply = await stand_in.reply(question, MISSING)
    if seen:
        assert reply.body["server"]["status"] == "UNKNOWN"
        assert reply.body["server"]["tenant_id"] == OURS
    else:
        assert reply is MISSING


async def test_names_of_the_site_do_not_get_out(stand_in: StandIn) -> None:
    reply = await stand_in.reply(_question("compute", "/servers/detail", MEMBER), MISSING)
    assert WEB not in str(reply.body)
    assert LOCAL_OURS not in str(reply.body)


async def test_without_a_reading_nobody_can_know(
    stand_in: StandIn, records: MemoryRecordStore
) -> None:
    question = _question("network", "/ports", MEMBER)
    assert await stand_in.reply(question, MISSING) is MISSING


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/servers"),
        ("DELETE", f"/servers/{_global(WEB)}"),
        ("GET", f"/servers/{_global(WEB)}/os-interface"),
        ("GET", "/os-server-groups"),
    ],
)
async def test_nothing_stands_in_for_anything_else(
    stand_in: StandIn, method: str, path: str
) -> None:
    assert await stand_in.reply(_question("compute", path, MEMBER, method), MISSING) is MISSING


async def test_numbers_that_were_never_told_are_not_nothing(stand_in: StandIn) -> None:
    with pytest.raises(Unavailable):
        await stand_in.reply(_question("compute", "/limits", MEMBER), MISSING)


async def test_a_filter_that_cannot_be_applied_is_not_answered(stand_in: StandIn) -> None:
    with pytest.raises(Unavailable):
        await stand_in.reply(_question("compute", "/servers?tags=x", MEMBER), MISSING)


@pytest.mark.parametrize(
    ("project", "query", "hours"),
    [
        (OURS, "start=2026-11-20T00:00:00&end=2026-11-28T12:00:00", 2),
        (OURS, "detailed=1&start=2026-11-20T00:00:00&end=2026-11-28T11:00:00", 1),
        (OURS, "start=2020-01-01T00:00:00", None),
        (THEIRS, "start=2026-11-20T00:00:00", None),
    ],
    ids=["of a range", "of another", "of the far past", "of others"],
)
async def test_usage_is_what_the_site_would_have_said_last(
    stand_in: StandIn, project: str, query: str, hours: float | None
) -> None:
    server = {"started_at": "2026-11-28T10:00:00.000000", "ended_at": None}
    known = {"server_usages": [{**server, "vcpus": 1, "memory_mb": 64, "local_gb": 1}]}
    seen = int(datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp())
    name = f"compute /os-simple-tenant-usage/{OURS}?"
    told = {name: orjson.dumps([seen, {"tenant_usage": known}])}
    await stand_in.ids.store.put_documents(NUMBERS, OURS, told, site="tokyo")
    question = _question("compute", f"/os-simple-tenant-usage/{project}?{query}", MEMBER)
    if hours is None:
        with pytest.raises(Unavailable):
            await stand_in.reply(question, MISSING)
    else:
        reply = await stand_in.reply(question, MISSING)
        assert reply.body["tenant_usage"]["total_hours"] == hours
        assert reply.last_known == seen
