"""Where the stories play: a gateway before two real sites, and what is there before the first one."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml

from tests.e2e.api import Api
from tests.e2e.people import new_people
from tests.e2e.recording import Recorder
from tests.e2e.running import Running, running_gateway
from tests.stories.story import SITES, Teller


class Stage:
    """A running gateway, who asks it, and what every story knows from the start.

    url, login_url                              the gateway, and its /identity/v3
    user, user_id, password, domain             the member who asks unless it is said otherwise
    project, project_id
    token                                       of the member
    admin_project_id                            of home's admin
    long, long_header, huge                     a text of 300 letters, one of 50 kB, JSON of 2 MB
    image, flavor, external_network             what is one at both sites: cirros, m1.nano, public
    paris_network, paris_subnet, tokyo_...      a network of the project at each site; in a story about $site
                                                also $network and $subnet, and the $other_site
    """

    def __init__(self, gateway: Running, people: Any, home: dict[str, Any]) -> None:
        self.gateway = gateway
        login_url = f"{gateway.url}/identity/v3"
        self.apis = {
            "member": Api({**people.auth, "auth_url": login_url}, "federation"),
            "admin": Api({**home, "auth_url": login_url}, "federation"),
        }
        self.known = {
            "url": gateway.url,
            "login_url": login_url,
            "user": people.user,
            "user_id": people.user_id,
            "password": people.auth["password"],
            "domain": people.domain,
            "project": people.project,
            "project_id": people.project_id,
            "token": self.apis["member"].token,
            "admin_project_id": self.apis["admin"].project_id,
            "long": "x" * 300,
            "long_header": "x" * 50_000,
            "huge": '{"name": "' + "x" * 2_000_000 + '"}',
        }
        addresses = {urlsplit(each).netloc for urls in gateway.site_urls.values() for each in urls}
        self.teller = Teller(
            requests.Session(),
            gateway.url,
            {who: api.token for who, api in self.apis.items()},
            frozenset(addresses),
        )

    def set_up(self) -> None:
        """Make and find what the stories refer to."""
        member = self.apis["member"]
        flavors = member.get("compute", "/flavors?limit=100")["flavors"]
        external = member.get("network", "/v2.0/networks?router:external=true")["networks"]
        self.known |= {
            "flavor": next(each["id"] for each in flavors if each["name"] == "m1.nano"),
            "image": member.get("image", "/v2/images?name=cirros")["images"][0]["id"],
            "external_network": external[0]["id"],
        }
        for number, site in enumerate(SITES):
            body = {"network": {"name": f"standing-{site}"}}
            network = member.do("POST", "network", "/v2.0/networks", body, site=site)["network"][
                "id"
            ]
            cidr = {"network_id": network, "cidr": f"10.4{number}.0.0/24", "ip_version": 4}
            subnet = member.do("POST", "network", "/v2.0/subnets", {"subnet": cidr})["subnet"]["id"]
            self.known |= {f"{site}_network": network, f"{site}_subnet": subnet}

    def close(self) -> None:
        self.teller.http.close()
        for api in self.apis.values():
            api.close()


@pytest.fixture(scope="package")
def stage(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The stage of all stories."""
    with ExitStack() as stack:
        recorder = stack.enter_context(Recorder())
        folder = tmp_path_factory.mktemp("stories")
        gateway = stack.enter_context(running_gateway(lab, folder, SITES, recorder))
        people = stack.enter_context(new_people(lab, SITES))
        home = yaml.safe_load(lab.read_text())["clouds"]["home"]["auth"]
        stage = Stage(gateway, people, home)
        stack.callback(stage.close)
        stage.set_up()
        yield stage
