"""A site that joins where everything is to be at all sites (`sharing: eager`) gets what exists."""

from dataclasses import replace

import pytest

from idmap.desired import READ, State
from idmap.memory import MemoryIdStore
from sync.driver import Ground
from sync.leaver import Leaver
from tests.sync.test_kills import rule, subnet
from tests.sync.world import World

SITES = ("paris", "tokyo", "denver")


async def two_of_three(world: World) -> None:
    """Those that have daemons already, until nothing is to be done."""
    for _ in range(8):
        for site in ("paris", "tokyo"):
            await world.run(site)
        world.offset += 400


async def made(world: World, **hints: list[str]) -> dict[str, str]:
    """A net with a subnet, a router and a policy, and a group that names another, at two sites: by name."""
    policy = await world.make("policy", "paris", name="slow")
    vlan = {"network_type": "vlan", "physical_network": "trunk-of-paris", "segmentation_id": 2050}
    provider = {f"provider:{name}": value for name, value in vlan.items()}
    net = await world.make(
        "network", "paris", name="net", qos_policy_id=policy, **provider, **hints
    )
    behind = await subnet(world, net, 4, "10.9.0.0/24", name="v4")
    router = await world.make("router", "paris", name="r")
    world.ask("paris", "PUT", f"/routers/{router}/add_router_interface", {"subnet_id": behind})
    named = await world.make("security_group", "paris", name="named")
    group = await world.make("security_group", "paris", name="sg")
    await rule(world, group, remote_group_id=named)
    await world.stretch("paris", "network", net, "tokyo")
    await world.stretch("paris", "security_group", group, "tokyo")
    await two_of_three(world)
    return {str(each.spec.get("name")): each.global_id for each in await world.store.all()}


async def at(world: World, site: str) -> set[str]:
    """The names of what is wanted at a site."""
    return {str(e.spec.get("name") or e.kind) for e in await world.store.all() if site in e.sites}


async def test_it_gets_all_that_is_not_kept_at_certain_sites() -> None:
    world = await World(SITES, eager=True).start()
    await made(world)
    assert await at(world, "denver") == set()
    await world.settle()
    await world.check()
    assert await at(world, "denver") == await at(world, "paris")
    assert {"slow", "net", "v4", "r", "sg", "named", "router_interface"} <= await at(
        world, "denver"
    )
    # What is made a part of it later comes by itself.
    net = next(e for e in await world.store.all() if e.spec.get("name") == "net")
    late = await subnet(world, await world.local(net.global_id, "paris"), 6, "fd00::/64", "v6")
    await world.share([("subnet", late)], "paris", ["tokyo"])
    await world.settle()
    await world.check()
    assert "v6" in await at(world, "denver")


async def test_what_is_kept_at_its_sites_stays_and_so_does_what_is_nothing_without_it() -> None:
    world = await World(SITES, eager=True).start()
    await made(world, availability_zone_hints=["nova"])
    await world.settle()
    await world.check()
    # The router leads to the network; policies and groups stand for themselves.
    there = await at(world, "denver")
    assert there == {"slow", "sg", "named", "security_group_rule"}


async def test_what_is_made_again_as_a_vlan_is_kept_where_it_was() -> None:
    world = await World(SITES, eager=True).start()
    for name, hints in (("kept", ["nova"]), ("free", [])):
        net = await world.make("network", "paris", name=name, availability_zone_hints=hints)
        await world.stretch("paris", "network", net, "tokyo")
        await two_of_three(world)
        (entry,) = [e for e in await world.store.all() if e.spec["name"] == name]
        assert await world.local(entry.global_id, "paris") != net
    await world.settle()
    await world.check()
    assert await at(world, "denver") == {"free"}


@pytest.mark.parametrize("hints", [[], ["nova"]])
async def test_it_stays_also_when_its_anchor_has_left(hints: list[str]) -> None:
    world = await World(SITES, eager=True).start()
    net = await world.make("network", "paris", name="net", availability_zone_hints=hints)
    (gid,) = await world.stretch("paris", "network", net, "tokyo")
    await two_of_three(world)
    key, stay = world.keys["paris"], ["tokyo", "denver"]
    await Leaver(key, stay, world.store, world.ids, world.ledgers).leave()
    for _ in range(4):
        for site in stay:
            await world.run(site)
        world.offset += 400
    entry = await world.entry(gid)
    assert entry is not None
    assert entry.anchor == "tokyo"
    assert entry.sites == ({"tokyo"} if hints else {"tokyo", "denver"})


async def test_where_things_come_when_they_are_needed_nothing_comes_by_itself() -> None:
    world = await World(SITES).start()
    await made(world)
    await world.settle()
    assert await at(world, "denver") == set()


async def test_what_its_anchor_has_not_told_of_stays_for_now() -> None:
    world = await World(SITES, eager=True).start()
    await made(world)
    world.store._told["free"].clear()
    await world.run("denver")
    assert await at(world, "denver") == {"slow", "sg", "named", "security_group_rule"}
    await world.settle()
    await world.check()
    assert "net" in await at(world, "denver")


async def test_while_sites_are_not_read_nothing_comes() -> None:
    world = await World(SITES, eager=True).start()
    gids = await made(world)
    store = world.id_store
    world.id_store = MemoryIdStore(world.keys.values(), [("paris", READ)])
    await world.id_store.put_pins(await store.pins())
    await world.run("denver")
    assert gids
    assert await at(world, "denver") == set()


async def test_what_cannot_come_is_said_once_and_does_no_harm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = await World(SITES, eager=True).start()
    gids = await made(world)
    ground = world.ground
    bare = Ground(drivers=ground("denver").drivers)
    monkeypatch.setattr(world, "ground", lambda s: bare if s == "denver" else ground(s))
    for _ in range(6):
        for site in SITES:
            await world.run(site)
        world.offset += 400
    status = (await world.store.statuses("denver"))[gids["net"]]
    assert status.state is State.ERROR
    assert "state its physical_network in clouds.yaml" in status.error
    done = await world.run("denver")
    assert done is not None
    assert not done.again
    assert (await world.store.statuses("denver"))[gids["net"]] == replace(status)
    for site in ("paris", "tokyo"):
        for gid, each in (await world.store.statuses(site)).items():
            assert each.state is State.READY, (site, gid, each)
    # Once it has a way it comes.
    monkeypatch.undo()
    await world.settle()
    await world.check()
