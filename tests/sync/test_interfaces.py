"""Interfaces of routers: alike at every site, wherever the MAC comes from and whoever dies."""

from collections import Counter
from uuid import UUID, uuid5

import pytest

from sync.mac import interface_mac
from tests.sync.neutron import Item
from tests.sync.world import Line, Trouble, World


def test_a_mac_is_the_same_for_ever() -> None:
    router, subnet = "5f0b9d1e-4f0c-5c56-9b3c-0d6f1c9a7a11", "0f0e0d0c-0b0a-4908-8706-050403020100"
    # Ports that were begun are found by it: it must not change from version to version.
    assert interface_mac(router, subnet) == "02:01:3b:9a:59:18"
    assert interface_mac(subnet, router) != interface_mac(router, subnet)


def test_macs_are_spread_over_all_there_are() -> None:
    ids = [str(uuid5(UUID(int=1), str(number))) for number in range(200)]
    macs = [interface_mac(router, subnet) for router in ids for subnet in ids]
    assert len(set(macs)) == len(macs)
    assert {mac[:3] for mac in macs} == {"02:"}
    for place in range(1, 6):
        counts = Counter(mac.split(":")[place] for mac in macs)
        assert len(counts) == 256
        # 156 on average; 5 sigma either way.
        assert all(94 < count < 219 for count in counts.values()), place


async def plugged(world: World) -> tuple[str, str]:
    """A router of paris on a network that also gives addresses by itself. Its local ID, and the port's."""
    vlan = {"network_type": "vlan", "physical_network": "trunk-of-paris", "segmentation_id": 2000}
    net = await world.make(
        "network", "paris", name="net", **{f"provider:{name}": each for name, each in vlan.items()}
    )
    new: Item = {"network_id": net, "ip_version": 4, "cidr": "10.9.0.0/24", "name": "v4"}
    sub = await world.make("subnet", "paris", **new)
    slaac = {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"}
    new = {"network_id": net, "ip_version": 6, "cidr": "fd00:9::/64", "name": "v6", **slaac}
    await world.make("subnet", "paris", **new)
    router = await world.make("router", "paris", name="r")
    made = world.ask("paris", "PUT", f"/routers/{router}/add_router_interface", {"subnet_id": sub})
    return router, made["port_id"]


def interfaces(world: World, site: str) -> list[Item]:
    ports = world.neutrons[site].all("port")
    return [port for port in ports if port["device_owner"] == "network:router_interface"]


async def test_a_twin_has_the_addresses_of_the_first_and_no_others() -> None:
    world = await World().start()
    router, _ = await plugged(world)
    await world.stretch("paris", "router", router, "tokyo")
    await world.settle()
    await world.check()
    (one,), (other,) = interfaces(world, "paris"), interfaces(world, "tokyo")
    assert [a["ip_address"] for a in one["fixed_ips"]] == ["10.9.0.1"]
    assert [a["ip_address"] for a in other["fixed_ips"]] == ["10.9.0.1"]
    assert one["mac_address"] == other["mac_address"]
    assert other["security_groups"] == [], "no member of a group of the tenant's"
    assert other["device_id"]


async def test_an_interface_gains_and_loses_addresses_at_every_site() -> None:
    world = await World().start()
    router, port = await plugged(world)
    await world.stretch("paris", "router", router, "tokyo")
    await world.settle()
    gid = await world.global_id("paris", port)
    (v6,) = [s for s in world.neutrons["paris"].all("subnet") if s["ip_version"] == 6]
    own = world.neutrons["paris"].kept["port"][port]["fixed_ips"]
    new = {"subnet_id": v6["id"], "ip_address": "fd00:9::1"}
    for addresses in ([*own, new], own):
        assert await world.change(gid, {"fixed_ips": addresses})
        await world.settle()
        await world.check()
        said = [each["ip_address"] for each in addresses]
        for site in world.sites:
            (there,) = interfaces(world, site)
            assert [each["ip_address"] for each in there["fixed_ips"]] == said


@pytest.mark.parametrize("deleted", [False, True])
async def test_a_port_that_was_no_interface_yet_becomes_one_or_goes(deleted: bool) -> None:
    world = await World().start()
    router, port = await plugged(world)
    await world.stretch("paris", "router", router, "tokyo")
    gid = await world.global_id("paris", port)

    def dies(call: str) -> Trouble | None:
        return Trouble.KILLED_BEFORE if "add_router_interface" in call else None

    for _ in range(12):
        await world.run("paris")
        await world.run("tokyo", Line(world.neutrons["tokyo"], dies))
        world.offset += 40
    (begun,) = interfaces(world, "tokyo")
    assert not begun["device_id"]
    if deleted:
        assert await world.remove(gid)
    await world.settle()
    await world.check()
    left = [each["id"] for each in interfaces(world, "tokyo")]
    assert left == ([] if deleted else [begun["id"]])
    assert all(each["device_id"] for each in interfaces(world, "tokyo"))
