"""All kinds by the unmodified command at two real sites, and at a third of another release that joins later."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.lab import Lab
from tests.e2e.api import Api, cloud
from tests.e2e.openstack_cli import CommandServer, Openstack
from tests.e2e.people import People, new_people
from tests.sharing.conftest import Federation, new_federation

pytestmark = [pytest.mark.lab, pytest.mark.alone, pytest.mark.timeout(900)]

FIRST, ALL = ("paris", "tokyo"), ("paris", "tokyo", "denver")
HINTS = ("--availability-zone-hint", "paris", "--availability-zone-hint", "tokyo")
SECONDS = 150


@dataclass(frozen=True)
class Stage:
    """A federation of two sites, its user's command, and what each site's own admin sees."""

    federation: Federation
    openstack: Openstack
    admin: Openstack
    """The command of somebody who may make policies in the same project."""
    people: People
    api: Api
    admins: dict[str, Api]

    def port(self, site: str, **fields: Any) -> str:
        """The ID of a new port at a site, which no command can name; what it needs has come there by then."""
        end = time.monotonic() + SECONDS
        while True:
            said = self.api.call("POST", "network", "/v2.0/ports", {"port": fields}, site=site)
            if said.ok:
                return str(said.json()["port"]["id"])
            assert said.status_code == 503, said.text
            assert time.monotonic() < end, said.text

    def there(self, path: str, keys: str, sites: tuple[str, ...]) -> dict[str, list[Any]]:
        """What sites really have of the user's project."""
        found: dict[str, list[Any]] = {}
        for site in sites:
            admin = self.admins[site]
            tag = f"federator-home-{self.people.project_id}"
            projects = admin.get("identity", f"/projects?tags={tag}")["projects"]
            mark = "&" if "?" in path else "?"
            mine = [f"/v2.0{path}{mark}project_id={each['id']}" for each in projects]
            found[site] = [item for one in mine for item in admin.get("network", one)[keys]]
        return found


@pytest.fixture(scope="module")
def stage(
    lab: Path, commands: CommandServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("third")
    with ExitStack() as stack:
        people = stack.enter_context(new_people(lab, ALL))
        # Daemons end before what is left of the user is swept at the sites.
        federation = stack.enter_context(new_federation(lab, folder, sites=list(FIRST)))
        login = {**people.auth, "auth_url": f"{federation.gateway.url}/identity/v3"}
        boss = {**login, **_with_role(lab, people, "admin")}
        clouds = {
            "clouds": {
                name: {"auth": auth, "region_name": "federation"}
                for name, auth in (("user", login), ("boss", boss))
            }
        }
        ours = folder / "client"
        ours.mkdir()
        (ours / "clouds.yaml").write_text(yaml.safe_dump(clouds))
        api = Api(login, "federation")
        stack.callback(api.close)
        admins = {site: cloud(lab, f"{site}-admin") for site in ALL}
        for admin in admins.values():
            stack.callback(admin.close)
        user, admin = (Openstack(commands, ours, name) for name in ("user", "boss"))
        yield Stage(federation, user, admin, people, api, admins)


def _with_role(lab: Path, people: People, role: str) -> dict[str, str]:
    """The login of somebody else in the same project; he goes with his domain."""
    home, name = cloud(lab, "home"), f"{role}-{people.user}"
    new = {"name": name, "domain_id": people.domain_id, "password": name}
    user = home.do("POST", "identity", "/users", {"user": new})["user"]["id"]
    (found,) = home.get("identity", f"/roles?name={role}")["roles"]
    path = f"/projects/{people.project_id}/users/{user}/roles/{found['id']}"
    home.do("PUT", "identity", path)
    home.close()
    return {"username": name, "password": name}


@pytest.fixture(scope="module")
def sites(lab: Path) -> Lab:
    """What can stop sites."""
    return Lab()


def patiently(stage: Stage, *words: str) -> None:
    """A command that works once what it needs has come, which may take longer than a request waits."""
    end = time.monotonic() + SECONDS
    while (said := stage.openstack.run(*words)).status != 0:
        assert "try again" in said.out + said.err, f"{said}"
        assert time.monotonic() < end, f"{said}"


@dataclass
class Views:
    """What these sites say of all of it."""

    stage: Stage
    sites: tuple[str, ...]
    group: str = "web"
    """The security group that they are asked of."""

    def alike(self, wanted: Callable[[dict[str, Any]], bool] = bool) -> dict[str, Any]:
        """What all say, as soon as they say the same, and it is what is wanted."""
        end = time.monotonic() + SECONDS
        while True:
            said = {site: _said(self.stage, site, self.group) for site in self.sites}
            first = said[self.sites[0]]
            if all(each == first for each in said.values()) and wanted(first):
                return first
            assert time.monotonic() < end, "\n".join(
                f"{site}: {each}" for site, each in said.items()
            )
            time.sleep(0.5)


def _said(stage: Stage, site: str, group: str) -> dict[str, Any]:
    def items(path: str, keys: str) -> list[Any]:
        return stage.there(path, keys, (site,))[site]

    groups = items(f"/security-groups?name={group}", "security_groups")
    rules = [
        (each["direction"], each["ethertype"], each["port_range_min"], each["normalized_cidr"])
        for found in groups
        for each in found["security_group_rules"]
    ]
    interfaces = items("/ports?device_owner=network:router_interface", "ports")
    return {
        "networks": sorted(each["name"] for each in items("/networks", "networks")),
        "subnets": sorted(
            (each["name"], each["cidr"], each["gateway_ip"], tuple(each["dns_nameservers"]))
            for each in items("/subnets", "subnets")
        ),
        "routers": sorted(
            (each["name"], each["admin_state_up"]) for each in items("/routers", "routers")
        ),
        "interfaces": sorted(
            (each["mac_address"], each["fixed_ips"][0]["ip_address"]) for each in interfaces
        ),
        "rules": sorted(rules, key=repr),
        "addresses": [
            sorted(each["addresses"]) for each in items("/address-groups", "address_groups")
        ],
        "policies": [
            (each["name"], [(rule["type"], rule["max_kbps"]) for rule in each["rules"]])
            for each in items("/qos/policies", "policies")
        ],
    }


def join(stage: Stage) -> None:
    """denver becomes one of the federation's sites."""
    federation = stage.federation
    federation.gateway.stop()
    for daemon in federation.daemons.values():
        daemon.stop()
    config = federation.gateway.config
    config.write_text(yaml.safe_dump({**yaml.safe_load(config.read_text()), "sites": list(ALL)}))
    federation.gateway.start()
    federation.start_daemons(ALL)


def test_every_kind_by_the_command_at_two_sites_and_then_at_three(stage: Stage) -> None:
    do = stage.openstack
    do("network", "create", "--description", "für alle", *HINTS, "span")
    do("subnet", "create", "--network", "span", "--subnet-range", "10.63.0.0/24", "four")
    v6 = ("--ip-version", "6", "--ipv6-ra-mode", "slaac", "--ipv6-address-mode", "slaac")
    do("subnet", "create", "--network", "span", *v6, "--subnet-range", "fd63:0:0:1::/64", "six")
    prefixes = ("--pool-prefix", "10.66.0.0/16", "--default-prefix-length", "24")
    do("subnet", "pool", "create", *prefixes, "prefixes")
    do("network", "create", *HINTS, "pond")
    do("subnet", "create", "--network", "pond", "--subnet-pool", "prefixes", "pooled")
    boss = stage.admin
    boss("network", "qos", "policy", "create", "slow")
    limit = ("network", "qos", "rule", "create", "--type", "bandwidth-limit", "--egress")
    boss(*limit, "--max-kbps", "3000", "slow")
    boss("network", "set", "--qos-policy", "slow", "span")
    do("router", "create", "way")
    do("router", "add", "subnet", "way", "four")
    do("router", "add", "subnet", "way", "six")
    do("address", "group", "create", "--address", "192.0.2.0/25", "friends")
    do("security", "group", "create", "web")
    rule = ("security", "group", "rule", "create", "web", "--protocol", "tcp")
    do(*rule, "--dst-port", "22", "--remote-ip", "10.1.2.3/8")
    do(*rule, "--dst-port", "80", "--remote-address-group", "friends")
    do(*rule, "--dst-port", "443", "--remote-group", "web")
    do(*rule, "--dst-port", "8080", "--ethertype", "IPv6", "--remote-ip", "2001:db8::/32")

    boot = ("server", "create", "--flavor", "m1.nano", "--image", "cirros", "--network", "span")
    boot += ("--network", "pond")
    patiently(stage, *boot, "--security-group", "web", "--availability-zone", "tokyo", "far")
    said = Views(stage, FIRST).alike()
    assert said["networks"] == ["pond", "span"]
    assert [name for name, *_ in said["subnets"]] == ["four", "pooled", "six"]
    assert said["routers"] == [("way", True)]
    assert {ip for _, ip in said["interfaces"]} == {"10.63.0.1", "fd63:0:0:1::"}
    assert len(said["rules"]) == 6
    assert said["addresses"] == [["192.0.2.0/25"]]
    assert said["policies"] == [("slow", [("bandwidth_limit", 3000)])]

    # The group that every project has everywhere has four rules of Neutron's, until it gets another.
    do("security", "group", "rule", "create", "default", "--protocol", "tcp", "--dst-port", "22")
    default = Views(stage, FIRST, "default").alike(lambda now: len(now["rules"]) == 5)["rules"]

    # What the tenant sees is one of each.
    for words in (("network",), ("subnet",), ("subnet", "pool"), ("router",), ("address", "group")):
        named = [each["Name"] for each in do.rows(*words, "list", *_own(words))]
        assert len(named) == len(set(named)), named
    assert do.show("network", "show", "span")["description"] == "für alle"

    join(stage)
    patiently(stage, *boot, "--security-group", "web", "--availability-zone", "denver", "farther")
    assert Views(stage, ALL).alike() == said
    assert Views(stage, ALL, "default").alike(lambda now: now["rules"] == default)
    named = [each["Name"] for each in do.rows("security", "group", "list")]
    assert sorted(named) == ["default", "web"]
    found = stage.there("/ports?device_owner=network:router_interface", "ports", ALL)
    for site, ports in found.items():
        for each in ports:
            print(site, each["mac_address"], [ip["ip_address"] for ip in each["fixed_ips"]])

    # What is changed is changed at all three.
    do("network", "set", "--name", "span2", "span")
    do("subnet", "set", "--dns-nameserver", "9.9.9.9", "four")
    do("router", "set", "--disable", "way")
    do("address", "group", "set", "--address", "198.51.100.0/25", "friends")
    ssh = next(
        each["ID"]
        for each in do.rows("security", "group", "rule", "list", "web")
        if each["Port Range"] == "22:22"
    )
    do("security", "group", "rule", "delete", ssh)
    do(*rule, "--dst-port", "25")
    (slow,) = boss.ids("network", "qos", "rule", "list", "slow")
    boss("network", "qos", "rule", "set", "--max-kbps", "4000", "slow", slow)

    def changed(now: dict[str, Any]) -> bool:
        return (
            now["networks"] == ["pond", "span2"]
            and now["subnets"][0][3] == ("9.9.9.9",)
            and now["routers"] == [("way", False)]
            and now["addresses"] == [["192.0.2.0/25", "198.51.100.0/25"]]
            and {each[2] for each in now["rules"]} == {None, 25, 80, 443, 8080}
            and now["policies"] == [("slow", [("bandwidth_limit", 4000)])]
        )

    Views(stage, ALL).alike(changed)

    # And what is deleted is gone at all three.
    do("server", "delete", "--wait", "far", "farther")
    do("router", "remove", "subnet", "way", "four")
    do("router", "remove", "subnet", "way", "six")
    do("router", "delete", "way")
    do("network", "delete", "span2", "pond")
    do("subnet", "pool", "delete", "prefixes")
    boss("network", "qos", "policy", "delete", "slow")
    do("security", "group", "delete", "web")
    do("address", "group", "delete", "friends")

    Views(stage, ALL).alike(lambda now: not any(now.values()))


def _own(words: tuple[str, ...]) -> tuple[str, ...]:
    """Networks of others that all may use are listed too."""
    return ("--internal",) if words == ("network",) else ()


def test_a_site_that_is_stopped_during_changes_and_deletions_catches_up(
    stage: Stage, sites: Lab
) -> None:
    do, away = stage.openstack, "denver"
    if away not in stage.federation.daemons:
        join(stage)
    hints = (*HINTS, "--availability-zone-hint", away)
    for name, cidr in (("one", "10.64.1.0/24"), ("two", "10.64.2.0/24"), ("three", "10.64.3.0/24")):
        patiently(stage, "network", "create", *hints, name)
        patiently(stage, "subnet", "create", "--network", name, "--subnet-range", cidr, name)
    for name in ("left", "kept"):
        patiently(stage, "router", "create", *hints, name)
    for name in ("gate", "gone"):
        do("security", "group", "create", name)
    one = do.show("network", "show", "one")["id"]
    groups = [do.show("security", "group", "show", name)["id"] for name in ("gate", "gone")]
    ports = [stage.port(site, network_id=one, security_groups=groups) for site in (away, "tokyo")]
    said = Views(stage, ALL, "gate").alike(
        lambda now: len(now["subnets"]) == 3 and len(now["routers"]) == 2
    )
    assert len(said["rules"]) == 2
    do("port", "delete", *ports)

    sites.stop_site(away)
    try:
        rule = ("security", "group", "rule", "create", "gate", "--protocol", "tcp")
        do(*rule, "--dst-port", "22")
        do(*rule, "--dst-port", "80")
        ssh = do.rows("security", "group", "rule", "list", "gate")
        do(
            *("security", "group", "rule", "delete"),
            next(each["ID"] for each in ssh if each["Port Range"] == "22:22"),
        )
        do("network", "set", "--name", "one again", "one")
        do("subnet", "set", "--dns-nameserver", "9.9.9.9", "one")
        do("network", "delete", "two")
        do("subnet", "delete", "three")
        do("router", "delete", "left")
        do("router", "set", "--name", "still kept", "kept")
        do("security", "group", "delete", "gone")
        do("network", "create", *hints, "new")
        named = [each["Name"] for each in do.rows("network", "list", "--internal")]
        assert sorted(named) == ["new", "one again", "three"]
    finally:
        sites.start_site(away)

    def as_without(now: dict[str, Any]) -> bool:
        return (
            now["networks"] == ["new", "one again", "three"]
            and now["subnets"] == [("one", "10.64.1.0/24", "10.64.1.1", ("9.9.9.9",))]
            and now["routers"] == [("still kept", True)]
            and {each[2] for each in now["rules"]} == {None, 80}
        )

    Views(stage, ALL, "gate").alike(as_without)
    assert not any(stage.there("/security-groups?name=gone", "security_groups", ALL).values())
    for name in ("one again", "three", "new"):
        do("network", "delete", name)
    do("router", "delete", "still kept")
    do("security", "group", "delete", "gate")
    Views(stage, ALL, "gate").alike(lambda now: not any(now.values()))
