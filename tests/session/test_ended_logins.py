"""What home ends is noticed once and for all logins that it concerns."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.client import SiteClient
from adapters.errors import InvalidToken
from adapters.home import HomeClient
from adapters.identity import Identity
from adapters.sites import Site
from tests.session.test_home_client import token_body


@dataclass
class Home:
    """Knows tokens ``<user>.<project>.<number>`` and forgets those it is told to."""

    gone: set[str] = field(default_factory=set)
    roles: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        token = request.headers["X-Auth-Token"]
        self.asked.append(token)
        self.heard.set()
        await self.go.wait()
        user, project, _ = token.split(".")
        if {user, project, token} & self.gone:
            return web.json_response({}, status=404)
        body = token_body()
        body["token"]["user"]["id"] = user
        body["token"]["project"]["id"] = project
        names = self.roles.get(user, ["member", "reader"])
        body["token"]["roles"] = [{"id": name, "name": name} for name in names]
        return web.json_response(body)


@dataclass
class World:
    home: Home
    client: HomeClient
    ended: list[Identity]

    def ended_tokens(self) -> list[str]:
        return [identity.token for identity in self.ended]

    async def used(self, *tokens: str) -> list[Any]:
        """What comes of these tokens."""
        return await asyncio.gather(
            *(self.client.validate(token) for token in tokens), return_exceptions=True
        )


@pytest.fixture
async def world() -> AsyncIterator[World]:
    home = Home()
    home.go.set()
    app = web.Application()
    app.router.add_get("/v3/auth/tokens", home.answer)
    sender = SiteClient(5)
    await sender.open()
    async with TestServer(app) as server:
        ended: list[Identity] = []
        site = Site("home", str(server.make_url("/v3")), "password", {})
        yield World(home, HomeClient(site, sender, on_ended=ended.append), ended)
    await sender.close()


async def test_a_user_whom_home_has_ended_ends_with_all_logins(world: World) -> None:
    tokens = ["al.p1.1", "al.p2.2", "al.p1.3", "bo.p1.1"]
    await world.used(*tokens)
    world.home.gone.add("al")
    world.client.doubt(user_id="al")
    await world.client.settled()
    assert sorted(world.ended_tokens()) == ["al.p1.1", "al.p1.3", "al.p2.2"]
    outcomes = await world.used(*tokens)
    assert [isinstance(outcome, InvalidToken) for outcome in outcomes] == [True, True, True, False]
    assert world.home.asked.count("bo.p1.1") == 1


async def test_one_login_that_ends_unexpectedly_makes_the_others_of_its_user_be_asked_about(
    world: World,
) -> None:
    await world.used("al.p1.1", "al.p2.2", "bo.p1.1")
    world.home.gone.add("al")
    # Nothing is told: it is found out when the first of them has to be asked about again.
    world.client.doubt()
    assert [type(outcome) for outcome in await world.used("al.p1.1")] == [InvalidToken]
    await world.client.settled()
    assert sorted(world.ended_tokens()) == ["al.p1.1", "al.p2.2"]


async def test_a_project_that_home_has_deleted(world: World) -> None:
    await world.used("al.p1.1", "bo.p1.1", "cy.p2.1")
    world.home.gone.add("p1")
    world.client.doubt(project_id="p1")
    await world.client.settled()
    assert sorted(world.ended_tokens()) == ["al.p1.1", "bo.p1.1"]
    assert world.home.asked.count("cy.p2.1") == 1


async def test_one_revoked_login_leaves_the_others_of_its_user(world: World) -> None:
    await world.used("al.p1.1", "al.p1.2")
    world.home.gone.add("al.p1.1")
    digest = sha256(b"al.p1.1").hexdigest()
    assert world.client.forget_hash(digest) is not None
    assert world.ended_tokens() == ["al.p1.1"]
    revoked, other = await world.used("al.p1.1", "al.p1.2")
    assert isinstance(revoked, InvalidToken)
    assert isinstance(other, Identity)
    assert world.ended_tokens() == ["al.p1.1"]


async def test_a_login_that_has_fewer_roles_than_before_is_another_one(world: World) -> None:
    await world.used("al.p1.1")
    world.home.roles["al"] = ["reader"]
    world.client.doubt(user_id="al")
    await world.client.settled()
    assert [identity.roles for identity in world.ended] == [{"member", "reader"}]
    (now,) = await world.used("al.p1.1")
    assert now.roles == {"reader"}


async def test_a_login_that_lost_its_last_role_has_ended(world: World) -> None:
    await world.used("al.p1.1")
    world.home.roles["al"] = []
    world.client.doubt(user_id="al")
    await world.client.settled()
    assert world.ended_tokens() == ["al.p1.1"]


async def test_a_doubt_while_home_is_asked_is_not_forgotten(world: World) -> None:
    world.home.go.clear()
    asking = asyncio.create_task(world.client.validate("al.p1.1"))
    await asyncio.wait_for(world.home.heard.wait(), 5)
    world.client.doubt(project_id="p1")
    world.home.go.set()
    await asking
    world.home.gone.add("p1")
    with pytest.raises(InvalidToken):
        await world.client.validate("al.p1.1")


async def test_who_changes_something_all_the_time_costs_home_one_question_at_a_time(
    world: World,
) -> None:
    tokens = [f"al.p1.{number}" for number in range(10)]
    await world.used(*tokens)
    world.home.go.clear()
    world.home.asked.clear()
    for _ in range(100):
        world.client.doubt(user_id="al")
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    assert len(world.home.asked) == 1
    world.home.go.set()
    await world.client.settled()
    assert len(world.home.asked) <= 2 * len(tokens)


async def test_what_has_expired_has_not_been_ended_by_anybody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.used("al.p1.1")
    world.home.gone.add("al")

    class Later:
        @staticmethod
        def now(zone: Any) -> Any:
            return datetime.now(zone) + timedelta(hours=2)

    monkeypatch.setattr("adapters.home.datetime", Later)
    assert [type(outcome) for outcome in await world.used("al.p1.1")] == [InvalidToken]
    assert world.ended == []
