"""A gateway before two real sites, one of which is stopped, frozen and brought back."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import yaml

from lab.lab import Lab
from tests.adversarial.gateways import Fleet, GatewayProcess, new_fleet
from tests.e2e.api import Api, cloud
from tests.e2e.openstack_cli import CommandServer, Openstack
from tests.e2e.people import People, new_people
from tests.missing_site.moody import Moody
from tests.missing_site.things import LEAVES, STAYS


@dataclass(frozen=True)
class World:
    """A fleet of gateways with one user, and the sites behind it."""

    lab: Path
    sites: Lab
    fleet: Fleet
    people: People
    commands: CommandServer
    folder: Path

    @property
    def gateway(self) -> GatewayProcess:
        return self.fleet.gateways[-1]

    @contextmanager
    def client(self, gateway: GatewayProcess | None = None) -> Iterator[Api]:
        """The user at a gateway, the newest one if none is named."""
        url = f"{(gateway or self.gateway).url}/identity/v3"
        api = Api({**self.people.auth, "auth_url": url}, "federation")
        yield api
        api.close()

    @contextmanager
    def admin(self) -> Iterator[Api]:
        """Home's admin at the newest gateway."""
        auth = yaml.safe_load(self.lab.read_text())["clouds"]["home"]["auth"]
        api = Api({**auth, "auth_url": f"{self.gateway.url}/identity/v3"}, "federation")
        yield api
        api.close()

    @property
    def openstack(self) -> Openstack:
        """The user's command, at the newest gateway."""
        login = {**self.people.auth, "auth_url": f"{self.gateway.url}/identity/v3"}
        clouds = {"clouds": {"user": {"auth": login, "region_name": "federation"}}}
        (self.folder / "clouds.yaml").write_text(yaml.safe_dump(clouds))
        return Openstack(self.commands, self.folder, "user")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The site that leaves is not there: its ports refuse connections."""
        try:
            self.sites.stop_site(LEAVES)
            yield
        finally:
            self.sites.start_site(LEAVES)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The site that leaves accepts connections and never answers."""
        try:
            self.sites.freeze_site(LEAVES)
            yield
        finally:
            self.sites.thaw_site(LEAVES)

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """No packet reaches the site that leaves, and none is sent back."""
        try:
            self.sites.cut_off_site(LEAVES)
            yield
        finally:
            self.sites.reconnect_site(LEAVES)

    def away(self) -> set[str]:
        """The services of the missing site that the newest gateway does not wait for."""
        lines = requests.get(f"{self.gateway.url}/metrics", timeout=30).text.splitlines()
        start = 'federator_site_away{service="'
        return {
            line.split('"')[1]
            for line in lines
            if line.startswith(start) and f'site="{LEAVES}"' in line and line.endswith(" 1.0")
        }


@pytest.fixture(scope="module")
def moody() -> Moody | None:
    """What stands before the Nova of the site that leaves; None: nothing does."""
    return None


@pytest.fixture(scope="module")
def world(
    lab: Path,
    commands: CommandServer,
    moody: Moody | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """One gateway, ready, and a user."""
    folder = tmp_path_factory.mktemp("missing")
    clouds = yaml.safe_load(lab.read_text())
    for site in (STAYS, LEAVES):
        admins = {"admin": True, "projects": {"Default/admin": "Default/admin"}}
        clouds["clouds"][site]["federation"] = admins
    if moody is not None:
        account = cloud(lab, LEAVES)
        moody.stand_before(account.catalog()["compute"])
        account.close()
        clouds["clouds"][LEAVES]["compute_endpoint_override"] = moody.url
    ours = folder / "sites.yaml"
    ours.write_text(yaml.safe_dump(clouds))
    with ExitStack() as stack:
        fleet = stack.enter_context(new_fleet(ours, folder))
        fleet.add()
        people = stack.enter_context(new_people(lab, (STAYS, LEAVES)))
        yield World(lab, Lab(), fleet, people, commands, folder)


@pytest.fixture(autouse=True)
def nothing_that_must_not_be(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test did: the gateways live, no token is in their logs, nothing surprised them."""
    yield
    if "world" in request.fixturenames:
        request.getfixturevalue("world").fleet.check()
