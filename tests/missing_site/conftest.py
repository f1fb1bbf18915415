"""A gateway before two real sites, one of which is stopped, frozen and brought back."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from lab.lab import Lab
from tests.adversarial.gateways import Fleet, GatewayProcess, new_fleet
from tests.e2e.api import Api, cloud
from tests.e2e.openstack_cli import CommandServer, Openstack
from tests.e2e.people import People, new_people
from tests.e2e.waiting import until
from tests.missing_site.moody import Moody

STAYS, LEAVES = "paris", "tokyo"
"""The site that is always there, and the one that is not."""


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


@dataclass(frozen=True)
class Things:
    """One of each at the site that leaves, by the ID that clients see; all with one name."""

    name: str
    server: str
    volume: str
    snapshot: str
    image: str
    network: str
    subnet: str
    port: str
    router: str
    floatingip: str
    security_group: str


def new_things(api: Api, name: str) -> Things:
    """Make them, and remember nothing of it but their IDs."""

    def made(service: str, path: str, key: str, **fields: Any) -> str:
        return str(make(api, LEAVES, service, path, key, **{"name": name, **fields})["id"])

    volume = made("block-storage", "/volumes", "volume", size=1)
    path = f"/volumes/{volume}"
    until(lambda: api.get("block-storage", path)["volume"]["status"] == "available", "a new volume")
    network = made("network", "/v2.0/networks", "network")
    cidr = {"cidr": "10.77.0.0/24", "ip_version": 4}
    external = api.get("network", "/v2.0/networks?router:external=true")["networks"][0]["id"]
    address = {"floating_network_id": external}
    image = {"name": name, "disk_format": "raw", "container_format": "bare"}
    return Things(
        name,
        boot(api, LEAVES, name)["id"],
        volume,
        made("block-storage", "/snapshots", "snapshot", volume_id=volume),
        api.do("POST", "image", "/v2/images", image, site=LEAVES)["id"],
        network,
        made("network", "/v2.0/subnets", "subnet", network_id=network, **cidr),
        made("network", "/v2.0/ports", "port", network_id=network),
        made("network", "/v2.0/routers", "router"),
        make(api, LEAVES, "network", "/v2.0/floatingips", "floatingip", **address)["id"],
        made("network", "/v2.0/security-groups", "security_group"),
    )


def make(api: Api, site: str, service: str, path: str, key: str, **fields: Any) -> Any:
    """Something new at a site."""
    return api.do("POST", service, path, {key: fields}, site=site)[key]


def boot(api: Api, site: str, name: str) -> Any:
    """A small new server at a site, without a network, when it is ACTIVE."""
    image = api.get("image", "/v2/images?name=cirros")["images"][0]["id"]
    flavors = api.get("compute", "/flavors")["flavors"]
    flavor = next(each["id"] for each in flavors if each["name"] == "m1.nano")
    body = {"name": name, "imageRef": image, "flavorRef": flavor, "networks": "none"}
    server = api.do(
        "POST", "compute", "/servers", {"server": body}, site=site, microversion="2.37"
    )["server"]["id"]

    def active() -> Any:
        shown = api.get("compute", f"/servers/{server}")["server"]
        return shown["status"] == "ACTIVE" and shown

    return until(active, "a new server")
