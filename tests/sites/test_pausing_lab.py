"""A real site is paused and resumed under two gateways, by the API and by the command."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
import yaml

from tests.adversarial.gateways import Fleet, new_fleet
from tests.cli.command import federator, settings_file
from tests.e2e.api import Api, cloud
from tests.e2e.people import People, new_people
from tests.e2e.waiting import until
from tests.missing_site.things import boot
from tests.sites.counter import Counter

STAYS, PAUSED = "paris", "tokyo"
REASON = "new switches until nine"
NOBODYS = "0f0e0d0c-0b0a-4908-8706-050403020100"
SERVICES = ("compute", "network", "image", "block-storage", "placement")


@dataclass
class World:
    """Two gateways before two sites with counters before them; to the second one tokyo is the default."""

    fleet: Fleet
    people: People
    config: Path
    counters: dict[str, list[Counter]]
    admin_auth: dict[str, str]
    opened: list[Api] = field(default_factory=list)

    def user(self, which: int) -> Api:
        """The user at one of the gateways."""
        return self._login(self.people.auth, which)

    def admin(self, which: int) -> Api:
        """Home's admin at one of the gateways."""
        return self._login(self.admin_auth, which)

    def sent(self, site: str) -> int:
        """The bytes that were sent to a site, whoever sent them."""
        return sum(counter.sent for counter in self.counters[site])

    def _login(self, auth: dict[str, str], which: int) -> Api:
        url = f"{self.fleet.gateways[which].url}/identity/v3"
        self.opened.append(Api({**auth, "auth_url": url}, "federation"))
        return self.opened[-1]


@pytest.fixture(scope="module")
def world(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("pausing")
    clouds = yaml.safe_load(lab.read_text())
    counters: dict[str, list[Counter]] = {}
    for site in (STAYS, PAUSED):
        entry = clouds["clouds"][site]
        account = cloud(lab, site)
        urls = account.catalog()
        account.close()
        before = Counter(entry["auth"]["auth_url"])
        counters[site] = [before]
        entry["auth"]["auth_url"] = before.url
        for service in SERVICES:
            url = next(urls[name] for name in (service, "volumev3") if name in urls)
            counter = Counter(url)
            counters[site].append(counter)
            entry[f"{service.replace('-', '_')}_endpoint_override"] = counter.url
        entry["federation"] = {"admin": True, "projects": {"Default/admin": "Default/admin"}}
    ours = folder / "clouds.yaml"
    ours.write_text(yaml.safe_dump(clouds))
    often = {"readings_seconds": 2, "namesakes_seconds": 2}
    with ExitStack() as stack:
        fleet = stack.enter_context(new_fleet(ours, folder))
        fleet.add(**often)
        fleet.add(**often, default_site=PAUSED)
        people = stack.enter_context(new_people(lab, (STAYS, PAUSED)))
        settings = {"clouds": str(ours), "sites": [STAYS, PAUSED], "redis": fleet.redis.url}
        config = settings_file(folder / "federator.yaml", settings)
        auth = {k: v for k, v in clouds["clouds"]["home"]["auth"].items() if k != "auth_url"}
        world = World(fleet, people, config, counters, auth)
        yield world
        for api in world.opened:
            api.close()
        fleet.check()
    for each in counters.values():
        for counter in each:
            counter.close()


def test_a_paused_site_is_left_alone_by_everybody_and_comes_back(world: World) -> None:
    first, second = world.user(0), world.user(1)
    server = boot(first, PAUSED, "waits")["id"]
    until(lambda: _known(world, server), "the site has been read")
    numbers = first.get("compute", "/limits")["limits"]["absolute"]

    shown = _post(world, 0, "pause", {"pause": {"reason": REASON}})
    assert shown["paused"]["reason"] == REASON
    until(lambda: _paused(world, 1), "the other gateway has heard of it")
    _nothing_is_sent_to_it(world, first, second, server, numbers)

    lines = federator("site", "list", "--config", world.config).out.splitlines()
    assert [line.split()[0] for line in lines] == [STAYS, PAUSED]
    assert lines[1].split()[1] == "paused", lines
    assert REASON in lines[1], lines
    listed = until(lambda: _listed_as_up(world), "the other site answers in time")
    assert listed[PAUSED]["state"] == "paused"
    assert listed[PAUSED]["paused"]["reason"] == REASON
    assert listed[STAYS]["services"].keys() >= {"compute", "network"}

    said = federator("site", "resume", "--config", world.config, PAUSED)
    assert (said.code, said.out) == (0, f"{PAUSED}: in use again\n")
    for api in (first, second):
        until(lambda api=api: _status(api, server) == "ACTIVE", "it is in use again")
        answer = api.call("GET", "compute", "/servers/detail")
        assert "X-Federation-Missing-Sites" not in answer.headers
    assert f'federator_site_paused{{site="{PAUSED}"}} 0.0' in _metrics(world, 1)
    made = second.do("POST", "network", "/v2.0/networks", {"network": {"name": "after"}})
    assert _site_of(world, made["network"]["id"]) == PAUSED


def _listed_as_up(world: World) -> dict[str, Any]:
    said = federator("site", "list", "--config", world.config, "--json")
    listed = {each["name"]: each for each in json.loads(said.out)}
    # On a busy machine a service may take its time: then it is shown as away, and asked again here.
    return listed if listed[STAYS]["state"] == "up" else {}


def _nothing_is_sent_to_it(
    world: World, first: Api, second: Api, server: str, numbers: dict[str, int]
) -> None:
    # What was under way when the pause began comes to its end.
    until(lambda: _is_quiet(world), "nothing is under way")
    sent, others = world.sent(PAUSED), world.sent(STAYS)
    for api in (first, second):
        answer = api.call("GET", "compute", "/servers/detail")
        assert answer.headers["X-Federation-Missing-Sites"] == PAUSED
        assert {each["id"]: each["status"] for each in answer.json()["servers"]} == {
            server: "UNKNOWN"
        }
        assert _status(api, server) == "UNKNOWN"
        assert api.get("compute", "/limits")["limits"]["absolute"] == numbers
        refused = api.call(
            "POST", "compute", f"/servers/{server}/action", {"reboot": {"type": "HARD"}}
        )
        _names_the_pause(refused)
        _names_the_pause(
            api.call("POST", "network", "/v2.0/networks", {"network": {"name": "n"}}, site=PAUSED)
        )
        assert api.call("GET", "compute", f"/servers/{NOBODYS}").status_code == 404
        found = api.get("compute", "/servers?name=waits")["servers"]
        assert [each["id"] for each in found] == [server]
        assert api.call("GET", "compute", "/servers?tags=blue").status_code == 503
        _names_the_pause(api.call("DELETE", "compute", f"/servers/{server}"))
    # To the second gateway the paused site is the default one: where it has the choice it takes another.
    made = second.do("POST", "network", "/v2.0/networks", {"network": {"name": "meanwhile"}})
    assert _site_of(world, made["network"]["id"]) == STAYS
    strict = requests.get(
        f"{world.fleet.gateways[0].url}/compute/v2.1/servers",
        headers={"X-Auth-Token": first.token, "X-Federation-Strict": "true"},
        timeout=30,
    )
    assert strict.status_code == 503
    assert f'federator_site_paused{{site="{PAUSED}"}} 1.0' in _metrics(world, 1)
    young = world.fleet.add()
    login = Api({**world.people.auth, "auth_url": f"{young.url}/identity/v3"}, "federation")
    world.opened.append(login)
    assert _status(login, server) == "UNKNOWN"
    # The upkeep goes on elsewhere, every two seconds.
    before = world.sent(STAYS)
    assert before > others
    until(lambda: world.sent(STAYS) > before + 100_000, "the upkeep has gone round")
    assert world.sent(PAUSED) == sent


def _is_quiet(world: World) -> bool:
    before = world.sent(PAUSED), world.sent(STAYS)
    until(lambda: world.sent(STAYS) > before[1], "the upkeep goes on")
    return world.sent(PAUSED) == before[0]


def _names_the_pause(answer: requests.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert REASON in answer.text
    assert "has been paused since" in answer.text
    assert int(answer.headers["Retry-After"]) > 0


def _status(api: Api, server: str) -> str:
    return str(api.get("compute", f"/servers/{server}")["server"]["status"])


def _post(world: World, which: int, act: str, body: object = None) -> dict[str, dict[str, str]]:
    url = f"{world.fleet.gateways[which].url}/federation/v1/sites/{PAUSED}/{act}"
    token = world.admin(which).token
    answer = requests.post(url, json=body, headers={"X-Auth-Token": token}, timeout=30)
    assert answer.status_code == 200, answer.text
    shown: dict[str, dict[str, str]] = answer.json()["site"]
    return shown


def _ask(world: World, which: int, path: str) -> dict[str, dict[str, object]]:
    url = f"{world.fleet.gateways[which].url}/federation/v1{path}"
    answer = requests.get(url, headers={"X-Auth-Token": world.admin(which).token}, timeout=30)
    assert answer.status_code == 200, answer.text
    body: dict[str, dict[str, object]] = answer.json()
    return body


def _paused(world: World, which: int) -> bool:
    return _ask(world, which, f"/sites/{PAUSED}")["site"]["paused"] is not None


def _site_of(world: World, any_id: str) -> str:
    (site,) = _ask(world, 0, f"/ids/{any_id}")["object"]["sites"]  # type: ignore[misc]
    return str(site)


def _metrics(world: World, which: int) -> str:
    return requests.get(f"{world.fleet.gateways[which].url}/metrics", timeout=30).text


def _known(world: World, server: str) -> bool:
    """Whether a server is remembered, and the numbers of its project."""
    local = _ask(world, 0, f"/ids/{server}")["object"]["local_ids"][PAUSED]  # type: ignore[index]
    field = bytes.fromhex(str(local).replace("-", ""))
    with redis.Redis.from_url(world.fleet.redis.url) as client:
        servers = [
            client.hexists(key, field) for key in client.scan_iter("federator:rec:*:server:*")
        ]
        numbers = list(client.scan_iter("federator:sitedoc:*:numbers:*"))
    return any(servers) and len(numbers) == 2
