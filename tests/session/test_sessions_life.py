"""The life of a site token: renewed before it ends, revoked with the last login, and never too many."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.account import Account
from adapters.errors import Crowded, ExchangeRefused, SiteUnreachable
from adapters.identity import Identity
from adapters.keystone.conversation import Grant
from adapters.session import SiteSessions
from adapters.sites import Site
from adapters.strategy import KnownUsers
from tests.session.people import make_identity

SITES = {name: Site(name, f"http://{name}/v3", "password", {}) for name in ("paris", "tokyo")}


class Clock:
    """Stands for `datetime` in the modules under test."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self, zone: Any) -> datetime:
        return datetime.now(zone) + self.ahead


class StandIn:
    """A strategy that grants what it is asked for, and knows which of its tokens are still good."""

    def __init__(self, site: str, clock: Clock) -> None:
        self.site = site
        self.clock = clock
        self.per_login = False
        self.made: list[str] = []
        self.revoked: list[str] = []
        self.error: Exception | None = None
        self.go = asyncio.Event()
        self.go.set()
        self.seconds = 3600.0

    def check(self, identity: Identity) -> None:
        pass

    async def login(self, identity: Identity) -> Grant:
        await self.go.wait()
        if self.error is not None:
            raise self.error
        self.made.append(f"{self.site}-{len(self.made) + 1}")
        return Grant(
            token=self.made[-1],
            user_id="shadow",
            user_name=identity.user_name,
            user_domain="federation",
            project_id=f"{self.site}-{identity.project_id}",
            roles=identity.roles,
            expires_at=self.clock.now(UTC) + timedelta(seconds=self.seconds),
            catalog=(),
        )

    async def logout(self, token: str) -> None:
        if self.error is not None:
            raise self.error
        self.revoked.append(token)

    async def known_projects(self, home: Account) -> Mapping[str, str]:
        return {}

    async def known_users(self) -> KnownUsers:
        return {}

    def close(self) -> None:
        pass


class World:
    def __init__(self, clock: Clock, **options: Any) -> None:
        self.clock = clock
        self.at = {name: StandIn(name, clock) for name in SITES}
        self.sessions = SiteSessions(SITES, self.at, **options)

    def identity(self, minutes: float = 60, **changes: Any) -> Identity:
        end = self.clock.now(UTC) + timedelta(minutes=minutes)
        return make_identity(expires_at=end, **changes)

    async def token(self, identity: Identity, site: str = "paris") -> str:
        return (await self.sessions.site_token(identity, site)).token


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in ("session", "logins"):
        monkeypatch.setattr(f"adapters.{module}.datetime", clock)
    return clock


@pytest.fixture
async def world(clock: Clock) -> AsyncIterator[World]:
    world = World(clock)
    yield world
    await world.sessions.settled()


async def test_a_token_close_to_its_end_is_served_while_a_new_one_is_got(world: World) -> None:
    paris = world.at["paris"]
    assert await world.token(world.identity()) == "paris-1"
    world.clock.ahead = timedelta(minutes=58)
    later = world.identity(token="t2")
    paris.go.clear()
    assert [await world.token(later) for _ in range(3)] == ["paris-1"] * 3
    paris.go.set()
    await world.sessions.settled()
    assert await world.token(later) == "paris-2"
    assert paris.made == ["paris-1", "paris-2"]


async def test_nothing_is_renewed_that_would_last_no_longer(world: World) -> None:
    identity = world.identity()
    await world.token(identity)
    world.clock.ahead = timedelta(minutes=59)
    assert await world.token(identity) == "paris-1"
    await world.sessions.settled()
    assert world.at["paris"].made == ["paris-1"]


@pytest.mark.parametrize(
    "error",
    [SiteUnreachable("paris", "away"), ExchangeRefused("paris", "no", 403), Crowded("many")],
)
async def test_a_renewal_that_fails_is_no_error_and_not_tried_at_every_request(
    world: World, error: Exception
) -> None:
    paris = world.at["paris"]
    await world.token(world.identity())
    world.clock.ahead = timedelta(minutes=58)
    later = world.identity()
    paris.error = error
    for _ in range(20):
        assert await world.token(later) == "paris-1"
        await world.sessions.settled()
    paris.error = None
    # Too soon to try again; and when the old one is not good enough any more, it is waited for.
    assert await world.token(later) == "paris-1"
    world.clock.ahead = timedelta(minutes=59, seconds=45)
    assert await world.token(later) == "paris-2"


async def test_the_last_login_takes_its_site_tokens_along(world: World) -> None:
    first, second = world.identity(token="t1"), world.identity(token="t2")
    for site in SITES:
        assert await world.token(first, site) == await world.token(second, site)
    world.sessions.ended(first)
    await world.sessions.settled()
    assert world.at["paris"].revoked == []
    assert await world.token(second) == "paris-1"
    world.sessions.ended(second)
    await world.sessions.settled()
    assert (world.at["paris"].revoked, world.at["tokyo"].revoked) == (["paris-1"], ["tokyo-1"])
    third = world.identity(token="t3")
    assert await world.token(third) == "paris-2"


@pytest.mark.parametrize(
    "other",
    [
        {"user_id": "u2"},
        {"project_id": "p2"},
        {"roles": frozenset({"reader"})},
        {"application_credential_id": "ac1"},
    ],
)
async def test_the_end_of_a_login_is_nothing_to_one_of_another_kind(
    world: World, other: dict[str, Any]
) -> None:
    ended, stays = world.identity(token="t1"), world.identity(token="t2", **other)
    mine, kept = await world.token(ended), await world.token(stays)
    world.sessions.ended(ended)
    await world.sessions.settled()
    assert world.at["paris"].revoked == [mine]
    assert await world.token(stays) == kept


async def test_logins_that_have_expired_do_not_keep_a_token_alive(world: World) -> None:
    await world.token(world.identity(minutes=5, token="t1"))
    second = world.identity(token="t2")
    world.clock.ahead = timedelta(minutes=6)
    token = await world.token(second)
    world.sessions.ended(second)
    await world.sessions.settled()
    assert world.at["paris"].revoked == [token]


async def test_a_login_that_ends_while_its_token_is_made_leaves_none(world: World) -> None:
    paris, identity = world.at["paris"], world.identity()
    paris.go.clear()
    asking = asyncio.create_task(world.token(identity))
    await asyncio.sleep(0)
    world.sessions.ended(identity)
    paris.go.set()
    token = await asking
    await world.sessions.settled()
    assert paris.revoked == [token]
    assert await world.token(identity) != token


async def test_tokens_of_one_login_only_end_with_that_login(world: World) -> None:
    world.at["tokyo"].per_login = True
    logins = [
        world.identity(token=f"t{n}", body={"token": {"audit_ids": [f"a{n}", f"chain{n}"]}})
        for n in (1, 2)
    ]
    for login in logins:
        for site in SITES:
            await world.token(login, site)
    world.sessions.ended(logins[0])
    await world.sessions.settled()
    assert (world.at["paris"].revoked, world.at["tokyo"].revoked) == ([], ["tokyo-1"])
    assert await world.token(logins[1], "tokyo") == "tokyo-2"


async def test_a_site_that_cannot_be_told_is_no_error(world: World) -> None:
    identity = world.identity()
    await world.token(identity)
    world.at["paris"].error = SiteUnreachable("paris", "away")
    world.sessions.ended(identity)
    await world.sessions.settled()
    world.at["paris"].error = None
    assert await world.token(identity) == "paris-2"


async def test_a_line_that_is_too_long_is_said_and_nothing_is_left_of_it(clock: Clock) -> None:
    world = World(clock, login_seconds=0.05)
    paris = world.at["paris"]
    paris.go.clear()
    waiting = [
        asyncio.create_task(world.token(world.identity(project_id=f"p{n}"))) for n in range(100)
    ]
    await asyncio.sleep(0.2)
    paris.go.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    # As many as may go at once; all others were told, those of a full line at once.
    assert sum(isinstance(outcome, Crowded) for outcome in outcomes) == 92
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 8
    assert await world.token(world.identity(project_id="p99"))


async def test_a_gateway_that_runs_for_weeks_does_not_grow(clock: Clock) -> None:
    world = World(clock, max_tokens=1000)
    sessions = world.sessions
    for number in range(100_000):
        if number % 1000 == 0:
            clock.ahead += timedelta(minutes=10)
        # Every tenth logs in again and again with new tokens, as simple clients do.
        user = f"u{number}" if number % 10 else "again"
        identity = world.identity(user_id=user, token=f"t{number}")
        await sessions.site_token(identity, "paris")
        if number % 7 == 0:
            sessions.ended(identity)
            await sessions.settled()
    assert len(sessions._tokens) <= 1000
    assert len(sessions._logins) <= 1000 + 64
    assert len(sessions._renewed) <= 1000
    assert not sessions._tasks
    assert not sessions._flights._running
    assert sessions._turns["paris"].waiting == 0
    assert not sessions._turns["paris"]._lines
