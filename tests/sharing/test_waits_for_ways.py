"""What a request waits for where a router leads to networks of one site: the words of the daemons."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest

from adapters.registry import all_services
from federator.asker import Question
from federator.call import SiteReply
from federator.faults import Unavailable
from federator.plan import Whereabouts
from federator.route import route
from federator.sharing.anchor import Anchor
from federator.sharing.apart import Apart
from federator.sharing.sharing import Sharing
from federator.sharing.wanted import Wanted
from idmap.desired import Desired
from idmap.front import IdMap
from idmap.memory import MemoryIdStore
from idmap.memory_desired import MemoryDesiredStore
from idmap.sites import SiteKey
from idmap.store import SHARED, Pin
from sync.transit.words import NAME, Ends, Word, dumped

NETWORK = all_services()["network"]
R, SUB = "5f0b9d1e-4f0c-5c56-9b3c-0d6f1c9a7a11", "0f0e0d0c-0b0a-4908-8706-050403020100"
CIDR = "10.2.0.0/24"
PLACES = {"paris": "p", "tokyo": "t"}
WHO: Any = SimpleNamespace(project_id="a1" * 16)


@dataclass
class World:
    """A router at two sites, and what the gateway has of it."""

    sharing: Sharing
    store: MemoryDesiredStore
    replies: list[SiteReply]
    """What the anchor answers one after the other."""

    async def tell(self, **ends: Ends) -> None:
        """What the daemons of sites tell of the router."""
        for site, own in ends.items():
            async with self.store.lead(site, 1000) as lead:
                assert lead is not None
                await self.store.publish(site, NAME, dumped(Word({R: own})), lead.fence)

    async def wanted(self) -> Desired:
        return (await self.store.get([R]))[R]


async def world(seconds: float = 20, places: Mapping[str, str] = PLACES) -> World:
    store, replies = MemoryDesiredStore(), list[SiteReply]()
    ids = IdMap(MemoryIdStore([SiteKey.of(site) for site in PLACES], ()))
    await ids.refresh()
    await ids.store.put_pins(
        [Pin(R, "router", SHARED, dict(places), anchor="paris")], seen=ids.state
    )
    await ids.refresh()
    await store.put(Desired(R, "router", "a1" * 16, "paris", frozenset(places), {"name": "r"}))

    class Reader:
        """The sites, as far as they are asked here."""

        @property
        def fanout(self) -> "Reader":
            return self

        async def body(self, path: str, site: str, *_: object) -> Any:
            assert path == f"/subnets/{SUB}"
            return {"subnet": {"cidr": CIDR}}

        async def reply(self, path: str, site: str, *_: object, **__: object) -> SiteReply:
            # What the tenant sees of its ports: none.
            return SiteReply(site, 200, body={"ports": []})

        async def ask(self, question: Question, site: str) -> SiteReply:
            return replies.pop(0)

    reader: Any = Reader()
    apart = Apart(store, dict.fromkeys(PLACES, 30), {"paris": 1, "tokyo": 2})
    fitness: Any = SimpleNamespace(apart=apart)
    anchor = Anchor(Wanted(store, ids), reader, cast(Any, None), fitness, seconds)
    nobody = cast(Any, None)
    sites: Sequence[str] = tuple(PLACES)
    sharing = Sharing(anchor, nobody, nobody, nobody, sites, "paris", seconds, nobody)
    return World(sharing, store, replies)


def asked(method: str, path: str) -> Question:
    call = route(NETWORK, method, f"{NETWORK.version}{path}")
    assert call is not None
    where = Whereabouts(path={R: PLACES}, anchors={R: "paris"})
    return Question(replace(call, body={"subnet_id": SUB}), None, WHO, where, "req")


PLUGGED = SiteReply("tokyo", 200, body={"subnet_ids": [SUB]}, raw=b"{}")
PLUG = f"/routers/{R}/add_router_interface"


async def test_who_plugs_in_at_a_site_is_answered_when_the_others_can_know() -> None:
    it = await world()
    task = asyncio.ensure_future(it.sharing.answered(asked("PUT", PLUG), PLUGGED))
    for word in ({}, {"paris": Ends((CIDR,))}, {"tokyo": Ends(("10.9.0.0/24",))}):
        await it.tell(**word)
        done, _ = await asyncio.wait([task], timeout=0.3)
        assert not done, word
    await it.tell(tokyo=Ends((CIDR, "10.9.0.0/24")))
    await task


async def test_what_was_done_is_answered_in_the_end_though_nobody_tells() -> None:
    await (await world(0.2)).sharing.answered(asked("PUT", PLUG), PLUGGED)


async def test_nobody_is_waited_for_where_the_router_is_at_one_site() -> None:
    it = await world(1000, {"tokyo": "t"})
    await it.sharing.answered(asked("PUT", PLUG), PLUGGED)


def refusal(name: str) -> SiteReply:
    body = {"NeutronError": {"type": name, "message": "", "detail": ""}}
    return SiteReply("paris", 409, body=body, raw=orjson.dumps(body))


DELETED = SiteReply("paris", 204, raw=b"")


async def test_a_router_that_is_kept_by_its_ways_alone_is_deleted_when_they_are_gone() -> None:
    it = await world()
    await it.tell(paris=Ends(vlan=7), tokyo=Ends((CIDR,), vlan=7))
    it.replies += [refusal("RouterInUse"), refusal("RouterInUse"), DELETED]
    async with AsyncExitStack() as stack:
        for site in PLACES:
            await stack.enter_async_context(it.store.lead(site, 1000))
        answer = await it.sharing.anchor.change(asked("DELETE", f"/routers/{R}"), "paris")
    assert answer.status == 204
    assert (await it.wanted()).deleted


@pytest.mark.parametrize("away", list(PLACES))
async def test_nobody_can_clear_its_ways_while_a_daemon_is_away(away: str) -> None:
    it = await world()
    await it.tell(paris=Ends(vlan=7), tokyo=Ends((CIDR,), vlan=7))
    it.replies += [refusal("RouterInUse")]
    (there,) = PLACES.keys() - {away}
    async with it.store.lead(there, 1000):
        with pytest.raises(Unavailable, match=f"no daemon of {away} is running"):
            await it.sharing.anchor.change(asked("DELETE", f"/routers/{R}"), "paris")
    now = await it.wanted()
    assert not now.deleted
    assert not now.changing


@pytest.mark.parametrize(
    ("reply", "ways"), [("RouterInUse", Ends()), ("RouterInUseByBGP", Ends(vlan=7))]
)
async def test_what_else_keeps_a_router_is_said_at_once(reply: str, ways: Ends) -> None:
    it = await world(1000)
    await it.tell(paris=ways, tokyo=Ends((CIDR,)))
    it.replies += [refusal(reply)]
    answer = await it.sharing.anchor.change(asked("DELETE", f"/routers/{R}"), "paris")
    assert answer.status == 409
    assert not (await it.wanted()).changing
