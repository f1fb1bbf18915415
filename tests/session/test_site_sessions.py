"""When a site token is used again, when not, and which tokens are never used."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from adapters.account import Account
from adapters.errors import (
    ExchangeRefused,
    InvalidToken,
    ProjectNotThere,
    SiteUnreachable,
    TokenMixUp,
)
from adapters.identity import Identity
from adapters.keystone.conversation import Grant
from adapters.keystone.exchange import Turn
from adapters.mapping import closure, user_name
from adapters.provision import Provisioner
from adapters.session import SiteSessions
from adapters.sites import Site
from adapters.strategies import k2k, make_strategy
from adapters.strategy import Surroundings
from tests.session.people import make_identity

HOME = Site("home", "http://home/v3", "password", {})
SITES = {name: Site(name, f"http://{name}/v3", "password", {}) for name in ("paris", "tokyo")}


class FakeProvisioner(Provisioner):
    """A site at which everything is there."""

    implied: ClassVar[dict[str, list[str]]] = {"member": ["reader"]}
    forgotten: ClassVar[int] = 0

    async def ensure(self, identity: Identity) -> str:
        return f"{self._site.name}-{identity.project_id}"

    async def allowed_roles(self, identity: Identity, *, fresh: bool = False) -> frozenset[str]:
        return closure(identity.roles, self.implied)

    def forget(self, identity: Identity) -> None:
        FakeProvisioner.forgotten += 1


class Exchange:
    """Stands for two Keystones. `outcomes` are used up first; then it grants what is asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.outcomes: list[Exception | Callable[[Grant], Grant]] = []
        self.seconds = 3600.0

    def __call__(
        self,
        home: Site,
        site: Site,
        identity: Identity,
        project_id: str,
        seconds: float,
        turn: Turn,
    ) -> Grant:
        self.calls.append((site.name, identity.token))
        grant = Grant(
            token=f"site-token-{len(self.calls)}",
            user_id="shadow",
            user_name=user_name(identity),
            user_domain="federation",
            project_id=project_id,
            roles=identity.roles,
            expires_at=datetime.now(UTC) + timedelta(seconds=self.seconds),
            catalog=(),
        )
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome(grant) if outcome else grant


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Exchange:
    exchange = Exchange()
    monkeypatch.setattr(FakeProvisioner, "forgotten", 0)
    monkeypatch.setattr(k2k, "exchange", exchange)
    monkeypatch.setattr(k2k, "Provisioner", FakeProvisioner)
    return exchange


@pytest.fixture
def sessions(exchange: Exchange) -> Iterator[SiteSessions]:
    accounts = {name: Account(site) for name, site in SITES.items()}
    strategies = {
        name: make_strategy(Surroundings(HOME, site, accounts[name], timeout=5))
        for name, site in SITES.items()
    }
    sessions = SiteSessions(SITES, strategies, max_tokens=3)
    yield sessions
    sessions.close()
    for account in accounts.values():
        account.close()


async def test_a_token_serves_all_logins_that_may_do_the_same(
    sessions: SiteSessions, exchange: Exchange
) -> None:
    first = await sessions.site_token(make_identity(token="t1"), "paris")
    second = await sessions.site_token(make_identity(token="t2"), "paris")
    assert first is second
    assert exchange.calls == [("paris", "t1")]


@pytest.mark.parametrize(
    "change",
    [
        {"user_id": "u2"},
        {"project_id": "p2"},
        {"roles": frozenset({"reader"})},
        {"application_credential_id": "ac1"},
    ],
)
async def test_a_login_that_differs_gets_a_token_of_its_own(
    sessions: SiteSessions, exchange: Exchange, change: dict[str, Any]
) -> None:
    first = await sessions.site_token(make_identity(), "paris")
    second = await sessions.site_token(make_identity(**change), "paris")
    assert first.token != second.token


async def test_each_site_has_its_own_token(sessions: SiteSessions, exchange: Exchange) -> None:
    for site in SITES:
        token = await sessions.site_token(make_identity(), site)
        assert (token.site, token.project_id) == (site, f"{site}-p1")


async def test_a_site_token_ends_with_the_token_of_home_at_the_latest(
    sessions: SiteSessions, exchange: Exchange
) -> None:
    end = datetime.now(UTC) + timedelta(minutes=5)
    identity = make_identity(expires_at=end)
    assert (await sessions.site_token(identity, "paris")).expires_at == end
    exchange.seconds = 60
    assert (await sessions.site_token(identity, "tokyo")).expires_at < end


async def test_a_token_about_to_end_is_replaced(sessions: SiteSessions, exchange: Exchange) -> None:
    exchange.seconds = 20
    identity = make_identity()
    first = await sessions.site_token(identity, "paris")
    assert await sessions.site_token(identity, "paris") is not first


async def test_at_the_end_of_a_home_token_there_is_no_exchange_per_request(
    sessions: SiteSessions, exchange: Exchange
) -> None:
    identity = make_identity(expires_at=datetime.now(UTC) + timedelta(seconds=10))
    first = await sessions.site_token(identity, "paris")
    assert await sessions.site_token(identity, "paris") is first
    later = replace(identity, expires_at=datetime.now(UTC) + timedelta(hours=1))
    assert (await sessions.site_token(later, "paris")).expires_at > identity.expires_at


async def test_only_so_many_tokens_are_kept(sessions: SiteSessions, exchange: Exchange) -> None:
    identities = [make_identity(user_id=f"u{number}") for number in range(4)]
    for identity in identities:
        await sessions.site_token(identity, "paris")
    await sessions.site_token(identities[-1], "paris")
    assert len(exchange.calls) == 4
    await sessions.site_token(identities[0], "paris")
    assert len(exchange.calls) == 5


async def test_forgetting_a_login_drops_its_tokens_at_all_sites(
    sessions: SiteSessions, exchange: Exchange
) -> None:
    identity, other = make_identity(), make_identity(user_id="u2")
    for who in (identity, other):
        await sessions.site_token(who, "paris")
    sessions.forget(identity)
    await sessions.site_token(other, "paris")
    assert len(exchange.calls) == 2
    await sessions.site_token(identity, "paris")
    assert len(exchange.calls) == 3


async def test_forgetting_a_refused_token_spares_the_one_in_its_place(
    sessions: SiteSessions, exchange: Exchange
) -> None:
    identity = make_identity()
    refused = await sessions.site_token(identity, "paris")
    sessions.forget_site_token(refused)
    fresh = await sessions.site_token(identity, "paris")
    sessions.forget_site_token(refused)
    assert await sessions.site_token(identity, "paris") is fresh


@pytest.mark.parametrize(
    ("wrong", "change"),
    [
        ("user", {"user_name": "bob@acme"}),
        ("user", {"user_name": "alice@globex"}),
        ("user", {"user_domain": "default"}),
        ("project", {"project_id": "paris-p2"}),
        ("project", {"project_id": None}),
        ("roles", {"roles": frozenset({"member", "reader", "admin"})}),
    ],
)
async def test_a_token_for_something_else_is_never_used(
    sessions: SiteSessions,
    exchange: Exchange,
    caplog: pytest.LogCaptureFixture,
    wrong: str,
    change: dict[str, Any],
) -> None:
    exchange.outcomes = [lambda grant: replace(grant, **change)]
    with pytest.raises(TokenMixUp, match=f"another {wrong}"):
        await sessions.site_token(make_identity(), "paris")
    record = caplog.records[-1]
    assert record.levelno == logging.ERROR
    assert "token-" not in record.getMessage()
    # Nothing of it was kept, and the next attempt is as good as any.
    assert (await sessions.site_token(make_identity(), "paris")).token == "site-token-2"


async def test_what_a_role_implies_at_the_site_is_no_mix_up(
    sessions: SiteSessions, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange.outcomes = [lambda grant: replace(grant, roles=grant.roles | {"swiftoperator"})]
    monkeypatch.setattr(FakeProvisioner, "implied", {"member": ["swiftoperator"]})
    assert await sessions.site_token(make_identity(), "paris")


@pytest.mark.parametrize("status", [409, 500])
async def test_a_first_login_that_lost_a_race_is_repeated_once(
    sessions: SiteSessions, exchange: Exchange, status: int
) -> None:
    exchange.outcomes = [ExchangeRefused("paris", "raced", status)]
    assert await sessions.site_token(make_identity(), "paris")
    exchange.outcomes = [ExchangeRefused("tokyo", "broken", status)] * 2
    with pytest.raises(ExchangeRefused):
        await sessions.site_token(make_identity(), "tokyo")
    assert len(exchange.calls) == 4


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_refused_login_looks_again_whether_all_is_there(
    sessions: SiteSessions, exchange: Exchange, status: int
) -> None:
    exchange.outcomes = [ExchangeRefused("paris", "no grant", status)]
    assert await sessions.site_token(make_identity(), "paris")
    assert FakeProvisioner.forgotten == 1


@pytest.mark.parametrize(
    "error",
    [
        SiteUnreachable("paris", "no connection"),
        InvalidToken("revoked"),
        ExchangeRefused("paris", "no service provider"),
        ProjectNotThere("paris", "somebody else's"),
    ],
)
async def test_other_failures_are_final_and_not_remembered(
    sessions: SiteSessions, exchange: Exchange, error: Exception
) -> None:
    exchange.outcomes = [error]
    with pytest.raises(type(error)):
        await sessions.site_token(make_identity(), "paris")
    assert len(exchange.calls) == 1
    assert await sessions.site_token(make_identity(), "paris")


async def test_one_exchange_for_all_who_wait(sessions: SiteSessions, exchange: Exchange) -> None:
    waiting = [sessions.site_token(make_identity(token=f"t{n}"), "paris") for n in range(20)]
    assert len({token.token for token in await asyncio.gather(*waiting)}) == 1
    assert len(exchange.calls) == 1


async def test_a_login_that_ended_does_not_take_those_down_who_waited_for_it(
    sessions: SiteSessions, exchange: Exchange
) -> None:
    exchange.outcomes = [InvalidToken("revoked")]
    ended, good, other = await asyncio.gather(
        *(sessions.site_token(make_identity(token=f"t{n}"), "paris") for n in range(3)),
        return_exceptions=True,
    )
    assert isinstance(ended, InvalidToken)
    assert good is other
    assert [token for _, token in exchange.calls] == ["t0", "t1"]
