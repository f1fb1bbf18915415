"""``web@tokyo``: of several things of one name, that of tokyo. By the unmodified command and in plain HTTP."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from tests.adversarial.client import Login
from tests.e2e.openstack_cli import CommandServer, Openstack
from tests.lists.conftest import Estate

pytestmark = pytest.mark.lab

KINDS = {
    "server": ("compute", "/servers"),
    "network": ("network", "/networks"),
    "security_group": ("network", "/security-groups"),
    "image": ("image", "/images"),
    "volume": ("volume", "/volumes"),
    "snapshot": ("volume", "/snapshots"),
}
TWO = ("paris", "tokyo")


@dataclass(frozen=True)
class Namesakes:
    """One of each kind at both sites, all called ``web``, of a project that has nothing else."""

    login: Login
    ids: dict[tuple[str, str], str]
    """(kind, site) -> the ID."""
    openstack: Openstack

    async def make(self, kind: str, site: str, name: str, **fields: Any) -> str:
        """One more thing; its ID."""
        service, path = KINDS[kind]
        body: dict[str, Any] = {"name": name, **fields}
        wrapped = body if kind == "image" else {kind: body}
        version = "2.37" if kind == "server" else ""
        made = await self.login.do("POST", service, path, wrapped, site=site, version=version)
        return str((made if kind == "image" else made[kind])["id"])

    async def settled(self, kind: str, made: str, status: str) -> str:
        """The same ID, when it has this status."""
        service, path = KINDS[kind]
        for _ in range(120):
            if (await self.login.get(service, f"{path}/{made}"))[kind]["status"] == status:
                return made
            await asyncio.sleep(0.5)
        raise AssertionError(f"{kind} is not {status}")


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def namesakes(
    estate: Estate, commands: CommandServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Namesakes]:
    """They are made, and go with the project."""
    await estate.realm.project("beta")
    await estate.realm.grant("alice", "beta", "member")
    command = estate.command(commands, tmp_path_factory.mktemp("names"), "beta")
    login = await estate.realm.login("alice", "beta")
    found = Namesakes(login, {}, command)
    cirros = (await login.get("image", "/images?name=cirros"))["images"][0]["id"]

    async def make_all(site: str) -> None:
        each = found.ids
        each["network", site] = await found.make("network", site, "web")
        cidr = {"cidr": "10.9.0.0/24", "ip_version": 4, "network_id": each["network", site]}
        await login.do("POST", "network", "/subnets", {"subnet": cidr})
        each["security_group", site] = await found.make("security_group", site, "web")
        each["image", site] = await found.make("image", site, "web")
        volume = await found.make("volume", site, "web", size=1)
        server = await found.make(
            "server", site, "web", imageRef=cirros, flavorRef="1", networks="none"
        )
        each["volume", site] = await found.settled("volume", volume, "available")
        each["server", site] = await found.settled("server", server, "ACTIVE")
        each["snapshot", site] = await found.make("snapshot", site, "web", volume_id=volume)

    await asyncio.gather(*(make_all(site) for site in TWO))
    yield found


@pytest.mark.parametrize("kind", KINDS)
async def test_the_command_shows_one_of_two(namesakes: Namesakes, kind: str) -> None:
    words = {"security_group": ("security", "group"), "snapshot": ("volume", "snapshot")}
    command = (*words.get(kind, (kind,)), "show")

    for site in TWO:
        shown = await asyncio.to_thread(namesakes.openstack.show, *command, f"web@{site}")
        assert (shown["name"], shown["id"]) == ("web", namesakes.ids[kind, site])
    refused = await asyncio.to_thread(namesakes.openstack.refused, *command, "web")
    assert "More than one" in refused
    refused = await asyncio.to_thread(namesakes.openstack.refused, *command, "nobody@tokyo")
    assert "No " in refused


@pytest.mark.parametrize("kind", KINDS)
async def test_a_list_by_such_a_name_is_of_that_site(namesakes: Namesakes, kind: str) -> None:
    service, path = KINDS[kind]

    for name in ("web@tokyo", "web%40tokyo", *(["^web@tokyo$"] if kind == "server" else [])):
        body = await namesakes.login.get(service, f"{path}?name={name}")
        assert [each["id"] for each in body[path[1:].replace("-", "_")]] == [
            namesakes.ids[kind, "tokyo"]
        ]
    answer = await namesakes.login.ask("GET", service, f"{path}?name=web@tokyo", site="paris")
    assert answer.json[path[1:].replace("-", "_")] == []


async def test_pages_of_such_a_list_are_linked_as_they_were_asked_for(
    namesakes: Namesakes,
) -> None:
    more = [await namesakes.make("network", "tokyo", "many") for _ in range(3)]
    await namesakes.make("network", "paris", "many")
    seen, query = [], "name=many@tokyo&limit=2"
    while query:
        body = await namesakes.login.get("network", f"/networks?{query}")
        seen += [each["id"] for each in body["networks"]]
        links = [each["href"] for each in body.get("networks_links", []) if each["rel"] == "next"]
        query = links[0].partition("?")[2] if links and body["networks"] else ""
        assert not query or "name=many@tokyo" in query

    assert sorted(seen) == sorted(more)
    several = await namesakes.login.ask("GET", "network", "/networks/many@tokyo")
    assert several.status == 409
    assert b"choose one by its ID" in several.raw


async def test_what_is_really_called_so_wins(namesakes: Namesakes) -> None:
    await namesakes.make("network", "tokyo", "odd")
    real = await namesakes.make("network", "paris", "odd@tokyo")

    body = await namesakes.login.get("network", "/networks?name=odd@tokyo")
    assert [each["id"] for each in body["networks"]] == [real]
    # As with any name: it is no ID.
    assert (await namesakes.login.ask("GET", "network", "/networks/odd@tokyo")).status == 404
    shown = await asyncio.to_thread(namesakes.openstack.show, "network", "show", "odd@tokyo")
    assert shown["id"] == real


async def test_a_new_server_is_made_of_what_such_names_mean(namesakes: Namesakes) -> None:
    words = {"image": "cirros", "flavor": "m1.nano", "network": "web", "security-group": "web"}
    options = [word for name, value in words.items() for word in (f"--{name}", f"{value}@tokyo")]
    create = ("server", "create", *options, "by-command")
    made = await asyncio.to_thread(namesakes.openstack.show, *create)
    await _made_of_what_is_at_tokyo(namesakes, made["id"])

    body = {
        "name": "by-body",
        "imageRef": "cirros@tokyo",
        "flavorRef": "m1.nano@tokyo",
        "networks": [{"uuid": "web@tokyo"}],
        "security_groups": [{"name": "web@tokyo"}],
    }
    made = await namesakes.login.do("POST", "compute", "/servers", {"server": body})
    await _made_of_what_is_at_tokyo(namesakes, made["server"]["id"])


async def _made_of_what_is_at_tokyo(namesakes: Namesakes, server: str) -> None:
    await namesakes.settled("server", server, "ACTIVE")
    ports = (await namesakes.login.get("network", f"/ports?device_id={server}"))["ports"]
    assert [each["network_id"] for each in ports] == [namesakes.ids["network", "tokyo"]]
    assert ports[0]["security_groups"] == [namesakes.ids["security_group", "tokyo"]]


async def test_changes_by_such_a_name_are_of_that_one(namesakes: Namesakes) -> None:
    await asyncio.to_thread(namesakes.openstack, "volume", "set", "--name", "new", "web@tokyo")
    await asyncio.to_thread(namesakes.openstack, "server", "delete", "--wait", "web@paris")

    left = (await namesakes.login.get("compute", "/servers?name=^web$"))["servers"]
    assert [each["id"] for each in left] == [namesakes.ids["server", "tokyo"]]
    for name, site in (("web", "paris"), ("new", "tokyo")):
        volumes = (await namesakes.login.get("volume", f"/volumes?name={name}"))["volumes"]
        assert [each["id"] for each in volumes] == [namesakes.ids["volume", site]]


async def test_nobody_has_the_sites_asked_for_ever_so_many_names(namesakes: Namesakes) -> None:
    many = "&".join(f"name=n{number}@tokyo" for number in range(50))
    answer = await namesakes.login.ask("GET", "network", f"/networks?{many}")
    assert answer.status == 400
