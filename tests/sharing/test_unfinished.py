"""What has come to a site in part is not there yet for those who need it."""

from tests.sync.test_kills import rule, subnet
from tests.sync.world import World


async def test_a_network_is_there_when_its_subnets_are_and_a_group_when_its_rules_are() -> None:
    world = await World().start()
    net = await world.make("network", "paris", name="net")
    await subnet(world, net, 4, "10.9.0.0/24", name="v4")
    group = await world.make("security_group", "paris", name="sg")
    await rule(world, group, protocol="tcp")
    await world.stretch("paris", "network", net, "tokyo")
    await world.stretch("paris", "security_group", group, "tokyo")
    ids = {await world.global_id("paris", local) for local in (net, group)}

    seen = []
    for _ in range(40):
        lacking = await world.wanted.unfinished(ids)
        assert lacking <= {(gid, "tokyo") for gid in ids}, "the anchor is always whole"
        there = {gid for gid in ids if await world.local(gid, "tokyo")}
        seen.append((there, lacking))
        await world.run("paris")
        await world.run("tokyo")
        world.offset += 10

    assert any(there & {gid for gid, _ in lacking} for there, lacking in seen), "in part, once"
    assert seen[-1] == (ids, set())
    assert await world.wanted.unfinished({"another"}) == set()
