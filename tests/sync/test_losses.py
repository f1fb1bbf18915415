"""What is lost at its anchor before the daemons have decided anything about it comes back all the same."""

import pytest

from tests.sync.world import World


@pytest.mark.parametrize("lost", ["subnet", "network"])
async def test_lost_before_anything_was_decided(lost: str) -> None:
    world = await World().start()
    net = await world.make("network", "paris")
    new = {"network_id": net, "ip_version": 4, "cidr": "10.3.0.0/24"}
    subnet = await world.make("subnet", "paris", **new)
    await world.stretch("paris", "network", net, "tokyo")
    path = {"subnet": f"/subnets/{subnet}", "network": f"/networks/{net}"}[lost]
    world.ask("paris", "DELETE", path)
    await world.settle()
    await world.check()
    for neutron in world.neutrons.values():
        assert len(neutron.all("network")) == len(neutron.all("subnet")) == 1


async def test_a_group_that_comes_back_lets_nothing_out_that_its_tenant_has_forbidden() -> None:
    world = await World().start()
    group = await world.make("security_group", "paris", name="closed")
    for rule in list(world.neutrons["paris"].all("security_group_rule")):
        if rule["security_group_id"] == group:
            world.ask("paris", "DELETE", f"/security-group-rules/{rule['id']}")
    (gid,) = await world.stretch("paris", "security_group", group, "tokyo")
    await world.settle()
    world.ask("paris", "DELETE", f"/security-groups/{group}")
    await world.settle()
    await world.check()
    for site, neutron in world.neutrons.items():
        local_id = await world.local(gid, site)
        rules = neutron.all("security_group_rule")
        assert not [each for each in rules if each["security_group_id"] == local_id]
