"""Two or three real sites whose networks are kept alike: a gateway, and a daemon for each site."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
import pytest_asyncio
import yaml

from tests.adversarial.client import Login, log_in
from tests.adversarial.gateways import SITES, Fleet, GatewayProcess, new_fleet
from tests.adversarial.realm import Realm, home_auth, new_realm, site_urls

HERE = Path(__file__).parent
SEGMENTS = "3100-3199"
"""VLAN IDs that no other test uses."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        names = getattr(item, "fixturenames", ())
        if HERE in item.path.parents and "lab" in names and "stage" not in names:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


class DaemonProcess:
    """One ``federator sync``."""

    def __init__(self, site: str, config: Path, *, log: str = "sync") -> None:
        self.site = site
        self.log = config.with_name(f"{log}-{site}.log")
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0

    def start(self) -> None:
        self._began = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as out:
            command = [sys.executable, "-m", "federator", "sync", "--site", self.site]
            command += ["--config", str(self._config)]
            self._process = subprocess.Popen(command, stdout=out, stderr=out)

    def wait_until_it_leads(self) -> None:
        deadline = time.monotonic() + 60
        while b"event='leads'" not in self.log.read_bytes()[self._began :]:
            assert self._process is not None
            assert self._process.poll() is None, self.log_tail()
            assert time.monotonic() < deadline, self.log_tail()
            time.sleep(0.1)

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        """As an operator does, so that nobody waits for it to be given up."""
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(60) == 0, self.log_tail()
        self._process = None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def log_tail(self, lines: int = 40) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


@dataclass
class Federation:
    """A gateway and the daemons of its sites."""

    fleet: Fleet
    gateway: GatewayProcess
    daemons: dict[str, DaemonProcess] = field(default_factory=dict)

    def start_daemons(self, sites: Sequence[str]) -> None:
        """One for each site, until they lead."""
        for site in sites:
            self.daemons[site] = DaemonProcess(site, self.gateway.config)
            self.daemons[site].start()
        for daemon in self.daemons.values():
            daemon.wait_until_it_leads()


def clouds_with_vlans(lab: Path, folder: Path) -> Path:
    """The lab's clouds.yaml, in which the sites say on which physical network VLANs come."""
    clouds: dict[str, Any] = yaml.safe_load(lab.read_text())
    for site in (*SITES, "denver"):
        clouds["clouds"][site].setdefault("federation", {})["physical_network"] = "physnet2"
    path = folder / "clouds.yaml"
    path.write_text(yaml.safe_dump(clouds))
    return path


@contextmanager
def new_federation(lab: Path, folder: Path, **settings: Any) -> Iterator[Federation]:
    """All of it, with a Redis of its own. Afterwards it is gone."""
    clouds = clouds_with_vlans(lab, folder)
    with new_fleet(clouds, folder) as fleet:
        # A name of its own: others may span these sites at the same time.
        named = {"federation": f"test-{uuid4().hex[:8]}", **settings}
        gateway = fleet.add(segments=SEGMENTS, audit_seconds=5, sharing_seconds=20, **named)
        federation = Federation(fleet, gateway)
        try:
            federation.start_daemons(SITES)
            yield federation
        finally:
            for daemon in federation.daemons.values():
                daemon.kill()


@pytest.fixture(scope="package")
def federation(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    """For the tests that leave its processes alone."""
    with new_federation(lab, tmp_path_factory.mktemp("federation")) as there:
        yield there


@pytest_asyncio.fixture(loop_scope="session", scope="package")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """Connections of clients."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
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
    http: aiohttp.ClientSession, lab: Path, federation: Federation
) -> AsyncIterator[Realm]:
    """A domain for the tests of one file, for which the daemons are at work."""
    for daemon in federation.daemons.values():
        await asyncio.to_thread(daemon.wait_until_it_leads)
    async with new_realm(http, lab, federation.gateway.url) as realm:
        await realm.project("alpha")
        await realm.user("ada", alpha="member")
        yield realm
        # What a failed test has left is swept at the sites, and daemons would make it again.
        for daemon in federation.daemons.values():
            await asyncio.to_thread(daemon.stop)
    for daemon in federation.daemons.values():
        daemon.start()


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def ada(realm: Realm) -> Login:
    """A member of the project."""
    return await realm.login("ada", "alpha")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what gateway and daemons have logged."""
    report = yield
    there = getattr(item, "funcargs", {}).get("federation")
    if report.failed and isinstance(there, Federation):
        for site, daemon in there.daemons.items():
            report.sections.append((f"log of {site}'s daemon", daemon.log_tail(20)))
        report.sections.append(("log of the gateway", there.gateway.log_tail(12)))
    return report
