"""How something is that spans sites: who sees it, and what is shown. On the store in memory."""

from typing import Any
from uuid import NAMESPACE_DNS, uuid4, uuid5

import pytest

from federator.api.policy import Policy
from federator.api.replicas import Replicas
from federator.faults import BadRequest, Forbidden, NotFound, Unavailable
from idmap.desired import READ, Desired, State, Status
from idmap.front import IdMap
from idmap.memory import MemoryIdStore
from idmap.memory_desired import MemoryDesiredStore
from idmap.sites import SiteKey
from idmap.store import SHARED, Pin
from tests.session.people import make_identity

SITES = ("paris", "tokyo", "denver")
MINE = make_identity(roles=frozenset({"reader"}))
ADMIN = make_identity(roles=frozenset({"admin"}), project_id="of admins")
# The same in every process, as they are in the names of tests.
NET, OTHER, LOCAL, NOBODYS = (
    str(uuid5(NAMESPACE_DNS, word)) for word in ("net", "other", "local", "no")
)


@pytest.fixture
async def replicas() -> Replicas:
    keys = [SiteKey.of(site) for site in SITES]
    ids = IdMap(MemoryIdStore(keys, [(site, READ) for site in SITES]))
    await ids.store.put_pins(
        [Pin(NET, "network", SHARED, {"paris": LOCAL, "tokyo": str(uuid4())}, anchor="paris")]
    )
    await ids.refresh()
    store = MemoryDesiredStore()
    spec = {"name": "net"}
    sites = frozenset({"paris", "tokyo"})
    mine = str(MINE.project_id)
    await store.put(Desired(NET, "network", mine, "paris", sites, spec, generation=4))
    await store.put(
        Desired(OTHER, "router", "another", "paris", sites, {}, unread=frozenset({"denver"}))
    )
    async with store.lead("tokyo", 60) as lead:
        assert lead is not None
        refused = Status(State.ERROR, 3, 4, LOCAL, "Quota exceeded (409)", 2, 1e9, 9e8)
        await store.put_statuses("tokyo", {NET: refused}, lead.fence)
    return Replicas(store, ids, Policy(), SITES)


async def test_a_project_sees_its_own(replicas: Replicas) -> None:
    shown = (await replicas.one(NET, MINE))["object"]

    assert (shown["kind"], shown["name"], shown["anchor"], shown["generation"]) == (
        "network",
        "net",
        "paris",
        4,
    )
    paris, tokyo = shown["replicas"]
    assert (paris["site"], paris["state"], paris["error"]) == ("paris", "pending", None)
    assert tokyo == {
        "site": "tokyo",
        "state": "error",
        "generation": 3,
        "error": "Quota exceeded (409)",
        "attempts": 2,
        "next_try": "2001-09-09T01:46:40Z",
        "since": "1998-07-09T16:00:00Z",
        "daemon": False,
    }


async def test_a_router_that_is_drained_says_so_once_it_is_as_it_is_to_be(
    replicas: Replicas,
) -> None:
    store, both = replicas.store, frozenset({"paris", "tokyo"})
    away, gid = frozenset({"tokyo"}), str(uuid4())
    await store.put(Desired(gid, "router", str(MINE.project_id), "paris", both, {}, drained=away))
    for state, shown in ((State.ERROR, "error"), (State.READY, "drained")):
        for site in sorted(both):
            async with store.lead(site, 60) as lead:
                assert lead is not None
                await store.put_statuses(site, {gid: Status(state, 1, 1)}, lead.fence)
        states = (await replicas.one(gid, MINE))["object"]["replicas"]
        assert [each["state"] for each in states] == [str(state), shown]


async def test_the_sites_own_ids_are_for_admins(replicas: Replicas) -> None:
    shown = (await replicas.one(LOCAL, ADMIN))["object"]

    assert shown["id"] == NET
    assert shown["replicas"][0]["local_id"] == LOCAL


@pytest.mark.parametrize("any_id", [OTHER, NOBODYS, "no ID"])
async def test_others_and_nobodys_are_alike(replicas: Replicas, any_id: str) -> None:
    await replicas.ids.store.mark_complete([(site, READ) for site in SITES])

    with pytest.raises(NotFound, match=f"has the ID {any_id}"):
        await replicas.one(any_id, MINE)


async def test_until_all_is_read_it_is_not_known(replicas: Replicas) -> None:
    with pytest.raises(Unavailable):
        await replicas.one(str(uuid4()), MINE)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, sorted((NET, OTHER))),
        ({"state": "error"}, [NET]),
        ({"state": "error", "site": "paris"}, []),
        ({"state": "unknown"}, [OTHER]),
        ({"site": "denver"}, [OTHER]),
        ({"kind": "router"}, [OTHER]),
        ({"limit": "1"}, [min(NET, OTHER)]),
        ({"marker": min(NET, OTHER)}, [max(NET, OTHER)]),
    ],
    ids=str,
)
async def test_admins_see_all_that_match(
    replicas: Replicas, query: dict[str, str], expected: list[str]
) -> None:
    found: dict[str, Any] = await replicas.all(query, ADMIN)

    assert sorted(each["id"] for each in found["objects"]) == expected


async def test_no_others_see_all(replicas: Replicas) -> None:
    with pytest.raises(Forbidden):
        await replicas.all({}, MINE)


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "x"}, {"stat": "error"}], ids=str)
async def test_an_odd_question_is_refused(replicas: Replicas, query: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        await replicas.all(query, ADMIN)
