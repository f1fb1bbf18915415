"""A tombstone stays until every site has seen it: of what a daemon died over the map knows nothing."""

from dataclasses import dataclass
from typing import Any

import pytest

from idmap.records import Record
from tests.sync.test_kills import subnet
from tests.sync.world import ALPHA, Line, Trouble, World

ONES = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
"""Where ports make their own addresses Neutron refuses any other, but for those of routers."""


async def routed(world: World) -> list[str]:
    """A network with two subnets, plugged into a router, that is to be at tokyo too."""
    vlan = {"network_type": "vlan", "physical_network": "trunk-of-paris", "segmentation_id": 2000}
    provider = {f"provider:{name}": value for name, value in vlan.items()}
    net = await world.make("network", "paris", name="net", **provider)
    four = await subnet(world, net, 4, "10.9.0.0/24", name="four")
    new = {"network_id": net, "ip_version": 6, "cidr": "fd00:9::/64", "name": "six", **ONES}
    six = await world.make("subnet", "paris", **new)
    router = await world.make("router", "paris", name="r")
    for each in (four, six):
        world.ask("paris", "PUT", f"/routers/{router}/add_router_interface", {"subnet_id": each})
    return await world.stretch("paris", "network", net, "tokyo")


async def test_twins_have_one_mac_and_one_address_in_subnets_of_both_versions() -> None:
    world = await World().start()
    ids = await routed(world)
    await world.settle()
    await world.check()
    entries = await world.store.get(ids)
    interfaces = [gid for gid, entry in entries.items() if entry.kind == "router_interface"]
    assert len(interfaces) == 2
    for gid in interfaces:
        ports = [
            world.neutrons[site].kept["port"][await world.local(gid, site)] for site in world.sites
        ]
        assert len({port["mac_address"] for port in ports}) == 1
        assert len({port["fixed_ips"][0]["ip_address"] for port in ports}) == 1
        assert {port["device_owner"] for port in ports} == {"network:router_interface"}
        assert [port["security_groups"] for port in ports] == [[], []]


@pytest.mark.parametrize("deleted", [False, True], ids=["kept", "deleted"])
async def test_one_that_was_never_attached_is_attached_or_goes(deleted: bool) -> None:
    world = await World().start()
    ids = await routed(world)
    killed: list[str] = []

    def at(call: str) -> Trouble | None:
        if call == "POST /v2.0/ports" and not killed:
            killed.append(call)
            return Trouble.KILLED_AFTER
        return None

    for _ in range(20):
        if not killed:
            await world.run("paris")
            await world.run("tokyo", Line(world.neutrons["tokyo"], at))
            world.offset += 40
    (port,) = world.neutrons["tokyo"].all("port")
    assert port["device_id"] == "", "made, and not attached"
    if deleted:
        entries = await world.store.get(ids)
        for kind in ("router_interface", "router", "network"):
            for gid, entry in entries.items():
                if entry.kind == kind:
                    assert await world.remove(gid)
    await world.settle()
    await world.check()
    assert bool(world.neutrons["tokyo"].all("port")) != deleted


@dataclass
class Forgetful(Line):
    """A line to a Neutron that has just started: it shows none of what it has."""

    async def request(
        self, method: str, service: str, path: str, *args: Any, **kwargs: Any
    ) -> tuple[int, Any]:
        status, body = await super().request(method, service, path, *args, **kwargs)
        if (method, path.partition("?")[0]) == ("GET", "/v2.0/subnets"):
            return 200, {"subnets": []}
        return status, body


async def test_a_site_that_shows_nothing_for_once_is_not_believed_to_have_deleted_anything() -> (
    None
):
    world = await World().start()
    ids = await routed(world)
    await world.settle()
    entries = await world.store.get(ids)
    gid = {entry.spec.get("name"): gid for gid, entry in entries.items()}
    interfaces = [g for g, entry in entries.items() if entry.kind == "router_interface"]
    for each in (*interfaces, gid["four"]):
        assert await world.remove(each)
        await world.run("paris")
    for _ in range(3):
        await world.run("tokyo", Forgetful(world.neutrons["tokyo"]))
    assert len(world.neutrons["tokyo"].all("subnet")) == 2
    await world.settle()
    await world.check()
    assert [each["name"] for each in world.neutrons["tokyo"].all("subnet")] == ["six"]


async def test_what_is_gone_is_not_remembered_for_when_its_site_is_away() -> None:
    world = await World().start()
    group = await world.make("security_group", "paris", name="sg")
    ids = await world.stretch("paris", "security_group", group, "tokyo")
    await world.settle()
    gid = await world.global_id("paris", group)
    assert gid in ids
    owner = world.project(ALPHA, "tokyo")
    replica = await world.local(gid, "tokyo")
    seen = [Record(each, owner, b"{}", 1) for each in (replica, "another")]
    await world.records.write("tokyo", "security_group", seen)
    assert await world.remove(gid)
    await world.settle()
    left = await world.records.read("tokyo", "security_group", None)
    assert [each.local_id for each in left] == ["another"]
