"""Sites that accept home's tokens, and sites that only say so."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from adapters.account import Account
from adapters.errors import ExchangeRefused, FederationError, NotScoped, SiteUnreachable, TokenMixUp
from adapters.sites import Federation, Site
from adapters.strategies import make_strategy
from adapters.strategy import Strategy, Surroundings
from tests.conftest import missing
from tests.session.people import make_identity
from tests.session.world import Gateway, People, gateway_at


@pytest.fixture
def sharing(clouds_yaml: Path, tmp_path: Path) -> Callable[[str], Path]:
    """The clouds.yaml of the lab, in which this site is said to accept home's tokens."""

    def said_of(site: str) -> Path:
        clouds = yaml.safe_load(clouds_yaml.read_text())["clouds"]
        if site not in clouds:
            missing(f"site {site} of the lab; start it with python -m lab up --sites {site}")
        clouds[site]["federation"] = {"strategy": "shared"}
        path = tmp_path / "clouds.yaml"
        path.write_text(yaml.safe_dump({"clouds": clouds}))
        return path

    return said_of


@pytest.fixture
async def kyoto(sharing: Callable[[str], Path]) -> AsyncIterator[Gateway]:
    """A gateway for a site that has home's Keystone."""
    async with gateway_at(sharing("kyoto"), names=["kyoto"]) as gateway:
        yield gateway


async def test_the_token_goes_as_it_is(kyoto: Gateway, people: People) -> None:
    home_project = await people.project("alpha")
    home_user = await people.user("alice", alpha="member")
    token = await people.login("alice", "alpha")
    given = await kyoto.site_token(token, "kyoto")
    assert given.token == token
    assert (given.user_id, given.project_id) == (home_user, home_project)
    assert given.expires_at == (await kyoto.client.validate(token)).expires_at
    assert "image" in given.endpoints


async def test_each_login_goes_with_its_own_token(kyoto: Gateway, people: People) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    first, second = [await people.login("alice", "alpha") for _ in range(2)]
    credential = await people.application_credential("alice", "alpha", "reader")
    for token in (first, second, credential):
        assert (await kyoto.site_token(token, "kyoto")).token == token


async def test_the_end_of_a_site_token_is_not_the_end_of_homes(
    kyoto: Gateway, people: People
) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    token = await people.login("alice", "alpha")
    given = await kyoto.site_token(token, "kyoto")
    await kyoto.sessions.strategies["kyoto"].logout(given.token)
    kyoto.client.forget(token)
    assert (await kyoto.client.validate(token)).user_name == "alice"


async def test_a_token_that_home_revoked_is_none_there(kyoto: Gateway, people: People) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    token = await people.login("alice", "alpha")
    identity = await kyoto.client.validate(token)
    await people.revoke(token)
    with pytest.raises(ExchangeRefused, match="does not know tokens of home") as refused:
        await kyoto.sessions.site_token(identity, "kyoto")
    assert refused.value.status == 401


async def test_who_stands_for_whom_is_everybody_for_himself(kyoto: Gateway, people: People) -> None:
    project = await people.project("alpha")
    user = await people.user("alice", alpha="member")
    strategy = kyoto.sessions.strategies["kyoto"]
    assert (await strategy.known_projects(people.account))[project] == project
    assert (await strategy.known_users())[user] == ("alice", people.domain)


async def test_a_site_with_a_keystone_of_its_own_knows_no_token_of_home(
    sharing: Callable[[str], Path], people: People
) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    async with gateway_at(sharing("paris"), names=["paris"]) as gateway:
        with pytest.raises(ExchangeRefused, match="does not know tokens of home"):
            await gateway.site_token(await people.login("alice", "alpha"), "paris")


# ---- stand-ins: what no Keystone says

HOME_SAYS: dict[str, Any] = {
    "user": {"id": "u1", "name": "alice", "domain": {"id": "d1", "name": "acme"}},
    "project": {"id": "p1", "name": "alpha", "domain": {"id": "d1", "name": "acme"}},
    "roles": [{"id": "r1", "name": "member"}, {"id": "r2", "name": "reader"}],
    "expires_at": "2999-01-01T00:00:00.000000Z",
    "issued_at": "2026-01-01T00:00:00.000000Z",
    "methods": ["password"],
    "catalog": [],
}


class StandIn:
    """Answers every request with `status`, `body` and `headers`, and remembers all of it."""

    def __init__(self) -> None:
        self.status = 200
        self.body: Any = {"token": HOME_SAYS}
        self.headers: dict[str, str] = {}
        self.heard: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        text = await request.text()
        self.heard.append(f"{request.method} {request.raw_path} {dict(request.headers)} {text}")
        return web.json_response(self.body, status=self.status, headers=self.headers)

    def says(self, **changes: Any) -> None:
        self.body = {"token": HOME_SAYS | changes}


@asynccontextmanager
async def standing_in(stand_in: StandIn, **federation: Any) -> AsyncIterator[tuple[Strategy, str]]:
    """The strategy for a site that is this stand-in; and its URL."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", stand_in.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/v3"
    home = Site("home", "http://127.0.0.1:9/v3", "password", {})
    auth = {"auth_url": url, "username": "federator", "password": "x"}
    site = Site("fake", url, "password", auth, federation=Federation(**federation))
    account = Account(site, timeout=5.0)
    strategy = make_strategy(Surroundings(home, site, account, 5.0))
    try:
        yield strategy, url
    finally:
        strategy.close()
        account.close()
        await runner.cleanup()


@pytest.fixture
async def fake() -> StandIn:
    return StandIn()


async def test_a_site_that_says_the_same_is_believed(fake: StandIn) -> None:
    async with standing_in(fake, strategy="shared") as (strategy, _):
        grant = await strategy.login(make_identity())
    assert (grant.token, grant.project_id) == ("secret-token", "p1")


@pytest.mark.parametrize(
    "said",
    [
        {"user": HOME_SAYS["user"] | {"id": "u2"}},
        {"user": HOME_SAYS["user"] | {"name": "bob"}},
        {"project": HOME_SAYS["project"] | {"id": "p2"}},
        {"project": None},
        {"roles": [*HOME_SAYS["roles"], {"id": "r3", "name": "admin"}]},
        {"roles": HOME_SAYS["roles"][1:]},
        {"roles": []},
    ],
    ids=["user ID", "user name", "project", "no project", "more roles", "fewer roles", "no roles"],
)
async def test_a_site_that_says_something_else_is_not(fake: StandIn, said: dict[str, Any]) -> None:
    fake.says(**said)
    async with standing_in(fake, strategy="shared") as (strategy, _):
        with pytest.raises((TokenMixUp, ExchangeRefused)):
            await strategy.login(make_identity())


@pytest.mark.parametrize("status", [302, 401, 403, 404, 500, 503])
async def test_a_site_that_says_nothing_is_missing(fake: StandIn, status: int) -> None:
    other = StandIn()
    async with (
        standing_in(other, strategy="shared") as (_, elsewhere),
        standing_in(fake, strategy="shared") as (strategy, _),
    ):
        fake.status, fake.headers = status, {"Location": f"{elsewhere}/auth/tokens"}
        with pytest.raises((SiteUnreachable, ExchangeRefused)):
            await strategy.login(make_identity())
    assert len(fake.heard) == 1
    assert other.heard == []


@pytest.mark.parametrize(
    "body",
    [
        *([], {}, {"token": []}, {"token": {}}, "x"),
        *({"token": HOME_SAYS | {"catalog": odd}} for odd in ([1], [{"endpoints": [{}]}])),
        *({"token": HOME_SAYS | {"roles": odd}} for odd in ([1], 1)),
    ],
)
async def test_an_answer_that_is_none_of_keystone_is_no_token(fake: StandIn, body: Any) -> None:
    fake.body = body
    async with standing_in(fake, strategy="shared") as (strategy, _):
        with pytest.raises(FederationError):
            await strategy.login(make_identity())


async def test_only_logins_of_projects_go_there_and_admins_where_they_count(fake: StandIn) -> None:
    fake.says(roles=[{"id": "r3", "name": "admin"}])
    admin = make_identity(roles=frozenset({"admin"}))
    async with standing_in(fake, strategy="shared") as (strategy, _):
        with pytest.raises(NotScoped):
            await strategy.login(replace(admin, project_id=None))
        with pytest.raises(ExchangeRefused, match=r"federation\.admin"):
            await strategy.login(admin)
    assert fake.heard == []
    async with standing_in(fake, strategy="shared", admin=True) as (strategy, _):
        assert (await strategy.login(admin)).roles == {"admin"}


@pytest.mark.parametrize(
    "settings",
    [{"strategy": "k2k"}, {"strategy": "oidc", "identity_provider": "corp"}],
    ids=lambda settings: str(settings["strategy"]),
)
@pytest.mark.parametrize("status", [200, 201, 401, 500])
async def test_no_other_site_ever_hears_a_token_of_home(
    fake: StandIn, settings: dict[str, Any], status: int
) -> None:
    fake.status = status
    fake.headers = {"X-Subject-Token": "site-token"}
    async with standing_in(fake, **settings) as (strategy, _):
        with pytest.raises(FederationError):
            await strategy.login(make_identity())
    assert not [heard for heard in fake.heard if "secret-token" in heard]
