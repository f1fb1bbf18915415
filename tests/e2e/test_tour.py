"""The tour: every command that a tenant and an admin use, with the unmodified client, over several sites.

It is made for both sites, for both in the other order, and for each alone. Each stop looks at what came of a
command, not only at its exit status. The last stop looks at all that was recorded on the way: nothing of the
sites may have reached a client.
"""

import hashlib
import random
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest

from adapters.registry import all_quirks
from tests.e2e.estate import Holding, new_estate
from tests.e2e.exemptions import EXEMPTIONS
from tests.e2e.leaks import leaks, secrets
from tests.e2e.openstack_cli import Openstack
from tests.e2e.people import keystone_ids
from tests.e2e.waiting import until
from tests.e2e.walk import follow_ids
from tests.e2e.world import World

T = TypeVar("T")

TOPOLOGIES = (("paris", "tokyo"), ("tokyo", "paris"), ("paris",))

pytestmark = [
    pytest.mark.parametrize("world", TOPOLOGIES, indirect=True, ids="+".join, scope="module"),
    pytest.mark.timeout(400),
]


@pytest.fixture(scope="module")
def estate(world: World) -> dict[str, Holding]:
    """One of everything at each site, by site."""
    return {holding.site: holding for holding in new_estate(world)}


def name_of(kind: str) -> str:
    """A name that nobody else uses."""
    return f"{kind}-{uuid.uuid4().hex[:8]}"


def at_each(places: Iterable[T], visit: Callable[[T], None]) -> None:
    """Visit several places at the same time."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(visit, places))


PATHS = {
    "server": ("compute", "/servers"),
    "image": ("image", "/v2/images"),
    "volume": ("block-storage", "/volumes"),
    "volume snapshot": ("block-storage", "/snapshots"),
}


def becomes(world: World, kind: str, id_: str, status: str) -> dict[str, Any]:
    """The thing as the command shows it, once it has this status."""
    service, path = PATHS[kind]

    def look() -> bool:
        body = world.api.get(service, f"{path}/{id_}")
        now = str(body.get(kind.split()[-1], body)["status"]).lower()
        assert not now.startswith("error"), body
        return now == status.lower()

    until(look, f"{kind} {id_} is {status}")
    shown = world.openstack.show(*kind.split(), "show", id_)
    assert shown["status"].lower() == status.lower()
    return shown


def is_gone(openstack: Openstack, kind: str, id_: str) -> None:
    """The thing is in no list and cannot be shown any more."""
    until(lambda: id_ not in openstack.ids(*kind.split(), "list"), f"{kind} {id_} is gone")
    assert "No " in openstack.refused(*kind.split(), "show", id_)


def test_the_plain_command_works(world: World) -> None:
    command = str(Path(sys.executable).with_name("openstack"))
    env = world.openstack.env
    done = subprocess.run([command, "token", "issue"], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert world.people.project_id in done.stdout


def test_login_and_catalogue(world: World) -> None:
    issued = world.openstack.show("token", "issue")
    assert issued["project_id"] == world.people.project_id
    assert issued["user_id"] == world.people.user_id
    listed = world.openstack.rows("catalog", "list")
    types = {row["Type"] for row in listed}
    assert types >= {"identity", "compute", "network", "image", "volumev3", "placement"}
    for row in listed:
        interfaces = [endpoint["interface"] for endpoint in row["Endpoints"]]
        assert len(interfaces) == len(set(interfaces)), row
        for endpoint in row["Endpoints"]:
            assert endpoint["region_id"] == "federation"
            assert endpoint["url"].startswith(f"{world.url}/")
    shown = world.openstack.show("catalog", "show", "compute")
    assert [each["url"] for each in shown["endpoints"]] == [f"{world.url}/compute/v2.1"] * 3


def test_a_wrong_password_is_refused(world: World) -> None:
    wrong = world.login("wrong", {**world.people.auth, "password": "not it"})
    assert "HTTP 401" in wrong.refused("token", "issue")


def test_versions_are_what_every_site_has(world: World) -> None:
    rows = world.openstack.rows("versions", "show")
    assert rows
    assert {row["Region Name"] for row in rows} == {"federation"}
    assert all(row["Endpoint"].startswith(f"{world.url}/") for row in rows)
    kinds = {row["Service Type"] for row in rows}
    assert kinds == {"identity", "compute", "network", "image", "block-storage", "placement"}
    highest = []
    for api in world.site_admins.values():
        version = api.get("compute", "/")["version"]
        highest.append(tuple(int(part) for part in version["version"].split(".")))
    shown = next(row["Max Microversion"] for row in rows if row["Service Type"] == "compute")
    assert shown == ".".join(str(part) for part in min(highest))


def test_flavors(world: World) -> None:
    rows = world.openstack.rows("flavor", "list")
    names = [row["Name"] for row in rows]
    assert {"m1.nano", "m1.tiny", "m1.small"} <= set(names)
    assert len(names) == len(set(names))
    tiny = next(row for row in rows if row["Name"] == "m1.tiny")
    assert tiny["RAM"] == 512
    for wanted in ("m1.tiny", tiny["ID"]):
        shown = world.openstack.show("flavor", "show", wanted)
        assert (shown["id"], shown["name"], shown["ram"]) == (tiny["ID"], "m1.tiny", 512)


def test_keypairs(world: World, tmp_path: Path) -> None:
    openstack, name = world.openstack, name_of("key")
    secret = openstack("keypair", "create", name)
    assert "PRIVATE KEY" in secret
    imported, public = name_of("key"), tmp_path / "key.pub"
    public.write_text(openstack("keypair", "show", "--public-key", name))
    openstack("keypair", "create", "--public-key", str(public), imported)
    listed = {row["Name"]: row["Fingerprint"] for row in openstack.rows("keypair", "list")}
    assert listed.keys() >= {name, imported}
    shown = openstack.show("keypair", "show", name)
    assert shown["fingerprint"] == listed[name]
    assert shown["user_id"] == world.people.user_id
    assert "already exists" in openstack.refused("keypair", "create", name)
    openstack("keypair", "delete", name, imported)
    assert not {row["Name"] for row in openstack.rows("keypair", "list")} & {name, imported}
    openstack.refused("keypair", "show", name)


def test_images_by_command(world: World, tmp_path: Path) -> None:
    openstack, name = world.openstack, name_of("image")
    sent = tmp_path / "sent"
    sent.write_bytes(random.Random(name).randbytes(3_000_000))
    image = openstack.show("image", "create", "--file", str(sent), name)
    id_ = image["id"]
    shown = becomes(world, "image", id_, "active")
    assert shown["size"] == 3_000_000
    assert shown["checksum"] == hashlib.md5(sent.read_bytes()).hexdigest()
    assert shown["owner"] == world.people.project_id
    assert id_ in openstack.ids("image", "list")
    assert openstack.ids("image", "list", "--name", name) == [id_]
    assert openstack.show("image", "show", name)["id"] == id_
    use_image(openstack, id_, sent.read_bytes(), tmp_path)


def test_images_at_each_site(world: World, estate: dict[str, Holding], tmp_path: Path) -> None:
    openstack = world.openstack
    listed = openstack.ids("image", "list")

    def visit(holding: Holding) -> None:
        site = holding.site
        assert holding.image in listed
        assert openstack.show("image", "show", holding.name)["id"] == holding.image
        new = {"name": name_of("image"), "disk_format": "raw", "container_format": "bare"}
        image = world.api.do("POST", "image", "/v2/images", new, site=site)
        data = site.encode() * 1000
        world.api.do("PUT", "image", f"/v2/images/{image['id']}/file", data=data)
        use_image(openstack, image["id"], data, tmp_path)

    at_each(estate.values(), visit)


def use_image(openstack: Openstack, id_: str, data: bytes, folder: Path) -> None:
    """What is done with an image that is there: fetched, changed, deleted."""
    saved = folder / id_
    openstack("image", "save", "--file", str(saved), id_)
    assert saved.read_bytes() == data
    renamed = name_of("image")
    openstack("image", "set", "--name", renamed, "--property", "colour=blue", "--tag", "old", id_)
    shown = openstack.show("image", "show", renamed)
    assert shown["id"] == id_
    assert shown["properties"]["colour"] == "blue"
    assert shown["tags"] == ["old"]
    openstack("image", "unset", "--property", "colour", id_)
    assert "colour" not in openstack.show("image", "show", id_)["properties"]
    openstack("image", "delete", id_)
    is_gone(openstack, "image", id_)


def test_networks_and_subnets(world: World) -> None:
    openstack = world.openstack

    def visit(site: str) -> None:
        name, at = name_of("net"), ("--availability-zone-hint", site)
        network = openstack.show("network", "create", *at, name)
        id_ = network["id"]
        assert network["project_id"] == world.people.project_id
        assert network["availability_zone_hints"] == [site]
        cidr = ("--subnet-range", "10.77.0.0/24")
        subnet = openstack.show("subnet", "create", "--network", name, *cidr, f"{name}-sub")
        assert subnet["network_id"] == id_
        row = next(row for row in openstack.rows("network", "list") if row["ID"] == id_)
        assert row["Subnets"] == [subnet["id"]]
        rows = openstack.rows("subnet", "list", "--network", id_)
        assert [(row["ID"], row["Network"]) for row in rows] == [(subnet["id"], id_)]
        openstack("network", "set", "--name", f"{name}-2", "--description", "of e2e", id_)
        shown = openstack.show("network", "show", f"{name}-2")
        assert (shown["id"], shown["description"]) == (id_, "of e2e")
        assert shown["subnets"] == [subnet["id"]]
        openstack("subnet", "set", "--dns-nameserver", "192.0.2.1", subnet["id"])
        assert openstack.show("subnet", "show", subnet["id"])["dns_nameservers"] == ["192.0.2.1"]
        use_port(openstack, id_, subnet["id"])
        openstack("subnet", "delete", subnet["id"])
        is_gone(openstack, "subnet", subnet["id"])
        openstack("network", "delete", id_)
        is_gone(openstack, "network", id_)

    at_each(world.sites, visit)


def use_port(openstack: Openstack, network: str, subnet: str) -> None:
    """A port's life on a network."""
    name = name_of("port")
    fixed = ("--fixed-ip", f"subnet={subnet},ip-address=10.77.0.50")
    port = openstack.show("port", "create", "--network", network, *fixed, name)
    assert port["network_id"] == network
    assert port["fixed_ips"] == [{"subnet_id": subnet, "ip_address": "10.77.0.50"}]
    assert openstack.ids(
        "port", "list", "--network", network, "--fixed-ip", f"subnet={subnet}"
    ) == [port["id"]]
    openstack("port", "set", "--name", f"{name}-2", "--disable", port["id"])
    shown = openstack.show("port", "show", f"{name}-2")
    assert (shown["id"], shown["admin_state_up"]) == (port["id"], False)
    for group in shown["security_group_ids"]:
        assert openstack.show("security", "group", "show", group)["name"] == "default"
    assert "in use" in openstack.refused("network", "delete", network)
    openstack("port", "delete", port["id"])
    is_gone(openstack, "port", port["id"])


def test_routers(world: World, estate: dict[str, Holding]) -> None:
    openstack = world.openstack
    public = openstack.show("network", "show", "public")["id"]

    def visit(holding: Holding) -> None:
        site = holding.site
        name, at = name_of("router"), ("--availability-zone-hint", site)
        router = openstack.show("router", "create", *at, name)
        id_ = router["id"]
        openstack("router", "set", "--external-gateway", "public", "--name", f"{name}-2", id_)
        shown = openstack.show("router", "show", f"{name}-2")
        assert shown["id"] == id_
        assert shown["external_gateway_info"]["network_id"] == public
        subnet = world.make(
            site,
            "network",
            "/v2.0/subnets",
            "subnet",
            {"network_id": holding.network, "cidr": "10.88.0.0/24", "ip_version": 4},
        )
        openstack("router", "add", "subnet", id_, subnet["id"])
        interfaces = openstack.show("router", "show", id_)["interfaces_info"]
        assert [each["subnet_id"] for each in interfaces] == [subnet["id"]]
        assert openstack.ids("port", "list", "--router", id_) == [interfaces[0]["port_id"]]
        openstack.refused("router", "delete", id_)
        openstack("router", "remove", "subnet", id_, subnet["id"])
        openstack("subnet", "delete", subnet["id"])
        openstack("router", "unset", "--external-gateway", id_)
        assert not openstack.show("router", "show", id_)["external_gateway_info"]
        assert {id_, holding.router} <= set(openstack.ids("router", "list"))
        openstack("router", "delete", id_)
        is_gone(openstack, "router", id_)

    at_each(estate.values(), visit)


def test_floating_ips(world: World, estate: dict[str, Holding]) -> None:
    openstack = world.openstack

    def visit(holding: Holding) -> None:
        port = openstack.show("port", "create", "--network", holding.network, name_of("port"))
        # By reference: the address has to be where the port is.
        floating = openstack.show("floating", "ip", "create", "--port", port["id"], "public")
        id_ = floating["id"]
        assert floating["port_id"] == port["id"]
        assert floating["router_id"] == holding.router
        shown = openstack.show("floating", "ip", "show", floating["floating_ip_address"])
        assert shown["id"] == id_
        row = next(row for row in openstack.rows("floating", "ip", "list") if row["ID"] == id_)
        assert (row["Port"], row["Project"]) == (port["id"], world.people.project_id)
        openstack("floating", "ip", "unset", "--port", id_)
        assert openstack.show("floating", "ip", "show", id_)["port_id"] is None
        openstack("floating", "ip", "set", "--port", port["id"], "--description", "of e2e", id_)
        shown = openstack.show("floating", "ip", "show", id_)
        assert (shown["port_id"], shown["description"]) == (port["id"], "of e2e")
        openstack("floating", "ip", "delete", id_)
        is_gone(openstack, "floating ip", id_)
        openstack("port", "delete", port["id"])

    at_each(estate.values(), visit)


def test_floating_ip_of_a_server(world: World, estate: dict[str, Holding]) -> None:
    openstack = world.openstack
    for holding in estate.values():
        address = openstack.show("floating", "ip", "show", holding.floating_ip)[
            "floating_ip_address"
        ]
        openstack("server", "remove", "floating", "ip", holding.server, address)
        assert openstack.show("floating", "ip", "show", address)["port_id"] is None
        openstack("server", "add", "floating", "ip", holding.server, address)
        assert openstack.show("floating", "ip", "show", address)["port_id"] == holding.port


def test_security_groups(world: World, estate: dict[str, Holding]) -> None:
    openstack, name = world.openstack, name_of("group")
    assert "default" in [row["Name"] for row in openstack.rows("security", "group", "list")]
    made = {
        "": openstack.show("security", "group", "create", "--description", "of e2e", name)["id"]
    }
    for site in estate:
        body = {"name": f"{name}-{site}"}
        path = "/v2.0/security-groups"
        made[site] = world.make(site, "network", path, "security_group", body)["id"]
    assert set(made.values()) <= set(openstack.ids("security", "group", "list"))

    def visit(id_: str) -> None:
        ssh = ("--protocol", "tcp", "--dst-port", "22", "--remote-ip", "192.0.2.0/24")
        rule = openstack.show("security", "group", "rule", "create", *ssh, id_)
        friend = openstack.show("security", "group", "rule", "create", "--remote-group", id_, id_)
        assert rule["security_group_id"] == friend["security_group_id"] == id_
        assert friend["remote_group_id"] == id_
        rules = openstack.ids("security", "group", "rule", "list", id_)
        assert {rule["id"], friend["id"]} <= set(rules)
        shown = openstack.show("security", "group", "rule", "show", rule["id"])
        assert (shown["port_range_min"], shown["remote_ip_prefix"]) == (22, "192.0.2.0/24")
        openstack("security", "group", "rule", "delete", rule["id"])
        assert rule["id"] not in openstack.ids("security", "group", "rule", "list", id_)
        renamed = name_of("group")
        openstack("security", "group", "set", "--name", renamed, id_)
        shown = openstack.show("security", "group", "show", renamed)
        assert shown["id"] == id_
        assert friend["id"] in [each["id"] for each in shown["rules"]]
        openstack("security", "group", "delete", id_)
        is_gone(openstack, "security group", id_)

    at_each(made.values(), visit)


def test_volumes_and_snapshots(world: World, estate: dict[str, Holding]) -> None:
    openstack = world.openstack
    kinds = openstack.rows("volume type", "list")
    assert [row["Name"] for row in kinds].count("fake") == 1
    assert {
        row["Zone Name"] for row in openstack.rows("availability zone", "list", "--volume")
    } == {*world.sites}

    def visit(site: str) -> None:
        name, at = name_of("volume"), ("--availability-zone", site)
        kind = ("--type", "fake", "--property", "colour=blue")
        volume = openstack.show("volume", "create", "--size", "1", *at, *kind, name)
        id_ = volume["id"]
        shown = becomes(world, "volume", id_, "available")
        assert shown["availability_zone"] == site
        assert shown["type"] == "fake"
        assert shown["user_id"] == world.people.user_id
        assert shown["properties"] == {"colour": "blue"}
        assert {id_, estate[site].volume} <= set(openstack.ids("volume", "list"))
        openstack("volume", "set", "--name", f"{name}-2", "--property", "shape=round", id_)
        shown = openstack.show("volume", "show", f"{name}-2")
        assert shown["id"] == id_
        assert shown["properties"] == {"colour": "blue", "shape": "round"}
        snapshot = openstack.show("volume", "snapshot", "create", "--volume", id_, f"{name}-snap")
        assert snapshot["volume_id"] == id_
        becomes(world, "volume snapshot", snapshot["id"], "available")
        openstack("volume", "snapshot", "set", "--name", f"{name}-snap2", snapshot["id"])
        assert openstack.show("volume", "snapshot", "show", f"{name}-snap2")["id"] == snapshot["id"]
        assert openstack.ids("volume", "snapshot", "list", "--volume", id_) == [snapshot["id"]]
        openstack("volume", "snapshot", "delete", snapshot["id"])
        is_gone(openstack, "volume snapshot", snapshot["id"])
        openstack("volume", "delete", id_)
        is_gone(openstack, "volume", id_)

    at_each(world.sites, visit)


def test_a_server_by_zone(world: World, estate: dict[str, Holding]) -> None:
    openstack, key = world.openstack, name_of("key")
    openstack("keypair", "create", key)

    def visit(site: str) -> None:
        name = name_of("server")
        server = openstack.show(
            *("server", "create", "--flavor", "m1.tiny", "--image", "cirros"),
            *("--key-name", key, "--availability-zone", site, "--property", "colour=blue"),
            *("--nic", f"net-id={estate[site].network}", "--security-group", "default"),
            name,
        )
        id_ = server["id"]
        becomes(world, "server", id_, "ACTIVE")
        shown = openstack.show("server", "show", name)
        assert (shown["id"], shown["key_name"]) == (id_, key)
        assert shown["OS-EXT-AZ:availability_zone"] == site
        assert (shown["project_id"], shown["user_id"]) == (
            world.people.project_id,
            world.people.user_id,
        )
        assert shown["image"].startswith("cirros (")
        assert list(shown["addresses"]) == [estate[site].name]
        rows = {row["ID"]: row for row in openstack.rows("server", "list")}
        assert rows.keys() >= {id_, *(holding.server for holding in estate.values())}
        assert (rows[id_]["Image"], rows[id_]["Flavor"]) == ("cirros", "m1.tiny")
        use_server(world, id_)
        openstack("server", "delete", "--wait", id_)
        is_gone(openstack, "server", id_)

    at_each(world.sites, visit)
    openstack("keypair", "delete", key)


def use_server(world: World, id_: str) -> None:
    """What is done with a server that runs."""
    openstack = world.openstack
    openstack("server", "stop", id_)
    becomes(world, "server", id_, "SHUTOFF")
    openstack("server", "start", id_)
    becomes(world, "server", id_, "ACTIVE")
    openstack("server", "reboot", id_)
    becomes(world, "server", id_, "ACTIVE")
    openstack("server", "reboot", "--hard", id_)
    becomes(world, "server", id_, "ACTIVE")
    renamed = name_of("server")
    openstack("server", "set", "--name", renamed, "--property", "shape=round", id_)
    shown = openstack.show("server", "show", renamed)
    assert shown["id"] == id_
    assert shown["properties"] == {"colour": "blue", "shape": "round"}
    assert "FAKE CONSOLE OUTPUT" in openstack("console", "log", "show", id_)
    events = openstack.rows("server", "event", "list", id_)
    assert {row["Action"] for row in events} == {"create", "stop", "start", "reboot"}
    event = openstack.show("server", "event", "show", id_, events[-1]["Request ID"])
    assert (event["action"], event["events"][0]["result"]) == ("create", "Success")
    assert openstack.ids("port", "list", "--server", id_)


def test_a_server_by_reference(world: World, estate: dict[str, Holding]) -> None:
    openstack = world.openstack

    def visit(holding: Holding) -> None:
        site = holding.site
        nic = ("--nic", f"net-id={holding.network}")
        what = ("--flavor", "m1.nano", "--image", "cirros")
        server = openstack.show("server", "create", *what, *nic, name_of("server"))
        becomes(world, "server", server["id"], "ACTIVE")
        shown = openstack.show("server", "show", server["id"])
        assert shown["OS-EXT-AZ:availability_zone"] == site
        openstack("server", "add", "security", "group", server["id"], holding.security_group)
        groups = openstack.show("server", "show", server["id"])["security_groups"]
        assert holding.name in [group["name"] for group in groups]
        openstack("server", "remove", "security", "group", server["id"], holding.security_group)
        openstack("server", "delete", server["id"])
        is_gone(openstack, "server", server["id"])

    at_each(estate.values(), visit)


def test_a_server_by_default_and_by_plain_zone(world: World) -> None:
    openstack = world.openstack
    what = ("--flavor", "m1.nano", "--image", "cirros", "--nic", "none")
    for how in (("--wait",), ("--availability-zone", "nova")):
        server = openstack.show("server", "create", *what, *how, name_of("server"))
        shown = becomes(world, "server", server["id"], "ACTIVE")
        assert shown["OS-EXT-AZ:availability_zone"] == world.default
        openstack("server", "delete", server["id"])


def test_an_image_of_a_server(world: World, estate: dict[str, Holding]) -> None:
    openstack = world.openstack

    def visit(holding: Holding) -> None:
        name = name_of("image")
        image = openstack.show("server", "image", "create", "--name", name, holding.server)
        shown = openstack.show("image", "show", name)
        assert shown["id"] == image["id"]
        assert shown["properties"]["instance_uuid"] == holding.server
        assert shown["properties"]["user_id"] == world.people.user_id
        openstack("image", "delete", image["id"])
        is_gone(openstack, "image", image["id"])

    at_each(estate.values(), visit)


def test_contradictions_are_refused(world: World, estate: dict[str, Holding]) -> None:
    openstack = world.openstack
    what = ("--flavor", "m1.nano", "--image", "cirros")
    nowhere = ("--nic", "none", "--availability-zone", "nowhere")
    said = openstack.refused("server", "create", *what, *nowhere, name_of("server"))
    assert "availability zone" in said
    if len(world.sites) > 1:
        here, there = (estate[site] for site in world.sites)
        nic = ("--nic", f"net-id={here.network}")
        zone = ("--availability-zone", there.site)
        said = openstack.refused("server", "create", *what, *nic, *zone, name_of("server"))
        assert "400" in said
        assert "not available" in said
        more = ("--nic", f"net-id={there.network}")
        said = openstack.refused("server", "create", *what, *nic, *more, name_of("server"))
        assert "not at one site" in said
        said = openstack.refused("server", "add", "volume", here.server, there.volume)
        assert "one site" in said
        assert not [row for row in openstack.rows("server", "list") if "server-" in row["Name"]]


def test_volumes_of_a_server(world: World, estate: dict[str, Holding]) -> None:
    openstack = world.openstack

    def visit(holding: Holding) -> None:
        site = holding.site
        at = ("--availability-zone", site)
        volume = openstack.show("volume", "create", "--size", "1", *at, name_of("volume"))["id"]
        becomes(world, "volume", volume, "available")
        added = openstack.show("server", "add", "volume", holding.server, volume)
        assert (added["Server ID"], added["Volume ID"]) == (holding.server, volume)
        shown = becomes(world, "volume", volume, "in-use")
        assert [each["server_id"] for each in shown["attachments"]] == [holding.server]
        rows = openstack.rows("server", "volume", "list", holding.server)
        assert {row["Volume ID"] for row in rows} == {volume, holding.volume}
        shown = openstack.show("server", "show", holding.server)
        assert volume in str(shown["volumes_attached"])
        openstack("server", "remove", "volume", holding.server, volume)
        becomes(world, "volume", volume, "available")
        openstack("volume", "delete", volume)

    at_each(estate.values(), visit)


def test_consoles_of_a_server(world: World, estate: dict[str, Holding]) -> None:
    for holding in estate.values():
        shown = world.openstack.show("console", "url", "show", holding.server)
        assert shown["url"].startswith("http")


def test_server_groups(world: World, estate: dict[str, Holding]) -> None:
    openstack, name = world.openstack, name_of("group")
    made = {
        world.default: openstack.show("server", "group", "create", "--policy", "affinity", name)
    }
    for site in world.sites[1:]:
        body = {"name": name_of("group"), "policy": "affinity"}
        made[site] = world.api.do(
            "POST",
            "compute",
            "/os-server-groups",
            {"server_group": body},
            site=site,
            microversion="2.64",
        )["server_group"]
    assert {group["id"] for group in made.values()} <= set(openstack.ids("server", "group", "list"))
    for site, group in made.items():
        # By reference: the hint says where.
        server = openstack.show(
            *("server", "create", "--flavor", "m1.nano", "--image", "cirros", "--nic", "none"),
            *("--hint", f"group={group['id']}", name_of("server")),
        )
        shown = becomes(world, "server", server["id"], "ACTIVE")
        assert shown["OS-EXT-AZ:availability_zone"] == site
        members = openstack.show("server", "group", "show", group["id"])["members"]
        assert server["id"] in str(members)
        openstack("server", "delete", "--wait", server["id"])
        openstack("server", "group", "delete", group["id"])
        is_gone(openstack, "server group", group["id"])


def test_zones(world: World) -> None:
    zones = {row["Zone Name"] for row in world.openstack.rows("availability zone", "list")}
    assert zones == set(world.sites)


def test_limits_and_quotas(world: World, estate: dict[str, Holding]) -> None:
    openstack = world.openstack

    def limits() -> dict[str, int]:
        rows = openstack.rows("limits", "show", "--absolute")
        return {row["Name"]: row["Value"] for row in rows}

    # What was deleted a moment ago may still count.
    until(lambda: limits()["total_instances_used"] == len(estate), "one server at each site")
    seen = limits()
    # Of Cinder: a volume and a snapshot of 1 GiB at each site.
    assert (seen["total_volumes_used"], seen["total_snapshots_used"]) == (len(estate),) * 2
    assert seen["total_gigabytes_used"] == 2 * len(estate)
    apis = world.site_admins.values()
    compute = [api.get("compute", "/limits")["limits"]["absolute"] for api in apis]
    assert seen["max_total_instances"] == sum(each["maxTotalInstances"] for each in compute)
    assert seen["max_server_meta"] == min(each["maxServerMeta"] for each in compute)
    openstack("limits", "show", "--rate")
    quota = {row["Resource"]: row["Limit"] for row in openstack.rows("quota", "show")}
    assert quota["instances"] == seen["max_total_instances"]
    assert quota["volumes"] == seen["max_total_volumes"]
    network = [api.get("network", f"/v2.0/quotas/{api.project_id}")["quota"] for api in apis]
    assert quota["floating_ips"] == sum(each["floatingip"] for each in network)
    usage = {row["Resource"]: row["In Use"] for row in openstack.rows("quota", "show", "--usage")}
    assert usage["instances"] == len(estate)
    used = openstack.show("usage", "show")
    assert used["Project"] == world.people.project_id
    shown = {each["instance_id"] for each in used["Servers"]}
    assert shown >= {holding.server for holding in estate.values()}


def test_extensions(world: World) -> None:
    rows = world.openstack.rows("extension", "list", "--network")
    aliases = [row["Alias"] for row in rows]
    own = [
        {each["alias"] for each in api.get("network", "/v2.0/extensions")["extensions"]}
        for api in world.site_admins.values()
    ]
    lifted = {quirk.alias for quirk in all_quirks()["network"]}
    assert len(aliases) == len(set(aliases))
    assert set(aliases) == set.intersection(*own) | (lifted & set.union(*own))
    assert world.openstack.rows("extension", "list")


def test_subnets_of_an_older_site_say_that_they_are_external(world: World) -> None:
    api, field = world.admin_api, "router:external"
    subnets = api.get("network", "/v2.0/subnets")["subnets"]
    offered = api.call("GET", "network", "/v2.0/extensions/subnet-external-network")
    if offered.status_code == 404:
        # Nobody has it here: then nothing is computed.
        assert not any(field in each for each in subnets)
        return
    networks = api.get("network", f"/v2.0/networks?{field}=true&fields=id")["networks"]
    external = {network["id"] for network in networks}
    theirs = {each["id"] for each in subnets if each["network_id"] in external}
    found = api.get("network", f"/v2.0/subnets?{field}=true")["subnets"]
    assert {each["id"] for each in found} == theirs
    # The networks are one to a tenant, their subnets are not.
    assert len(theirs) >= len(world.sites)
    assert all(each[field] == (each["network_id"] in external) for each in subnets)
    for one in theirs:
        assert api.get("network", f"/v2.0/subnets/{one}")["subnet"][field] is True


def test_a_user_sees_himself(world: World) -> None:
    openstack = world.openstack
    assert openstack.ids("project", "list") == [world.people.project_id]
    shown = openstack.show("user", "show", world.people.user_id)
    assert shown["name"] == world.people.user


def test_application_credentials(world: World, estate: dict[str, Holding]) -> None:
    openstack, name = world.openstack, name_of("credential")
    made = openstack.show("application", "credential", "create", "--role", "member", name)
    kind = "v3applicationcredential"
    auth = {
        "application_credential_id": made["ID"],
        "application_credential_secret": made["Secret"],
    }
    machine = world.login("machine", auth, auth_type=kind)
    assert machine.show("token", "issue")["project_id"] == world.people.project_id
    assert {holding.server for holding in estate.values()} <= set(machine.ids("server", "list"))
    openstack("application", "credential", "delete", name)
    machine.refused("token", "issue")


def test_an_admin_sees_every_site(world: World, estate: dict[str, Holding]) -> None:
    admin = world.admin
    rows = admin.rows("hypervisor", "list")
    hosts = {row["Hypervisor Hostname"]: row["ID"] for row in rows}
    assert hosts.keys() == {f"{site}-host" for site in world.sites}
    for host, id_ in hosts.items():
        assert admin.show("hypervisor", "show", id_)["hypervisor_hostname"] == host
        assert admin.show("hypervisor", "show", host)["id"] == id_
    services = admin.rows("compute", "service", "list")
    assert {(row["Binary"], row["Host"]) for row in services} >= {
        ("nova-compute", host) for host in hosts
    }
    assert len({row["ID"] for row in services}) == len(services)
    agents = admin.rows("network", "agent", "list")
    assert {row["Host"] for row in agents} >= set(hosts)
    for row in agents:
        assert admin.show("network", "agent", "show", row["ID"])["host"] == row["Host"]
    servers = {
        row["ID"]: row
        for row in admin.rows(*("server", "list", "--long", "--project"), world.people.project_id)
    }
    for site, holding in estate.items():
        assert servers[holding.server]["Host"] == f"{site}-host"
        shown = admin.show("server", "show", holding.server)
        assert shown["project_id"] == world.people.project_id
        assert shown["user_id"] == world.people.user_id
    volumes = admin.rows("volume", "service", "list")
    assert {row["Zone"] for row in volumes} == set(world.sites)
    assert world.people.project_id in admin.ids("project", "list")
    assert admin.show("user", "show", world.people.user_id)["name"] == world.people.user
    quota = admin.rows("quota", "show", world.people.project_id)
    assert {row["Resource"]: row["Limit"] for row in quota}["instances"] == 10 * len(estate)


def test_quotas_are_those_of_the_federation(world: World, estate: dict[str, Holding]) -> None:
    """What is set is shown, and each site has a part of it that holds what is there."""
    project, admin = world.people.project_id, world.admin
    wanted = {
        **{"instances": 31, "cores": 43, "server-groups": 7, "ram": -1},
        **{"volumes": 23, "gigabytes": 101, "networks": 27, "floating-ips": 11},
    }
    of_one = {"key-pairs": 55, "per-volume-gigabytes": 17}
    words = [word for name, n in (wanted | of_one).items() for word in (f"--{name}", str(n))]

    def shown(*more: str) -> dict[str, int]:
        rows = admin.rows("quota", "show", *more, project)
        return {row["Resource"].replace("_", "-"): row["Limit"] for row in rows}

    before = shown()
    admin("quota", "set", *words, project)
    after = shown()
    assert after == before | wanted | of_one
    parts = [
        world.admin_api.get("compute", f"/os-quota-sets/{project}", site=site)["quota_set"]
        for site in world.sites
    ]
    assert sum(part["instances"] for part in parts) == 31
    assert all(part["key_pairs"] == 55 and part["ram"] == -1 for part in parts)
    assert max(part["instances"] for part in parts) - min(part["instances"] for part in parts) <= 1

    # One site refuses, so nothing changes at any.
    too_little = "--instances", str(len(estate) - 1)
    assert "already used" in admin.refused("quota", "set", *too_little, project)
    assert shown() == after

    admin("quota", "delete", project)
    assert shown() == before


def test_the_defaults_of_quotas_are_those_of_the_federation(world: World) -> None:
    path, api = "/os-quota-class-sets/default", world.admin_api

    def at(site: str = "") -> int:
        found = api.get("compute", path, site=site, microversion="2.50")["quota_class_set"]
        return int(found["server_groups"])

    before = {site: at(site) for site in world.sites}
    assert at() == sum(before.values())
    try:
        world.admin("quota", "set", "--class", "--server-groups", "33", "default")
        assert at() == 33
        assert sum(at(site) for site in world.sites) == 33
    finally:
        for site, number in before.items():
            body = {"quota_class_set": {"server_groups": number}}
            api.do("PUT", "compute", path, body, site=site, microversion="2.50")


def test_aggregates(world: World) -> None:
    admin = world.admin
    made = {}
    for site in world.sites:
        body = {"name": name_of(f"aggregate-{site}")}
        made[site] = world.admin_api.do(
            "POST", "compute", "/os-aggregates", {"aggregate": body}, site=site
        )["aggregate"]
    made[""] = admin.show("aggregate", "create", name_of("aggregate"))
    listed = {str(row["ID"]): row["Name"] for row in admin.rows("aggregate", "list")}
    assert len({str(each["id"]) for each in made.values()}) == len(made)
    for aggregate in made.values():
        id_ = str(aggregate["id"])
        assert listed[id_] == aggregate["name"]
        admin("aggregate", "set", "--property", "colour=blue", id_)
        shown = admin.show("aggregate", "show", id_)
        assert shown["name"] == aggregate["name"]
        assert shown["properties"] == {"colour": "blue"}
        admin("aggregate", "delete", id_)
        assert id_ not in {str(row["ID"]) for row in admin.rows("aggregate", "list")}


def test_resource_providers(world: World) -> None:
    found = world.admin_api.get("placement", "/resource_providers")["resource_providers"]
    assert {each["name"] for each in found} == {f"{site}-host" for site in world.sites}
    for provider in found:
        path = f"/resource_providers/{provider['uuid']}/inventories"
        assert "VCPU" in world.admin_api.get("placement", path)["inventories"]


def test_the_header_names_the_site(world: World) -> None:

    def visit(site: str) -> None:
        server = world.boot(site, name=name_of("server"))
        shown = becomes(world, "server", server["id"], "ACTIVE")
        assert shown["OS-EXT-AZ:availability_zone"] == site
        world.openstack("server", "delete", server["id"])

    at_each(world.sites, visit)
    body = {"volume": {"size": 1}}
    answer = world.api.call("POST", "block-storage", "/volumes", body, site="nowhere")
    assert answer.status_code == 400
    assert "nowhere" in answer.text


def test_every_id_works(world: World, estate: dict[str, Holding]) -> None:
    servers = {holding.server for holding in estate.values()}
    until(lambda: set(world.openstack.ids("server", "list")) == servers, "others are deleted")
    failures, followed = follow_ids(world.api)
    assert not failures, "\n".join(failures)
    assert followed >= 15 * len(estate)


def test_nothing_of_the_sites_has_reached_a_client(world: World) -> None:
    sites = [keystone_ids(api) for api in world.site_admins.values()]
    hidden = secrets(world.gateway, set().union(*sites), keystone_ids(world.home_api))
    assert len(hidden.ids) > 100
    assert hidden.tokens
    found, needed = leaks(world.gateway, hidden)
    # Each place once: the same leak is in hundreds of answers.
    told = {(each.exchange.method, each.place, each.what[:6]): str(each) for each in found}
    assert not found, "\n".join(told.values())
    if len(world.sites) > 1:
        assert needed == set(EXEMPTIONS), "what is never needed is no exemption"
