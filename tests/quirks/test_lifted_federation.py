"""A gateway before 2026.2 and 2025.1: what the older one lacks and can be computed, the federation has."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import yaml

from tests.adversarial.gateways import Fleet, new_fleet
from tests.conftest import missing
from tests.e2e.api import Api, cloud
from tests.e2e.people import new_people

NEWER, OLDER = "paris", "denver"


@dataclass(frozen=True)
class World:
    """A gateway, its user and its admin, and both sites by themselves."""

    fleet: Fleet
    user: Api
    sites: dict[str, Api]

    @property
    def url(self) -> str:
        return self.fleet.gateways[0].url


@pytest.fixture(scope="module")
def world(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if OLDER not in yaml.safe_load(lab.read_text())["clouds"]:
        missing(f"the site {OLDER}; start it with python -m lab up --sites paris,tokyo,{OLDER}")
    with ExitStack() as stack:
        fleet = stack.enter_context(new_fleet(lab, tmp_path_factory.mktemp("lifted")))
        gateway = fleet.add(sites=[NEWER, OLDER])
        people = stack.enter_context(new_people(lab, (NEWER, OLDER)))
        user = Api({**people.auth, "auth_url": f"{gateway.url}/identity/v3"}, "federation")
        sites = {name: cloud(lab, f"{name}-admin") for name in (NEWER, OLDER)}
        for each in (user, *sites.values()):
            stack.callback(each.close)
        yield World(fleet, user, sites)
        fleet.check()


def test_the_federation_reaches_as_far_as_its_newest_site(world: World) -> None:
    found = {}
    for name, url in {
        **{site: api.catalog()["compute"] for site, api in world.sites.items()},
        "federation": f"{world.url}/compute/v2.1",
    }.items():
        found[name] = requests.get(f"{url}/", timeout=30).json()["version"]["version"]
    assert found == {NEWER: "2.104", OLDER: "2.100", "federation": "2.104"}
    root = requests.get(f"{world.url}/compute/", timeout=30).json()["versions"]
    assert [each["version"] for each in root] == ["2.104"]


def test_the_older_site_is_asked_as_the_newer_one(world: World) -> None:
    """Its answers are in the form and under the microversion of the newer one, and so are its refusals."""
    found = {}
    for name in (NEWER, OLDER):
        answer = world.user.call(
            "GET", "compute", "/flavors/detail", site=name, microversion="2.104"
        )
        assert answer.headers["OpenStack-API-Version"] == "compute 2.104"
        assert answer.headers["X-OpenStack-Nova-API-Version"] == "2.104"
        found[name] = {each["name"]: set(each) for each in answer.json()["flavors"]}
    assert found[OLDER] == found[NEWER]
    assert all("rxtx_factor" not in fields for fields in found[OLDER].values())
    for path in ("/os-availability-zone?foo=1", "/extensions?foo=1", "/os-volumes_boot"):
        said = [
            world.user.call("GET", "compute", path, site=name, microversion="2.104")
            for name in (NEWER, OLDER)
        ]
        assert said[0].status_code == said[1].status_code == (404 if "boot" in path else 400)
        assert said[0].json() == said[1].json()
    beyond = world.user.call("GET", "compute", "/flavors", microversion="2.105")
    assert beyond.status_code == 406


@pytest.mark.parametrize("words", ["name=m1.tiny", "name=nonsense", "", "limit=1&name=m1.tiny"])
def test_flavors_of_both_sites_are_found_by_name(world: World, words: str) -> None:
    path = f"/flavors/detail?{words}"
    ours = world.user.get("compute", path, microversion="2.104")["flavors"]
    theirs = world.sites[NEWER].get("compute", path, microversion="2.104")["flavors"]
    assert [each["name"] for each in ours] == [each["name"] for each in theirs]
    assert all(set(one) == set(other) for one, other in zip(ours, theirs, strict=True))


def test_extensions_are_those_of_both(world: World) -> None:
    lists = {
        name: {each["alias"] for each in api.get("network", "/v2.0/extensions")["extensions"]}
        for name, api in {**world.sites, "federation": world.user}.items()
    }
    assert lists["federation"] == lists[NEWER] & lists[OLDER]
    for alias in lists[NEWER] | lists[OLDER]:
        status = 200 if alias in lists["federation"] else 404
        answer = world.user.call("GET", "network", f"/v2.0/extensions/{alias}")
        assert answer.status_code == status, alias
        if status == 200:
            assert answer.json()["extension"]["alias"] == alias
    own = world.user.get("network", "/v2.0/extensions", site=NEWER)["extensions"]
    assert {each["alias"] for each in own} == lists[NEWER]
    for service, path in (("compute", "/extensions"), ("block-storage", "/extensions")):
        listed = {each["alias"] for each in world.user.get(service, path)["extensions"]}
        assert listed == {
            each["alias"] for each in world.sites[OLDER].get(service, path)["extensions"]
        }
        shown = world.user.get(service, f"{path}/{min(listed)}")["extension"]
        assert shown["alias"] == min(listed)
        assert world.user.call("GET", service, f"{path}/nonsense").status_code == 404
