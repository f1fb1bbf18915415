"""Ten thousand exchanges at sites that behave as recorded and badly: nobody gets what is somebody else's."""

import asyncio
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import requests

from adapters.account import Account
from adapters.errors import ExchangeRefused, HomeUnreachable, InvalidToken, SiteUnreachable
from adapters.identity import Identity, ServiceProvider, SiteToken
from adapters.keystone import conversation
from adapters.keystone.conversation import Grant
from adapters.keystone.exchange import exchange
from adapters.mapping import closure
from adapters.provision import Provisioner
from adapters.session import SiteSessions
from adapters.sites import Site
from adapters.strategies import k2k
from adapters.strategy import Surroundings, turns_at_home
from tests.adversarial.recorded_cloud import DOMAIN, Person, project_id
from tests.idmap.worlds import eventually
from tests.session.people import make_identity

SITES = ("paris", "tokyo")
EXCHANGES = 10_000
AT_ONCE = 150
HTTP_SECONDS = 1.0
CHECKOUT = Path(__file__).parents[2]


class Ready(Provisioner):
    """A site at which everything is there."""

    async def ensure(self, identity: Identity) -> str:
        return f"{self._site.name}-{identity.project_id}"

    async def allowed_roles(self, identity: Identity, *, fresh: bool = False) -> frozenset[str]:
        return closure(identity.roles, {"member": ["reader"]})

    def forget(self, identity: Identity) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.adversarial.recorded_cloud"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=CHECKOUT
    ) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.terminate()


def identity_of(url: str, person: Person, credential: str | None) -> Identity:
    """A login at home whose token says whose it is."""
    provider = "/v3/OS-FEDERATION/identity_providers/home/protocols/saml2/auth"
    providers = [
        {
            "id": site,
            "auth_url": f"{url}/{site}{provider}",
            "sp_url": f"{url}/{site}/v3/mellon/paosResponse",
        }
        for site in SITES
    ]
    token = "/".join(person)
    said = make_identity().body["token"] | {
        "user": {"id": person.user, "name": person.user, "domain": {"id": "d", "name": DOMAIN}},
        "expires_at": "2099-01-01T00:00:00.000000Z",
        "issued_at": "2026-01-01T00:00:00.000000Z",
        "service_providers": providers,
    }
    return make_identity(
        token=token,
        user_id=person.user,
        user_name=person.user,
        user_domain_name=DOMAIN,
        project_id=person.project,
        project_name=person.project,
        project_domain_name=DOMAIN,
        roles=frozenset(person.roles.split("+")),
        application_credential_id=credential,
        service_providers={each["id"]: ServiceProvider(**each) for each in providers},
        body={"token": said},
    )


def is_of(token: SiteToken, site: str, person: Person) -> bool:
    """Whether a token is what it was asked for, by what the site wrote into it."""
    whose = f"{site}|{'|'.join(person)}|"
    return token.site == site and token.token.startswith(whose)


@contextmanager
def sessions_at(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SiteSessions]:
    """Sessions with the real strategy, before the recorded sites."""
    monkeypatch.setattr(k2k, "Provisioner", Ready)
    sites = {name: Site(name, f"{url}/{name}/v3", "password", {}) for name in SITES}
    turns = turns_at_home(60)
    accounts = {name: Account(site) for name, site in sites.items()}
    strategies = {}
    for name, site in sites.items():
        # Home knows by its URL for which site it is asked: that is all that is special here.
        home = Site("home", f"{url}/{name}/asserter/v3", "password", {})
        strategies[name] = k2k.make(Surroundings(home, site, accounts[name], HTTP_SECONDS, turns))
    sessions = SiteSessions(sites, strategies, login_seconds=60)
    yield sessions
    sessions.close()
    for account in accounts.values():
        account.close()


async def test_nobody_gets_a_token_of_somebody_else_whatever_the_sites_do(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(1)
    persons = []
    for number, project in product(range(100), ("alpha", "beta", "gamma")):
        persons.append((Person(f"user{number}", project, "member+reader"), None))
        persons.append((Person(f"user{number}", project, "reader"), f"ac-{number}"))
    persons.append((Person("revoked", "alpha", "member+reader"), None))
    identities = {person: identity_of(url, person, ac) for person, ac in persons}
    outcomes: Counter[str] = Counter()
    tokens: set[str] = set()
    wrong: list[Any] = []

    with sessions_at(url, monkeypatch) as sessions:

        async def ask(person: Person, site: str) -> None:
            try:
                token = await sessions.site_token(identities[person], site)
            except (ExchangeRefused, SiteUnreachable, HomeUnreachable) as error:
                outcomes[type(error).__name__] += 1
            except InvalidToken:
                outcomes["InvalidToken"] += 1
                if person.user != "revoked":
                    wrong.append(person)
            else:
                tokens.add(token.token)
                if not is_of(token, site, person) or person.user == "revoked":
                    wrong.append((person, site, token.token))
                sessions.forget(identities[person])

        async def client() -> None:
            """Asks again and again; now and then loses patience, or asks twice at once."""
            while len(tokens) < EXCHANGES:
                person, site = dice.choice(persons)[0], dice.choice(SITES)
                asking = [
                    asyncio.create_task(ask(person, site)) for _ in range(dice.choice((1, 1, 2)))
                ]
                if dice.random() < 0.05:
                    await asyncio.sleep(dice.uniform(0, 0.3))
                    asking[0].cancel()
                    outcomes["gave up"] += 1
                ends = await asyncio.gather(*asking, return_exceptions=True)
                wrong.extend(end for end in ends if isinstance(end, Exception))

        await asyncio.gather(*(client() for _ in range(AT_ONCE)))
        # What was asked for by those who gave up comes to its end, too.
        await eventually(lambda: not sessions._flights._running)
        assert not wrong, wrong[:3]
        counted = (await asyncio.to_thread(requests.get, f"{url}/counted", timeout=10)).json()
        # It was not all sunshine.
        for kind in ("ExchangeRefused", "SiteUnreachable", "HomeUnreachable", "InvalidToken"):
            assert outcomes[kind], outcomes
        for trouble in ("conflict", "broken", "proxy_down", "hung_up", "silent"):
            assert counted["paris"][trouble], counted
        assert outcomes["gave up"]
        assert sum(each["exchanges"] for each in counted.values()) >= len(tokens) >= EXCHANGES
        # And nothing is left of it.
        assert not sessions._tasks
        assert all(turns.waiting == 0 for turns in sessions._turns.values())
        named = [thread.name for thread in threading.enumerate()]
        busy = [name for name in named if name.startswith("exchange-")]
        assert len(busy) <= len(SITES) * k2k._THREADS


CALM = {"conflict": 0, "broken": 0, "proxy_down": 0, "hung_up": 0, "silent": 0}


@pytest.mark.parametrize(
    "trouble",
    [{"silent": 1000, "silence": 60}, {"broken": 1000}, {"proxy_down": 1000}, {"hung_up": 1000}],
)
async def test_a_site_in_trouble_keeps_nobody_from_the_others_and_recovers_by_itself(
    url: str, monkeypatch: pytest.MonkeyPatch, trouble: dict[str, float]
) -> None:
    identities = [
        identity_of(url, Person(f"user{number}", "alpha", "reader"), None) for number in range(40)
    ]

    async def mood(site: str, **changes: float) -> None:
        settings = {**CALM, "only_site": True, **changes}
        await asyncio.to_thread(requests.post, f"{url}/{site}/mood", json=settings, timeout=10)

    with sessions_at(url, monkeypatch) as sessions:
        await mood("paris", **trouble)
        await mood("tokyo")
        stuck = [asyncio.create_task(sessions.site_token(who, "paris")) for who in identities]
        await asyncio.sleep(0.2)
        good = await asyncio.gather(*(sessions.site_token(who, "tokyo") for who in identities))
        assert {token.site for token in good} == {"tokyo"}
        if trouble.get("silent"):
            # Those at Paris still wait for an answer, and hold nothing that the others need.
            assert not all(task.done() for task in stuck)
        for outcome in await asyncio.gather(*stuck, return_exceptions=True):
            assert isinstance(outcome, SiteUnreachable | ExchangeRefused)
            assert outcome.site == "paris"
        await mood("paris")
        again = await asyncio.gather(*(sessions.site_token(who, "paris") for who in identities))
        assert {token.site for token in again} == {"paris"}


async def test_sites_like_these_do_mix_up_who_shares_a_session(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That the test above can fail: what happened to real sites before each exchange had its own."""
    shared = requests.Session()
    monkeypatch.setattr(conversation.requests, "Session", lambda: shared)
    monkeypatch.setattr(shared, "close", lambda: None)
    home = Site("home", f"{url}/paris/asserter/v3", "password", {})
    site = Site("paris", f"{url}/paris/v3", "password", {})

    def whose(number: int) -> bool | None:
        person = Person(f"user{number}", "alpha", "reader")
        identity = identity_of(url, person, None)
        try:
            grant: Grant = exchange(home, site, identity, project_id("paris", person), HTTP_SECONDS)
        except (ExchangeRefused, SiteUnreachable, HomeUnreachable):
            return None
        return grant.user_name == f"user{number}@{DOMAIN}"

    answers = await asyncio.gather(*(asyncio.to_thread(whose, number) for number in range(200)))
    assert False in answers
