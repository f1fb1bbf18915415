"""Groups that two sites have, each its own, become one, and are each site's own again."""

from typing import Any

import pytest

from adapters.marks import marks_of
from sync.adopter import Adopter
from sync.adopting import Unadoptable
from sync.cloud import Cloud
from sync.registry import kind_of
from tests.sync.world import BETA, Line, World


async def a_group(world: World, site: str, *ports: int, **fields: Any) -> str:
    group = await world.make("security_group", site, **{"name": "web", **fields})
    for port in ports:
        said = {"direction": "ingress", "protocol": "tcp"}
        said |= {"port_range_min": port, "port_range_max": port}  # type: ignore[dict-item]
        await world.make("security_group_rule", site, security_group_id=group, **said)
    own = {"direction": "ingress", "remote_group_id": group}
    await world.make("security_group_rule", site, security_group_id=group, **own)
    return group


def adopter(world: World, *sites: str) -> Adopter:
    lines = {site: Line(world.neutrons[site]) for site in sites or world.sites}
    return Adopter(
        world.store,
        world.ids,
        {s: (Cloud(line), world.tongue(s)) for s, line in lines.items()},  # type: ignore[arg-type]
    )


async def adopted(world: World, *names: str, kind: str = "security_group") -> str:
    there = adopter(world)
    new = await there.look(kind_of(kind), names)
    await there.adopt(new)
    return new.entries[-1].global_id


async def test_two_groups_that_are_alike_become_one_and_nothing_but_marks_is_written() -> None:
    world = await World().start()
    groups = {site: await a_group(world, site, 22, 80) for site in world.sites}
    own = await world.global_id("paris", groups["paris"])
    other = await world.global_id("tokyo", groups["tokyo"])
    before = {site: rules(world, site, groups[site]) for site in world.sites}
    gid = await adopted(world, "web@paris", "web@tokyo")
    assert gid == own
    await world.settle()
    await world.check()
    for site in world.sites:
        assert await world.local(gid, site) == groups[site]
        assert rules(world, site, groups[site]) == before[site]
        marks = marks_of(world.neutrons[site].kept["security_group"][groups[site]])
        assert marks is not None
        assert marks.anchor == (site == "paris")
    # The ID that the other one had leads to it.
    place = (await world.ids.locate([other])).found[other]
    assert world.ids.pins.global_of("security_group", place.site, place.local_id) == gid
    # From now on they are one.
    assert await world.change(gid, {"description": "both"})
    await world.settle()
    await world.check()
    assert {
        world.neutrons[s].kept["security_group"][groups[s]]["description"] for s in world.sites
    } == {"both"}


def rules(world: World, site: str, group: str) -> set[str]:
    found = world.neutrons[site].all("security_group_rule")
    return {rule["id"] for rule in found if rule["security_group_id"] == group}


async def refusal(world: World, *names: str) -> str:
    with pytest.raises(Unadoptable) as refused:
        await adopted(world, *names)
    assert not await world.store.all()
    return str(refused.value)


async def test_what_differs_is_named_and_nothing_is_done() -> None:
    world = await World().start()
    await a_group(world, "paris", 22, 80)
    await a_group(world, "tokyo", 22, description="other", stateful=False)
    said = await refusal(world, "web@paris", "web@tokyo")
    assert "is at paris and not at tokyo" in said
    assert "description is '' at paris and 'other' at tokyo" in said
    assert "stateful is True at paris and False at tokyo" in said


async def test_what_cannot_be_adopted() -> None:
    world = await World().start()
    group = await a_group(world, "paris")
    await a_group(world, "tokyo")
    assert (
        await refusal(world, "web@paris", "gone@tokyo")
        == "0 of security_groups are called gone@tokyo"
    )
    assert "has another one" in await refusal(world, "web@paris", group)
    await a_group(world, "paris", name="theirs", project=BETA)
    theirs = await refusal(world, "theirs@paris", "web@tokyo")
    assert "project_id is" in theirs
    assert "name is 'theirs' at paris and 'web' at tokyo" in theirs
    await adopted(world, "web@paris", "web@tokyo")
    with pytest.raises(Unadoptable, match=r"in a federation's care|is one with"):
        await adopted(world, "web@paris", "web@tokyo")


async def test_who_died_over_it_does_it_again() -> None:
    world = await World().start()
    for site in world.sites:
        await a_group(world, site, 22)
    there = adopter(world)
    new = await there.look(kind_of("security_group"), ("web@paris", "web@tokyo"))
    assert await world.id_store.put_pins(new.pins)
    gid = await adopted(world, "web@paris", "web@tokyo")
    await world.settle()
    await world.check()
    assert gid == new.entries[-1].global_id


async def test_released_everything_stays_and_is_each_sites_own() -> None:
    world = await World().start()
    groups = {site: await a_group(world, site, 22, 80) for site in world.sites}
    before = {site: rules(world, site, groups[site]) for site in world.sites}
    gid = await adopted(world, "web@paris", "web@tokyo")
    await world.settle()
    with pytest.raises(Unadoptable, match="it is at tokyo as well"):
        await adopter(world, "paris").release(gid)
    assert await adopter(world).release(gid) == {"paris", "tokyo"}
    await world.settle()
    assert not await world.store.all()
    assert {pin.origin for pin in world.ids.pins} == {"mapping"}
    for site in world.sites:
        there = world.neutrons[site].kept["security_group"][groups[site]]
        assert there["tags"] == []
        assert rules(world, site, groups[site]) == before[site]
    assert await world.global_id("tokyo", groups["tokyo"]) != gid


async def test_a_replica_that_the_daemons_made_may_be_released_too_but_no_network() -> None:
    world = await World().start()
    addresses = await world.make("address_group", "paris", name="ag", addresses=["10.1.0.0/16"])
    (gid,) = await world.stretch("paris", "address_group", addresses, "tokyo")
    net = await world.make("network", "paris")
    (wide,) = await world.stretch("paris", "network", net, "tokyo")
    await world.settle()
    await adopter(world).release(gid)
    for site in world.sites:
        (there,) = world.neutrons[site].all("address_group")
        assert (there["description"], there["addresses"]) == ("", ["10.1.0.0/16"])
    with pytest.raises(Unadoptable, match="delete it instead"):
        await adopter(world).release(wide)
    await world.settle()
    await world.check()
