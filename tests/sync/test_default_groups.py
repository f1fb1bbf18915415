"""A project's `default` group, which Neutron makes at every site by itself, once it is in the daemons' care."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.marks import marks_of
from idmap.desired import State
from idmap.pins import PinTable
from sync.registry import all_kinds
from sync.restored import Reading, restored
from tests.sync.test_adopting import adopted
from tests.sync.world import ALPHA, Line, Trouble, World

THREE = ("paris", "tokyo", "denver")


def group_at(world: World, site: str) -> dict[str, Any]:
    """What Neutron has made, or makes now for who asks for a list of the project's groups."""
    return world.neutrons[site].default_group(world.project(ALPHA, site))


def said(world: World, site: str) -> set[tuple[Any, ...]]:
    """What the rules of a site's default group say, whatever it is called there."""
    group = group_at(world, site)["id"]
    rules = world.neutrons[site].all("security_group_rule")
    return {
        (r["direction"], r["ethertype"], r["port_range_min"], r["remote_group_id"] == group)
        for r in rules
        if r["security_group_id"] == group
    }


def rule_ids(world: World, site: str) -> set[str]:
    group = group_at(world, site)["id"]
    rules = world.neutrons[site].all("security_group_rule")
    return {each["id"] for each in rules if each["security_group_id"] == group}


async def an_open_port(world: World, site: str, port: int) -> str:
    """A rule that somebody gives the group of one site; its local ID."""
    fields = {"direction": "ingress", "protocol": "tcp", "port_range_min": port}
    group = group_at(world, site)["id"]
    return await world.make(
        "security_group_rule", site, security_group_id=group, **fields, port_range_max=port
    )


async def in_care(*sites: str) -> tuple[World, str]:
    """The groups of paris and tokyo are one, with a rule that came later; its global ID."""
    world = await World(sites or ("paris", "tokyo")).start()
    for site in ("paris", "tokyo"):
        group_at(world, site)
    gid = await adopted(world, "default@paris", "default@tokyo")
    rule = await an_open_port(world, "paris", 22)
    await world.share([("security_group_rule", rule)], "paris", ["tokyo"])
    await world.settle()
    await world.check()
    return world, gid


SSH = ("ingress", "IPv4", 22, False)


async def test_a_rule_comes_to_the_group_that_is_there_and_nothing_of_it_is_made_anew() -> None:
    world = await World().start()
    before = {site: (group_at(world, site)["id"], rule_ids(world, site)) for site in world.sites}
    world, gid = await in_care()
    for site in world.sites:
        assert SSH in said(world, site)
        assert group_at(world, site)["id"] == before[site][0] == await world.local(gid, site)
        assert before[site][1] < rule_ids(world, site)
        assert len(rule_ids(world, site)) == 5


async def test_what_is_changed_behind_our_back_is_put_right() -> None:
    world, _ = await in_care()
    await an_open_port(world, "tokyo", 23)
    lost = next(r for r in rule_ids(world, "tokyo") if _port(world, r) == 22)
    world.ask("tokyo", "DELETE", f"/security-group-rules/{lost}")
    await world.settle()
    await world.check()
    assert said(world, "tokyo") == said(world, "paris")


def _port(world: World, rule: str) -> Any:
    return world.neutrons["tokyo"].kept["security_group_rule"][rule]["port_range_min"]


@pytest.mark.parametrize("fresh", [True, False])
async def test_at_a_further_site_it_comes_to_a_group_that_nobody_has_touched(fresh: bool) -> None:
    world, gid = await in_care(*THREE)
    entry = await world.entry(gid)
    assert entry is not None
    assert entry.sites == {"paris", "tokyo"}, "denver has no such group yet"
    before = group_at(world, "denver")["id"]
    if not fresh:
        # Somebody was there before us, and did the same.
        await an_open_port(world, "denver", 22)
    await world.settle()
    await world.check()
    assert await world.local(gid, "denver") == before
    assert said(world, "denver") == said(world, "paris")


async def test_with_the_groups_that_its_rules_name() -> None:
    world, gid = await in_care(*THREE)
    web = await world.make("security_group", "paris", name="web")
    (web_gid, *_) = await world.stretch("paris", "security_group", web, "tokyo")
    fields = {"direction": "ingress", "remote_group_id": web}
    group = group_at(world, "paris")["id"]
    rule = await world.make("security_group_rule", "paris", security_group_id=group, **fields)
    await world.share([("security_group_rule", rule)], "paris", ["tokyo"])
    group_at(world, "denver")
    await world.settle()
    await world.check()
    assert await world.local(web_gid, "denver")
    assert len(rule_ids(world, "denver")) == 6
    assert await world.local(gid, "denver")


async def test_rules_that_somebody_gave_a_sites_own_group_are_not_taken_away() -> None:
    world, gid = await in_care(*THREE)
    theirs = await an_open_port(world, "denver", 8080)
    before = rule_ids(world, "denver")
    world.leave_alone("denver", "security_group", group_at(world, "denver")["id"])
    done = await world.run("denver")
    assert done is not None
    assert ["has other rules" in each.why for each in done.plan.odd] == [True]
    await world.settle()
    await world.check()
    assert rule_ids(world, "denver") == before
    assert not await world.local(gid, "denver")
    # Once they are gone, nothing is in the way.
    world.foreign.clear()
    world.ask("denver", "DELETE", f"/security-group-rules/{theirs}")
    await world.settle()
    await world.check()
    assert SSH in said(world, "denver")


async def test_who_needs_it_at_such_a_site_is_told_why_not() -> None:
    world, gid = await in_care(*THREE)
    await an_open_port(world, "denver", 8080)
    before = rule_ids(world, "denver")
    group = group_at(world, "paris")["id"]
    await world.stretch("paris", "security_group", group, "denver")
    await world.settle()
    status = (await world.store.statuses("denver"))[gid]
    assert status.state is State.ERROR
    assert status.error == "the project's own default group at denver has other rules"
    assert rule_ids(world, "denver") == before
    assert marks_of(group_at(world, "denver")) is None


async def test_where_there_is_none_nothing_is_missing_until_neutron_makes_one() -> None:
    world, gid = await in_care(*THREE)
    group = group_at(world, "paris")["id"]
    await world.stretch("paris", "security_group", group, "denver")
    done = await world.run("denver")
    assert done is not None
    assert not done.plan.changes
    assert gid in {each.global_id for each in done.plan.absent}
    await world.settle()
    assert not world.neutrons["denver"].all("security_group")
    group_at(world, "denver")
    await world.settle()
    await world.check()
    assert said(world, "denver") == said(world, "paris")


def purge(world: World, site: str) -> None:
    """An admin deletes the group; nobody else may."""
    world.ask(site, "DELETE", f"/security-groups/{group_at(world, site)['id']}")


@pytest.mark.parametrize("site", ["paris", "tokyo"])
async def test_what_an_admin_has_deleted_comes_back_as_soon_as_neutron_makes_it(site: str) -> None:
    world, gid = await in_care()
    purge(world, site)
    await world.settle()
    assert not world.neutrons[site].all("security_group")
    assert await world.entry(gid) is not None
    group_at(world, site)
    await world.settle()
    await world.check()
    assert said(world, "paris") == said(world, "tokyo")
    assert SSH in said(world, site)


async def test_of_a_project_that_is_gone_nothing_is_kept_and_nothing_comes_back() -> None:
    world, _ = await in_care()
    for site in world.sites:
        purge(world, site)
    await world.settle()
    assert await world.store.all() == []
    await world.ids.refresh()
    assert {pin.origin for pin in world.ids.pins} == {"mapping"}
    for neutron in world.neutrons.values():
        assert not neutron.all("security_group")
        assert not neutron.all("security_group_rule")
    # Should it be at work again, it begins anew.
    group_at(world, "paris")
    await world.settle()
    assert await world.store.all() == []
    assert len(said(world, "paris")) == 4


async def test_a_group_that_another_federation_has_in_its_care_is_left_to_it() -> None:
    world, gid = await in_care(*THREE)
    theirs = group_at(world, "denver")
    theirs["tags"] = ["federator", f"federator-id:{'7' * 8}-0000-4000-8000-{'7' * 12}"]
    world.leave_alone("denver", "security_group", theirs["id"])
    for site in world.sites:
        await world.run(site)
    assert not await world.local(gid, "denver")
    path = f"/v2.0/security-groups/{theirs['id']}"
    shown = world.neutrons["denver"].request("GET", path)[1]
    assert shown == world.foreign["denver", "security_group", theirs["id"]]


async def test_after_a_loss_of_the_store_the_sites_tell_of_it_what_was_known() -> None:
    world, _ = await in_care()
    await world.ids.refresh()
    readings = [
        Reading(
            world.tongue(site),
            "",
            {kind: neutron.all(kind) for kind in ("security_group", "security_group_rule")},
        )
        for site, neutron in world.neutrons.items()
    ]
    projects = PinTable(each for each in world.ids.pins if each.kind == "project")
    found = restored(all_kinds(), readings, frozenset(), projects, {})
    before = {each.global_id: each for each in await world.store.all()}
    assert {e.global_id: replace(e, version=0) for e in before.values()} == {
        each.global_id: each for each in found.entries
    }
    assert {(p.global_id, p.origin, str(p.places)) for p in found.pins} == {
        (p.global_id, p.origin, str(p.places)) for p in world.ids.pins if p.kind != "project"
    }


@pytest.mark.parametrize("trouble", [Trouble.KILLED_AFTER, Trouble.LOST])
async def test_whatever_goes_wrong_on_the_way_it_ends_as_without(trouble: Trouble) -> None:
    """At each of the calls that change something at the site that the group comes to."""
    calls, number = 1, 0
    while number < calls:
        number += 1
        world, gid = await in_care(*THREE)
        rules = world.neutrons["paris"].all("security_group_rule")
        closed = next(each["id"] for each in rules if each["direction"] == "egress")
        assert await world.remove(await world.global_id("paris", closed))
        before = rule_ids(world, "denver")
        made: list[str] = []

        def at(call: str, made: list[str] = made, number: int = number) -> Trouble | None:
            if not call.startswith("GET"):
                made.append(call)
            return trouble if len(made) == number and made[-1] == call else None

        line = Line(world.neutrons["denver"], at)
        for _ in range(4):
            await world.run("denver", line)
            world.offset += 400
        await world.settle()
        await world.check()
        assert said(world, "denver") == said(world, "paris")
        assert await world.local(gid, "denver")
        assert len(before & rule_ids(world, "denver")) == 3, "what stays was not made anew"
        calls = len(made)
    assert number > 4
