"""Site tokens by OpenID Connect, from real sites of three releases and a real provider."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from adapters.account import Account
from adapters.errors import (
    ExchangeRefused,
    ProviderUnreachable,
    SettingsError,
    SiteUnreachable,
    TokenMixUp,
)
from adapters.sites import load_home, load_sites
from adapters.strategies import make_strategy
from adapters.strategy import Surroundings
from tests.session.openid import ALL_SITES, OpenId, exchange_at, trusting
from tests.session.world import Gateway, gateway_at

at_each_site = pytest.mark.parametrize("site", ALL_SITES)
plain_and_exchanged = pytest.mark.parametrize("exchange", [False, True], ids=["plain", "exchanged"])

AtSite = Callable[..., AbstractAsyncContextManager[Gateway]]


@pytest.fixture
async def openid(clouds_yaml: Path) -> AsyncIterator[OpenId]:
    async with aiohttp.ClientSession() as http:
        yield OpenId(load_home(clouds_yaml, "home").auth_url, http)


@pytest.fixture
def at_site(clouds_yaml: Path, tmp_path: Path, openid: OpenId) -> AtSite:
    """A gateway for one site; with a token exchange, whose settings may be changed."""

    @asynccontextmanager
    async def gateway(site: str, exchange: bool = True, **changes: str) -> AsyncIterator[Gateway]:
        settings = {"token_exchange": exchange_at(openid.home, **changes)} if exchange else {}
        path = trusting(clouds_yaml, site, tmp_path, **settings)
        async with gateway_at(path, names=[site]) as made:
            yield made

    return gateway


@at_each_site
@plain_and_exchanged
async def test_a_login_is_the_same_user_project_and_roles_at_the_site(
    at_site: AtSite, openid: OpenId, site: str, exchange: bool
) -> None:
    async with at_site(site, exchange) as first:
        # The groups of a project come to a site with its first login, and a Keystone that finds somebody in
        # more groups than before revokes the tokens that he had.
        for project in ("alpha", "beta"):
            await first.site_token(await openid.login(first, "erin", project), site)
    async with at_site(site, exchange) as gateway:
        alpha = await gateway.site_token(await openid.login(gateway, "erin", "alpha"), site)
        beta = await gateway.site_token(await openid.login(gateway, "erin", "beta"), site)
        said = await gateway.said_by_site(alpha)
        assert said["user"]["name"] == "erin@corp"
        assert said["user"]["domain"]["name"] == "federation"
        assert (said["project"]["name"], said["project"]["domain"]["name"]) == ("alpha", "acme")
        await asyncio.sleep(2.5)  # newer Keystones spare tokens of the last second when they revoke
        assert await gateway.roles_at_site(alpha) == {"member", "reader"}
        assert await gateway.roles_at_site(beta) == {"reader"}
        assert alpha.project_id != beta.project_id
        assert alpha.token not in repr(alpha)


@at_each_site
async def test_a_login_with_less_at_home_gets_less_by_the_exchange(
    at_site: AtSite, openid: OpenId, site: str
) -> None:
    async with at_site(site) as gateway:
        token = await openid.login(gateway, "erin", "alpha")
        identity = await gateway.client.validate(token)
        full = await gateway.sessions.site_token(identity, site)
        less = replace(identity, roles=frozenset({"reader"}))
        reader = await gateway.sessions.site_token(less, site)
        await asyncio.sleep(2.5)
        assert await gateway.roles_at_site(reader) == {"reader"}
        assert await gateway.roles_at_site(full) == {"member", "reader"}


@at_each_site
async def test_a_login_with_less_at_home_than_its_access_token_says_is_refused_without_one(
    at_site: AtSite, openid: OpenId, site: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with at_site(site, exchange=False) as gateway:
        identity = await gateway.client.validate(await openid.login(gateway, "erin", "alpha"))
        await gateway.sessions.site_token(identity, site)
        less = replace(identity, roles=frozenset({"reader"}))
        with pytest.raises(TokenMixUp, match="another roles"):
            await gateway.sessions.site_token(less, site)
    assert "got erin@corp of federation" in caplog.text


@at_each_site
async def test_a_machines_access_token_serves_as_it_is(
    at_site: AtSite, openid: OpenId, site: str
) -> None:
    async with at_site(site, exchange=False) as gateway:
        robot = await openid.access_token_of_machine("robot")
        token = await openid.login_with(gateway, robot, "alpha")
        given = await gateway.site_token(token, site)
        assert await gateway.roles_at_site(given) == {"reader"}


@plain_and_exchanged
async def test_another_users_access_token_is_no_use(
    at_site: AtSite, openid: OpenId, exchange: bool
) -> None:
    async with at_site("paris", exchange) as gateway:
        token = await openid.login(gateway, "erin", "alpha")
        later = datetime.now(UTC) + timedelta(minutes=5)
        await gateway.access_tokens.keep(token, await openid.access_token("frank"), later)
        identity = replace(await gateway.client.validate(token), roles=frozenset({"reader"}))
        with pytest.raises(TokenMixUp, match="another user"):
            await gateway.sessions.site_token(identity, "paris")


@plain_and_exchanged
async def test_without_an_access_token_the_login_is_told_how_to_get_one(
    at_site: AtSite, openid: OpenId, exchange: bool
) -> None:
    async with at_site("paris", exchange) as gateway:
        token = await openid.login(gateway, "erin", "alpha")
        await gateway.access_tokens.forget(token)
        with pytest.raises(ExchangeRefused, match="logins by OpenID Connect") as refused:
            await gateway.site_token(token, "paris")
        assert refused.value.status == 401
        soon = datetime.now(UTC) + timedelta(seconds=1.2)
        await gateway.access_tokens.keep(token, await openid.access_token("erin"), soon)
        await asyncio.sleep(1.3)
        with pytest.raises(ExchangeRefused, match="log in"):
            await gateway.site_token(token, "paris")


@at_each_site
async def test_a_token_for_one_site_is_no_use_at_another(
    at_site: AtSite, openid: OpenId, site: str
) -> None:
    async with at_site(site, audience="urn:site:somewhere") as gateway:
        token = await openid.login(gateway, "erin", "alpha")
        with pytest.raises(ExchangeRefused, match="HTTP 401") as refused:
            await gateway.site_token(token, site)
        assert refused.value.status == 401


async def test_a_forged_access_token_is_refused(at_site: AtSite, openid: OpenId) -> None:
    for exchange, said in ((True, "no token for it: invalid_request"), (False, "HTTP 401")):
        async with at_site("paris", exchange) as gateway:
            token = await openid.login(gateway, "erin", "alpha")
            header, claims, signature = (await openid.access_token("erin")).split(".")
            forged = ".".join((header, claims, signature[::-1]))
            later = datetime.now(UTC) + timedelta(minutes=5)
            await gateway.access_tokens.keep(token, forged, later)
            with pytest.raises(ExchangeRefused, match=said):
                await gateway.site_token(token, "paris")


async def test_a_provider_that_is_wrong_or_away_is_said(
    at_site: AtSite, openid: OpenId, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = ["federator-secret"]
    for changes, error, said in (
        ({"client_secret": "another"}, ExchangeRefused, "invalid_client"),
        ({"audience": "urn:nobody"}, ExchangeRefused, "invalid_target"),
        ({"endpoint": openid.issuer + "/nothing"}, ExchangeRefused, "HTTP 404"),
        ({"endpoint": "http://127.0.0.1:9/token"}, ProviderUnreachable, "does not answer"),
    ):
        async with at_site("paris", **changes) as gateway:
            token = await openid.login(gateway, "erin", "alpha")
            held = await gateway.access_tokens.find(token)
            assert held
            secrets += [token, held.token]
            with pytest.raises(error, match=said) as raised:
                await gateway.site_token(token, "paris")
            # Or the breaker would take the site for away.
            assert not isinstance(raised.value, SiteUnreachable)
    assert not [secret for secret in secrets if secret in caplog.text]


async def test_revoked_at_the_site(at_site: AtSite, openid: OpenId) -> None:
    async with at_site("paris") as gateway:
        token = await gateway.site_token(await openid.login(gateway, "erin", "alpha"), "paris")
        await gateway.sessions.strategies["paris"].logout(token.token)
        assert await gateway.said_by_site(token) == {}


async def test_who_stands_for_whom_is_found_again(at_site: AtSite, openid: OpenId) -> None:
    async with at_site("paris") as gateway:
        identity = await gateway.client.validate(await openid.login(gateway, "erin", "alpha"))
        token = await gateway.sessions.site_token(identity, "paris")
        strategy = gateway.sessions.strategies["paris"]
        projects = await strategy.known_projects(gateway.accounts["paris"])
        assert projects[identity.project_id or ""] == token.project_id
        assert (await strategy.known_users())[token.user_id] == ("erin", "corp")


def test_the_provider_has_to_be_named(clouds_yaml: Path, tmp_path: Path) -> None:
    path = trusting(clouds_yaml, "paris", tmp_path, identity_provider="")
    site = load_sites(path, ["paris"])["paris"]
    account = Account(site)
    with pytest.raises(SettingsError, match=r"clouds.paris.federation.identity_provider"):
        make_strategy(Surroundings(load_home(path, "home"), site, account, 1.0))
    account.close()
