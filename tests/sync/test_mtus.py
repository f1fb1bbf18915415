"""A network has the MTU that all its sites carry: the smallest of what is wanted and what they can."""

from typing import Any

import pytest

from sync.news import MTU_SECONDS
from tests.sync.world import World


async def a_world(**largest: int) -> World:
    world = await World(("paris", "tokyo", "denver")).start()
    for site, mtu in largest.items():
        world.neutrons[site].longest_vlan = mtu
    return world


async def a_network(world: World, *sites: str, **fields: Any) -> str:
    """Its global ID."""
    vlan = {"network_type": "vlan", "physical_network": "trunk-of-paris", "segmentation_id": 2000}
    provider = {f"provider:{name}": value for name, value in vlan.items()}
    net = await world.make("network", "paris", name="net", **provider, **fields)
    (gid,) = await world.stretch("paris", "network", net, *sites)
    return gid


def mtus(world: World, *sites: str) -> list[int]:
    return [net["mtu"] for site in sites for net in world.neutrons[site].all("network")]


@pytest.mark.parametrize(
    ("wanted", "expected"), [({}, 1400), ({"mtu": 1450}, 1400), ({"mtu": 1300}, 1300)]
)
async def test_the_smallest_of_what_sites_carry(wanted: dict[str, int], expected: int) -> None:
    world = await a_world(paris=9000, tokyo=1500, denver=1400)
    await a_network(world, "tokyo", "denver", **wanted)
    await world.settle()
    await world.check()
    assert mtus(world, "paris", "tokyo", "denver") == [expected] * 3


async def test_what_a_site_cannot_carry_is_no_wish_of_another_network() -> None:
    world = await a_world(paris=9000, tokyo=9000, denver=1400)
    await a_network(world, "denver")
    await world.settle()
    net = await world.make(
        "network",
        "paris",
        name="big",
        mtu=5000,
        **{
            "provider:network_type": "vlan",
            "provider:physical_network": "trunk-of-paris",
            "provider:segmentation_id": 2001,
        },
    )
    await world.stretch("paris", "network", net, "tokyo")
    await world.settle()
    await world.check()
    assert sorted(mtus(world, "tokyo")) == [5000]


async def test_a_larger_one_later_is_refused_by_the_site_that_cannot_and_lowered_for_all() -> None:
    world = await a_world(paris=9000, tokyo=1500)
    gid = await a_network(world, "tokyo", mtu=1400)
    await world.settle()
    assert mtus(world, "paris", "tokyo") == [1400, 1400]
    assert await world.change(gid, {"mtu": 8000, "name": "jumbo"})
    await world.settle()
    await world.check()
    assert mtus(world, "paris", "tokyo") == [1500, 1500]
    # When the site can carry more, a new wish is heard after a while.
    world.offset += MTU_SECONDS
    world.neutrons["tokyo"].longest_vlan = 8000
    assert await world.change(gid, {"mtu": 7000})
    await world.settle()
    assert mtus(world, "paris", "tokyo") == [7000, 7000]
