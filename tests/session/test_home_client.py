"""How often home is asked about a token, and what is made of its answer."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.client import SiteClient
from adapters.endings import Ending
from adapters.errors import HomeUnreachable, InvalidToken, NotServed
from adapters.home import HomeClient, identity_of
from adapters.sites import Site

DOMAIN = {"id": "d1", "name": "acme"}


def token_body(seconds: float = 3600, **changes: Any) -> dict[str, Any]:
    expires = datetime.now(UTC) + timedelta(seconds=seconds)
    said = {
        "user": {"id": "u1", "name": "alice", "domain": DOMAIN},
        "project": {"id": "p1", "name": "alpha", "domain": DOMAIN},
        "roles": [{"id": "r1", "name": "member"}, {"id": "r2", "name": "reader"}],
        "expires_at": expires.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "service_providers": [{"id": "paris", "auth_url": "http://a", "sp_url": "http://s"}],
    }
    return {"token": {**said, **changes}}


@dataclass
class Home:
    """Answers as it is told, after a while if it is told so, and counts."""

    status: int = 200
    body: Any = field(default_factory=token_body)
    asked: list[str] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        assert request.headers["X-Auth-Token"] == request.headers["X-Subject-Token"]
        self.asked.append(request.headers["X-Auth-Token"])
        status, body = self.status, self.body
        await self.go.wait()
        return web.json_response(body, status=status)


@pytest.fixture
async def home() -> Home:
    home = Home()
    home.go.set()
    return home


@pytest.fixture
async def url(home: Home) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/v3/auth/tokens", home.answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/v3"))


@pytest.fixture
async def client(url: str) -> AsyncIterator[HomeClient]:
    sender = SiteClient(5)
    await sender.open()
    yield HomeClient(Site("home", url, "password", {}), sender, timeout=0.5)
    await sender.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock to be set by hand: the one item is added to the time."""
    ahead, real = [0.0], time.monotonic

    class Time:
        monotonic = staticmethod(lambda: real() + ahead[0])

    monkeypatch.setattr("adapters.home.time", Time)
    return ahead


async def test_who_asks_often_is_known_without_asking(home: Home, client: HomeClient) -> None:
    first = await client.validate("t1")
    assert await client.validate("t1") is first
    assert home.asked == ["t1"]
    assert first.user_name == "alice"
    assert first.roles == {"member", "reader"}
    assert first.service_providers["paris"].sp_url == "http://s"
    assert "t1" not in repr(first)


async def test_after_a_while_home_is_asked_again(
    home: Home, client: HomeClient, clock: list[float]
) -> None:
    await client.validate("t1")
    clock[0] = 59
    await client.validate("t1")
    assert len(home.asked) == 1
    clock[0] = 61
    home.status = 404
    with pytest.raises(InvalidToken):
        await client.validate("t1")


async def test_a_token_is_not_remembered_beyond_its_end(home: Home, client: HomeClient) -> None:
    home.body = token_body(seconds=0.1)
    await client.validate("t1")
    await asyncio.sleep(0.15)
    home.status = 401
    with pytest.raises(InvalidToken):
        await client.validate("t1")


@pytest.mark.parametrize(
    "scope", [{}, {"project": None, "domain": DOMAIN}, {"project": None, "system": {"all": True}}]
)
async def test_a_scoped_login_without_any_role_counts_no_more(
    home: Home, client: HomeClient, scope: dict[str, Any]
) -> None:
    home.body = token_body(roles=[], **scope)
    home.body["token"] = {
        key: value for key, value in home.body["token"].items() if value is not None
    }
    with pytest.raises(InvalidToken):
        await client.validate("t1")


async def test_an_unscoped_login_needs_no_role(home: Home, client: HomeClient) -> None:
    home.body = token_body()
    del home.body["token"]["project"], home.body["token"]["roles"]
    assert (await client.validate("t1")).roles == frozenset()


@pytest.mark.parametrize("status", [401, 404])
async def test_a_no_is_remembered_for_seconds_only(
    home: Home, client: HomeClient, clock: list[float], status: int
) -> None:
    home.status = status
    for _ in range(5):
        with pytest.raises(InvalidToken):
            await client.validate("t1")
    assert len(home.asked) == 1
    home.status = 200
    clock[0] = 6
    assert await client.validate("t1")


async def test_many_at_once_ask_once(home: Home, client: HomeClient) -> None:
    home.go.clear()
    asking = [asyncio.create_task(client.validate("t1")) for _ in range(20)]
    await asyncio.sleep(0.05)
    home.go.set()
    assert len(set(map(id, await asyncio.gather(*asking)))) == 1
    assert home.asked == ["t1"]


async def test_a_forgotten_token_is_asked_about_again(home: Home, client: HomeClient) -> None:
    await client.validate("t1")
    client.forget("t1")
    home.status = 404
    with pytest.raises(InvalidToken):
        await client.validate("t1")


async def test_an_answer_from_before_a_revocation_is_not_remembered(
    home: Home, client: HomeClient
) -> None:
    home.go.clear()
    asking = asyncio.create_task(client.validate("t1"))
    await asyncio.sleep(0.05)
    client.forget("t1")
    home.go.set()
    await asking
    home.status = 404
    with pytest.raises(InvalidToken):
        await client.validate("t1")


@pytest.mark.parametrize("status", [300, 429, 500, 503])
async def test_what_says_nothing_about_the_token_is_no_verdict(
    home: Home, client: HomeClient, status: int
) -> None:
    home.status = status
    with pytest.raises(HomeUnreachable):
        await client.validate("t1")
    home.status = 200
    assert await client.validate("t1")


async def test_a_token_that_may_not_be_asked_about_with_itself_is_not_served(
    home: Home, client: HomeClient
) -> None:
    home.status = 403
    with pytest.raises(NotServed, match="impersonate"):
        await client.validate("t1")


@pytest.mark.parametrize(
    "body", [[], {}, {"token": {}}, {"token": None}, "text", {"token": {"user": 1}}]
)
async def test_an_answer_that_is_not_keystones_is_no_verdict(
    home: Home, client: HomeClient, body: Any
) -> None:
    home.body = body
    with pytest.raises(HomeUnreachable):
        await client.validate("t1")


async def test_a_silent_home_is_given_up(home: Home, client: HomeClient) -> None:
    home.go.clear()
    with pytest.raises(HomeUnreachable, match=r"within 0\.5 s"):
        await client.validate("t1")
    home.go.set()


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX: y", "é", "x" * 20_000])
async def test_what_fits_no_header_is_not_sent(home: Home, client: HomeClient, token: str) -> None:
    with pytest.raises(InvalidToken):
        await client.validate(token)
    assert home.asked == []


def test_a_project_that_is_a_domain_is_no_project() -> None:
    project = {"id": "d1", "name": "acme", "domain": {"id": None, "name": None}}
    identity = identity_of("t", token_body(project=project, is_domain=True))
    assert identity.project_id is None


def test_an_unscoped_token_has_neither_project_nor_roles() -> None:
    body = token_body()
    for key in ("project", "roles", "service_providers"):
        del body["token"][key]
    identity = identity_of("t", body)
    assert (identity.project_id, identity.roles) == (None, frozenset())


def test_an_application_credential_is_remembered() -> None:
    credential = {"id": "ac1", "name": "x", "restricted": True}
    identity = identity_of("t", token_body(application_credential=credential))
    assert identity.application_credential_id == "ac1"


async def test_a_token_that_is_no_text_is_a_bad_token(home: Home, client: HomeClient) -> None:
    token = "\udcfft1"
    assert client.known(token) is None
    assert client.forget(token) is None
    with pytest.raises(InvalidToken):
        await client.validate(token)
    assert Ending.of_token(token).id == sha256(b"\xfft1").hexdigest()
    assert home.asked == []
