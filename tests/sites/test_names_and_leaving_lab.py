"""A real site gets another name, and later its neighbour leaves: what clients have noted stays good."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.adversarial.gateways import Fleet, GatewayProcess, new_fleet
from tests.cli.command import federator, settings_file
from tests.e2e.api import Api
from tests.e2e.people import People, new_people
from tests.e2e.running import free_port
from tests.e2e.waiting import until
from tests.missing_site.things import boot

LEAVES, OLD, NEW = "paris", "tokyo", "edo"
LISTS = {
    "servers": ("compute", "/servers", "servers"),
    "flavors": ("compute", "/flavors", "flavors"),
    "images": ("image", "/v2/images", "images"),
    "networks": ("network", "/v2.0/networks", "networks"),
    "types": ("block-storage", "/types", "volume_types"),
}
Seen = dict[str, dict[str, str]]
"""Kind -> ID -> name."""


@dataclass
class World:
    """A federation whose settings change."""

    folder: Path
    clouds: dict[str, Any]
    fleet: Fleet
    people: People
    first: Path = Path()
    """The settings in the beginning."""
    seen: Seen = field(default_factory=dict)
    """What the user saw in the beginning."""
    network: str = ""
    """A network at the site that gets a new name."""
    theirs: str = ""
    """One at the site that leaves."""
    group: str = ""
    """A security group that spans both sites, with its anchor at the one that leaves."""
    opened: list[Api] = field(default_factory=list)

    @property
    def member(self) -> Api:
        """The user at the gateway of the beginning."""
        return self.opened[0]

    def settings(self, name: str, sites: list[str], **entries: Any) -> Path:
        """A settings file, and a clouds.yaml with these entries instead of what is there."""
        clouds = {"clouds": {**self.clouds["clouds"], **entries}}
        (self.folder / f"{name}-clouds.yaml").write_text(yaml.safe_dump(clouds))
        settings = {"clouds": f"{name}-clouds.yaml", "sites": sites, "redis": self.fleet.redis.url}
        # What others keep alike at these sites is none of this one's.
        settings["federation"] = self.people.domain
        return settings_file(self.folder / f"{name}.yaml", settings)

    def gateway(self, config: Path) -> GatewayProcess:
        """A gateway with these settings."""
        settings = yaml.safe_load(config.read_text())
        settings["clouds"] = str(self.folder / settings["clouds"])
        return self.fleet.add(**{**settings, "namesakes_seconds": 3, "readings_seconds": 5})

    def user(self, gateway: GatewayProcess) -> Api:
        """The user, logged in there."""
        auth = {**self.people.auth, "auth_url": f"{gateway.url}/identity/v3"}
        self.opened.append(Api(auth, "federation"))
        return self.opened[-1]

    def stop_last(self) -> None:
        """The newest gateway is stopped."""
        self.fleet.check()
        self.fleet.gateways.pop().stop()


@pytest.fixture(scope="module")
def world(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("names")
    clouds = yaml.safe_load(lab.read_text())
    with new_fleet(lab, folder) as fleet, new_people(lab, (LEAVES, OLD)) as people:
        world = World(folder, clouds, fleet, people)
        world.first = world.settings("first", [LEAVES, OLD])
        api = world.user(world.gateway(world.first))
        boot(api, OLD, "stays")
        made = {
            site: api.do(
                "POST", "network", "/v2.0/networks", {"network": {"name": site}}, site=site
            )
            for site in (LEAVES, OLD)
        }
        world.theirs, world.network = (made[site]["network"]["id"] for site in (LEAVES, OLD))
        world.group = _spanning(world, api)
        world.seen = until(lambda: _settled(api), "what is equal is one") or {}
        yield world
        for api in world.opened:
            api.close()
        fleet.check()


def test_a_new_name_changes_no_id(world: World) -> None:
    before, seen, network = world.member, world.seen, world.network
    renamed = _renamed(world, world.first)
    second = world.settings("second", [LEAVES, NEW], **renamed)
    after = world.user(world.gateway(second))
    assert _seen(after) == seen
    _all_are_there(after, seen)
    assert _zones(after) == {LEAVES, NEW}
    _changed_everywhere(world, after, second, NEW)
    # Those that have not been restarted yet go on as well.
    assert _seen(before) == seen
    world.stop_last()
    _last_known_under_the_new_name(world, renamed, network)
    world.stop_last()
    assert "is taken" in _refused(second, "rename", NEW, LEAVES)
    assert "cannot be a name" in _refused(second, "rename", NEW, "a/b")
    assert "there is no site" in _refused(second, "rename", "atlantis", "b")


def test_a_site_leaves_and_what_it_shared_keeps_its_ids(world: World) -> None:
    seen = world.seen
    alone = world.settings("alone", [OLD])
    assert f"{LEAVES} is still one of sites" in _refused(world.first, "remove", LEAVES, "--yes")
    assert "atlantis" in _refused(alone, "remove", "atlantis", "--yes")
    assert "home" in _refused(alone, "remove", "home", "--yes")
    shown = federator("site", "remove", "--config", alone, LEAVES)
    assert "Nothing has been done yet" in shown.out
    assert re.search(r"its part in [1-9]\d* things that other sites have too", shown.out)
    assert f"3 of them had their anchor here: it moves to {OLD}" in shown.out
    assert _seen(world.member) == seen
    world.stop_last()
    # Between the restart and the removal nobody can change what has its anchor there.
    between = world.user(world.gateway(alone))
    path, new = f"/v2.0/security-groups/{world.group}", {"security_group": {"name": "x"}}
    shown = between.get("network", path)["security_group"]
    assert (shown["id"], shown["description"]) == (world.group, f"of {NEW}")
    refused = between.call("PUT", "network", path, new)
    assert refused.status_code == 503, refused.text
    assert "none of sites in federator.yaml" in refused.text
    world.stop_last()
    said = federator("site", "remove", "--config", alone, LEAVES, "--yes")
    assert (said.code, said.err) == (0, "")
    assert said.out.endswith(f"{LEAVES} has left.\n")
    again = federator("site", "remove", "--config", alone, LEAVES).out
    assert "0 IDs of its objects" in again
    assert "its part in 0 things" in again

    left = world.user(world.gateway(alone))
    for _ in range(2):
        now = _seen(left)
        for kind, ids in now.items():
            # What both had is still there under the ID that came from the one that left.
            assert ids.items() <= seen[kind].items()
        for kind in ("servers", "flavors", "images", "types"):
            assert now[kind] == seen[kind]
        _all_are_there(left, now)
        # A look at what is equal is taken meanwhile, several times.
        body = {"network": {"name": "later"}}
        later = left.do("POST", "network", "/v2.0/networks", body)["network"]["id"]
        until(lambda later=later: later in _seen(left)["networks"], "a new network is shown")
        left.do("DELETE", "network", f"/v2.0/networks/{later}")
    assert world.theirs in seen["networks"]
    gone = left.call("GET", "network", f"/v2.0/networks/{world.theirs}")
    assert gone.status_code == 404
    assert _changed_everywhere(world, left, alone, OLD)["anchor"] == OLD


def test_a_site_that_comes_back_takes_up_what_it_has(world: World) -> None:
    api = world.user(world.gateway(world.first))
    replicas = f"{world.fleet.gateways[-1].url}/federation/v1/replicas/{world.group}"

    def both() -> bool:
        answer = api.call("GET", "network", replicas)
        sites = [each["site"] for each in answer.json()["object"]["replicas"]] if answer.ok else []
        return sorted(sites) == [LEAVES, OLD]

    until(both, "the site has been read")
    assert _changed_everywhere(world, api, world.first, OLD, LEAVES)["anchor"] == OLD


def _refused(config: Path, *words: str) -> str:
    return federator("site", *words, "--config", config).complaint


def _spanning(world: World, api: Api) -> str:
    """Two groups that are alike become one."""
    path, new = "/v2.0/security-groups", {"security_group": {"name": "web"}}
    made = {s: api.do("POST", "network", path, new, site=s) for s in (LEAVES, OLD)}
    ids = {site: str(each["security_group"]["id"]) for site, each in made.items()}
    words = ("adopt", "security_group", ids[LEAVES], "--with", ids[OLD])
    said = federator(*words, "--config", world.first)
    assert (said.code, said.err) == (0, "")
    return ids[LEAVES]


def _changed_everywhere(world: World, api: Api, config: Path, *sites: str) -> dict[str, Any]:
    """The group is changed, and its daemons take that to these sites. How it is then."""
    path = f"/v2.0/security-groups/{world.group}"
    replicas = f"{world.fleet.gateways[-1].url}/federation/v1/replicas/{world.group}"
    before = api.get("network", replicas)["object"]["generation"]
    new = {"security_group": {"description": f"of {' and '.join(sites)}"}}
    api.do("PUT", "network", path, new)
    for site in sites:
        said = federator("apply", "--site", site, "--config", config)
        assert said.code == 0, said
    shown: dict[str, Any] = api.get("network", replicas)["object"]
    assert shown["generation"] == before + 1
    states = {each["site"]: (each["state"], each["generation"]) for each in shown["replicas"]}
    for site in sites:
        assert states[site] == ("ready", before + 1), shown
    return shown


def _renamed(world: World, config: Path) -> dict[str, Any]:
    """The entry of clouds.yaml, made by the steps that the command says."""
    said = federator("site", "rename", "--config", config, OLD, NEW)
    assert (said.code, said.err) == (0, "")
    block = said.out.partition("     federation:\n")[2].partition("2. In")[0]
    federation = yaml.safe_load(block)
    assert f"sites: [{LEAVES}, {NEW}]" in said.out
    return {NEW: {**world.clouds["clouds"][OLD], "federation": federation}}


def _last_known_under_the_new_name(world: World, renamed: dict[str, Any], network: str) -> None:
    """A gateway that cannot ask the site, and has never known it by another name."""
    entry = renamed[NEW]
    auth = {**entry["auth"], "auth_url": f"http://127.0.0.1:{free_port()}/v3"}
    config = world.settings("dead", [LEAVES, NEW], **{NEW: {**entry, "auth": auth}})
    api = world.user(world.gateway(config))
    answer = api.call("GET", "network", f"/v2.0/networks?name={OLD}")
    assert answer.headers["X-Federation-Missing-Sites"] == NEW
    assert [each["id"] for each in answer.json()["networks"]] == [network]


def _seen(api: Api) -> Seen:
    found: Seen = {}
    for kind, (service, path, keys) in LISTS.items():
        answer = api.call("GET", service, path)
        assert answer.status_code == 200
        assert "X-Federation-Missing-Sites" not in answer.headers
        found[kind] = {each["id"]: each["name"] for each in answer.json()[keys]}
    return found


def _settled(api: Api) -> Seen | None:
    """All there is, once the things that both sites have are one."""
    seen = _seen(api)
    names = [*seen["images"].values(), *seen["flavors"].values(), *seen["types"].values()]
    return seen if len(names) == len(set(names)) else None


def _all_are_there(api: Api, seen: Seen) -> None:
    for kind, ids in seen.items():
        service, path, _ = LISTS[kind]
        for each in ids:
            answer = api.call("GET", service, f"{path}/{each}")
            assert answer.status_code == 200, f"{kind} {each}: {answer.text}"


def _zones(api: Api) -> set[str]:
    shown = api.get("compute", "/os-availability-zone")["availabilityZoneInfo"]
    return {each["zoneName"] for each in shown}
