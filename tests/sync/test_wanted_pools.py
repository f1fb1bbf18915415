"""The tenant changes the pools of a subnet that is at two sites: the book, the sites and the marks follow."""

from dataclasses import replace
from typing import Any

from adapters.marks import pools_in
from sync.ipam.form import ranges_of
from sync.ipam.ranges import common, minus
from sync.kinds.subnet import POOLS
from sync.ledgers import read
from tests.sync.world import World

NEW = [{"start": "10.3.0.100", "end": "10.3.0.120"}]


async def a_subnet(world: World) -> tuple[str, str]:
    """Its global ID, and that of its network at paris."""
    net = await world.make("network", "paris")
    new = {"network_id": net, "ip_version": 4, "cidr": "10.3.0.0/24"}
    subnet = await world.make("subnet", "paris", **new)
    await world.stretch("paris", "network", net, "tokyo")
    await world.settle()
    return await world.global_id("paris", subnet), net


async def wants(world: World, gid: str, pools: list[dict[str, str]]) -> None:
    """What the gateway writes down when the anchor has let the tenant change it."""
    begun = await world.wanted.begin_change(gid)
    assert begun is not None
    member = world.member("subnet", "paris", await world.local(gid, "paris"))
    item: dict[str, Any] = {**member.item, "project_id": begun.project, POOLS: pools}
    await world.wanted.end_change(begun, replace(member, item=item))


async def test_sites_keep_to_the_new_pools_and_ports_keep_their_addresses() -> None:
    world = await World().start()
    gid, _ = await a_subnet(world)
    ports = {}
    for site in world.sites:
        local_net = world.neutrons[site].all("network")[0]["id"]
        new = {"port": {"network_id": local_net, "project_id": world.project("a1" * 16, site)}}
        ports[site] = world.ask(site, "POST", "/ports", new)["port"]
    await wants(world, gid, NEW)
    await world.settle()
    await world.check()
    book = await read(world.ledgers, gid)
    assert book is not None
    assert book.pools == ranges_of(NEW)
    leased = []
    for site in world.sites:
        (subnet,) = world.neutrons[site].all("subnet")
        assert pools_in(subnet["tags"]) == NEW
        there = ranges_of(subnet["allocation_pools"])
        assert there
        assert not minus(there, ranges_of(NEW))
        leased.append(there)
        # The port is outside now, and its address is nobody else's.
        kept = world.neutrons[site].kept["port"][ports[site]["id"]]["fixed_ips"]
        assert kept == ports[site]["fixed_ips"]
    assert not common(*leased)


async def test_another_change_before_the_marks_are_written_does_not_bring_the_old_ones_back() -> (
    None
):
    world = await World().start()
    gid, _ = await a_subnet(world)
    await wants(world, gid, NEW)
    assert await world.change(gid, {"name": "renamed"})
    # ... nor does one of which nobody knows how it ended.
    assert await world.change(gid, {"name": "again"}, dies_after=1)
    await world.settle()
    await world.check()
    entry = await world.entry(gid)
    assert entry is not None
    assert (entry.spec["name"], entry.spec[POOLS]) == ("again", NEW)


async def test_a_new_gateway_is_no_address_for_ports() -> None:
    world = await World().start()
    gid, _ = await a_subnet(world)
    await wants(world, gid, NEW)
    await world.settle()
    assert await world.change(gid, {"gateway_ip": "10.3.0.5"})
    await world.settle()
    await world.check()
    book = await read(world.ledgers, gid)
    assert book is not None
    assert book.gateway == ranges_of([{"start": "10.3.0.5", "end": "10.3.0.5"}])[0][0]
