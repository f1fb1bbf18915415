"""A gateway before the real sites, for those who wish it ill."""

from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.adversarial.alike import Everybody, site_members
from tests.adversarial.client import Login, log_in
from tests.adversarial.gateways import Fleet, GatewayProcess, new_fleet
from tests.adversarial.realm import Realm, home_auth, new_realm, site_urls

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            # One loop for all, so that logins and connections can be kept between tests.
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="package")
def fleet(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A Redis and one gateway, for the tests that leave both alone."""
    with new_fleet(lab, tmp_path_factory.mktemp("fleet")) as fleet:
        fleet.add()
        yield fleet


@pytest.fixture(scope="package")
def gateway(fleet: Fleet) -> GatewayProcess:
    """The one gateway of the fleet."""
    return fleet.gateways[0]


@pytest.fixture
def own_fleet(lab: Path, tmp_path: Path) -> Iterator[Fleet]:
    """A Redis for one test, which may do with it what it likes."""
    with new_fleet(lab, tmp_path) as fleet:
        yield fleet
        fleet.check()


@pytest_asyncio.fixture(loop_scope="session", scope="package")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """Connections of clients."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        max_line_size=1 << 20,
        max_field_size=1 << 20,
    ) as session:
        yield session


@pytest_asyncio.fixture(loop_scope="session", scope="package")
async def site_admins(http: aiohttp.ClientSession, lab: Path) -> dict[str, Login]:
    """Those who see at each site what really is there."""
    return {
        site: await log_in(http, url, home_auth(lab, f"{site}-admin"), site=True)
        for site, url in site_urls(lab).items()
    }


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def realm(
    http: aiohttp.ClientSession, lab: Path, gateway: GatewayProcess
) -> AsyncIterator[Realm]:
    """A domain for the tests of one file."""
    async with new_realm(http, lab, gateway.url) as realm:
        yield realm


@pytest.fixture(autouse=True)
def nothing_that_must_not_be(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test did: the gateway lives, no token is in its log, and nothing surprised it."""
    yield
    if "fleet" in request.fixturenames:
        request.getfixturevalue("fleet").check()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what the gateways have logged."""
    report = yield
    if report.failed:
        for name in ("fleet", "own_fleet"):
            fleet = getattr(item, "funcargs", {}).get(name)
            if isinstance(fleet, Fleet):
                for gateway in fleet.gateways:
                    report.sections.append((f"log of {gateway.address}", gateway.log_tail(12)))
    return report


@pytest_asyncio.fixture(loop_scope="session", scope="package")
async def everybody(
    http: aiohttp.ClientSession, lab: Path, gateway: GatewayProcess
) -> AsyncIterator[Everybody]:
    """A member of a project of home, and at each site a member whom the site itself knows."""
    async with new_realm(http, lab, gateway.url) as realm:
        await realm.project("alpha")
        await realm.user("mallory", alpha="member")
        member = await realm.login("mallory", "alpha")
        async with site_members(http, lab) as sites:
            yield Everybody(member, sites, realm)
