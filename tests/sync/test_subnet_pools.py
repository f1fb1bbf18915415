"""Subnets of a subnet pool at several sites: the pool is at one, and gives each prefix out once."""

import pytest

from tests.sync.world import World


@pytest.mark.parametrize("tunnel", [True, False])
async def test_only_the_anchor_knows_the_pool(tunnel: bool) -> None:
    world = await World().start()
    pool = "9" * 8 + "-9999-4999-8999-" + "9" * 12
    await world.ids.register("paris", [pool])
    vlan = {"network_type": "vlan", "physical_network": "trunk-of-paris", "segmentation_id": 2000}
    provider = {} if tunnel else {f"provider:{name}": value for name, value in vlan.items()}
    net = await world.make("network", "paris", name="net", **provider)
    new = {"network_id": net, "ip_version": 4, "cidr": "10.3.0.0/24", "subnetpool_id": pool}
    await world.make("subnet", "paris", **new)
    await world.stretch("paris", "network", net, "tokyo")
    await world.settle()
    await world.check()
    # One born in a tunnel was made again as a VLAN, and its subnet with it.
    assert (net not in world.neutrons["paris"].kept["network"]) is tunnel
    pools = {site: world.neutrons[site].all("subnet")[0]["subnetpool_id"] for site in world.sites}
    assert pools == {"paris": pool, "tokyo": None}


async def test_without_its_pool_a_lost_subnet_comes_back_all_the_same() -> None:
    world = await World().start()
    net = await world.make("network", "paris")
    new = {"network_id": net, "ip_version": 4, "cidr": "10.3.0.0/24"}
    gone = "8" * 8 + "-9999-4999-8999-" + "9" * 12
    subnet = await world.make("subnet", "paris", **new, subnetpool_id=gone)
    await world.stretch("paris", "network", net, "tokyo")
    world.ask("paris", "DELETE", f"/subnets/{subnet}")
    await world.settle()
    await world.check()
    assert [each["subnetpool_id"] for each in world.neutrons["paris"].all("subnet")] == [None]
