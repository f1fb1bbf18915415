"""Somebody plugs into a network just while it is made again as a VLAN: he is not lost, and it is said."""

from idmap.desired import State
from tests.sync.test_kills import subnet
from tests.sync.world import ALPHA, Line, Trouble, World


async def begun(world: World) -> tuple[str, str]:
    """A network with a subnet that is to come to tokyo too, both IDs; VLANs in use have been told."""
    net = await world.make("network", "paris", name="net")
    await subnet(world, net, 4, "10.9.0.0/24", name="v4")
    for site in world.sites:
        await world.run(site)
    await world.stretch("paris", "network", net, "tokyo")
    return net, await world.global_id("paris", net)


def plug(world: World, net: str) -> str:
    """A tenant's port on it at paris."""
    new = {"network_id": net, "project_id": world.project(ALPHA, "paris")}
    return str(world.ask("paris", "POST", "/ports", {"port": new})["port"]["id"])


def plugs_at(world: World, net: str, call: str, ports: list[str]) -> Line:
    """The way to paris, on which somebody plugs in just before the first such call arrives."""

    def trouble(each: str) -> Trouble | None:
        if each.startswith(call) and not ports:
            ports.append(plug(world, net))
        return None

    return Line(world.neutrons["paris"], trouble)


async def test_who_plugs_in_while_the_other_one_is_made_keeps_his_network() -> None:
    world = await World().start()
    net, gid = await begun(world)
    before = world.neutrons["paris"].kept["network"][net]["tags"]
    ports: list[str] = []
    await world.run("paris", plugs_at(world, net, "POST /v2.0/networks", ports))
    assert ports
    await world.run("paris")
    status = (await world.store.statuses("paris"))[gid]
    assert status.state is State.ERROR
    assert (
        "a vxlan network with ports cannot be stretched at this site: make one with" in status.error
    )
    assert list(world.neutrons["paris"].kept["network"]) == [net], "the other one is undone"
    assert world.neutrons["paris"].kept["network"][net]["tags"] == before
    assert await world.local(gid, "paris") == net
    # Once the port is gone it is tried again.
    world.ask("paris", "DELETE", f"/ports/{ports[0]}")
    await world.settle()
    await world.check()
    assert await world.local(gid, "paris") != net


async def test_one_that_dies_before_it_is_undone_leaves_no_second_network() -> None:
    world = await World().start()
    net, gid = await begun(world)
    ports: list[str] = []
    line = plugs_at(world, net, "POST /v2.0/networks", ports)
    plugging = line.trouble

    def trouble(call: str) -> Trouble | None:
        return plugging(call) or (Trouble.KILLED_BEFORE if call.startswith("DELETE") else None)

    line.trouble = trouble
    assert await world.run("paris", line) is None
    assert len(world.neutrons["paris"].kept["network"]) == 2
    for _ in range(3):
        await world.run("paris")
    assert list(world.neutrons["paris"].kept["network"]) == [net]
    assert await world.local(gid, "paris") == net
    assert (await world.store.statuses("paris"))[gid].state is State.ERROR


async def test_who_plugs_in_too_late_is_told_of() -> None:
    world = await World().start()
    net, gid = await begun(world)
    ports: list[str] = []
    # The subnet is made in the new one after the switch, and before the old one is taken away.
    line = plugs_at(world, net, "POST /v2.0/subnets", ports)
    for _ in range(4):
        await world.run("paris", line)
        world.offset += 40
    assert ports
    assert await world.local(gid, "paris") != net
    for _ in range(3):
        await world.run("paris")
        world.offset += 400
        status = (await world.store.statuses("paris"))[gid]
        assert status.state is State.ERROR
        assert f"is cut off: delete and make again port {ports[0]}" in status.error
    assert net in world.neutrons["paris"].kept["network"]
    world.ask("paris", "DELETE", f"/ports/{ports[0]}")
    await world.settle()
    await world.check()
    assert net not in world.neutrons["paris"].kept["network"]
