"""All that a test of a whole gateway has: the gateway, somebody to use it, and the command to do it with."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.api import Api, cloud
from tests.e2e.openstack_cli import CommandServer, Openstack
from tests.e2e.people import People, new_people
from tests.e2e.recording import Recorder
from tests.e2e.running import Running, running_gateway


@dataclass(frozen=True)
class World:
    """One running gateway and its user. `openstack` is the user's command, `admin` that of home's admin."""

    sites: tuple[str, ...]
    gateway: Running
    people: People
    folder: Path
    openstack: Openstack
    admin: Openstack
    api: Api
    admin_api: Api
    home_api: Api
    """Home's admin at home itself, past the gateway."""
    site_admins: dict[str, Api]
    commands: CommandServer

    @property
    def url(self) -> str:
        return self.gateway.url

    @property
    def default(self) -> str:
        """The site where things are made when nobody says where."""
        return self.sites[0]

    def login(self, name: str, auth: dict[str, Any], **entry: Any) -> Openstack:
        """One more entry in the clients' clouds.yaml, and the command of who logs in by it."""
        path = self.folder / "clouds.yaml"
        clouds = yaml.safe_load(path.read_text()) if path.exists() else {"clouds": {}}
        auth = {"auth_url": f"{self.url}/identity", **auth}
        clouds["clouds"][name] = {"auth": auth, "region_name": "federation", **entry}
        path.write_text(yaml.safe_dump(clouds))
        return Openstack(self.commands, self.folder, name)

    def make(self, site: str, service: str, path: str, key: str, body: dict[str, Any]) -> Any:
        """Something new at a site, named by the header, which no command can send."""
        return self.api.do("POST", service, path, {key: body}, site=site)[key]

    def boot(self, site: str, **fields: Any) -> Any:
        """A small new server at a site, without a network unless one is given."""
        images = self.api.get("image", "/v2/images?name=cirros")["images"]
        flavors = self.api.get("compute", "/flavors")["flavors"]
        flavor = next(each["id"] for each in flavors if each["name"] == "m1.nano")
        body = {"imageRef": images[0]["id"], "flavorRef": flavor, "networks": "none", **fields}
        # "none" for networks is understood from here on.
        return self.api.do(
            "POST", "compute", "/servers", {"server": body}, site=site, microversion="2.37"
        )["server"]


@contextmanager
def new_world(
    lab: Path, folder: Path, sites: Sequence[str], commands: CommandServer
) -> Iterator[World]:
    """A gateway for these sites, and a new user."""
    with ExitStack() as stack:
        recorder = stack.enter_context(Recorder())
        theirs, ours = folder / "gateway", folder / "client"
        theirs.mkdir()
        ours.mkdir()
        gateway = stack.enter_context(running_gateway(lab, theirs, sites, recorder))
        people = stack.enter_context(new_people(lab, tuple(sites)))
        home = yaml.safe_load(lab.read_text())["clouds"]["home"]["auth"]
        login = {"auth_url": f"{gateway.url}/identity/v3"}
        logins = {"member": {**people.auth, **login}, "admin": {**home, **login}}
        apis = [Api(auth, "federation") for auth in logins.values()]
        apis.append(cloud(lab, "home"))
        admins = {site: cloud(lab, f"{site}-admin") for site in sites}
        for each in (*apis, *admins.values()):
            stack.callback(each.close)
        member, admin = (Openstack(commands, ours, name) for name in logins)
        world = World(tuple(sites), gateway, people, ours, member, admin, *apis, admins, commands)
        for name, auth in logins.items():
            world.login(name, {**auth, "auth_url": f"{gateway.url}/identity"})
        yield world
