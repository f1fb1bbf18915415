"""What a daemon does on the word of a plan that has become old while it was at it."""

from typing import Any

from idmap.store import BURIED, SHARED
from tests.sync.neutron import SERVICE
from tests.sync.test_kills import subnet
from tests.sync.world import Line, World


async def test_a_plan_from_before_a_deletion_does_not_undo_it() -> None:
    world = await World().start()
    net = await world.make("network", "paris", name="net")
    await subnet(world, net, 4, "10.9.0.0/24", name="v4")
    ids = await world.stretch("paris", "network", net, "tokyo")
    await world.settle()
    entries = await world.store.get(ids)
    gid = next(each for each, entry in entries.items() if entry.kind == "network")
    late = await world.round(Line(world.neutrons["tokyo"]))
    assert await world.remove(gid)
    async with world.store.lead("tokyo", 1000) as lead:
        assert lead is not None
        applier = late.applier(lead)
        for each, entry in entries.items():
            await late.ids.refresh()
            pin = late.ids.pins.pin(None, each)
            assert pin is not None
            await applier.keep_place(entry, pin.places["tokyo"])
    await world.ids.refresh()
    assert {each.origin for each in world.ids.pins if each.origin != "mapping"} == {BURIED}
    await world.settle()
    await world.check()


async def test_a_withdrawn_deletion_is_seen_again() -> None:
    world = await World().start()
    net = await world.make("network", "paris", name="net")
    ids = await world.stretch("paris", "network", net, "tokyo")
    await world.settle()
    local = await world.local(ids[0], "tokyo")
    project = world.project("a1" * 16, "tokyo")
    world.ask("tokyo", "POST", "/ports", {"port": {"network_id": local, "project_id": project}})
    assert await world.remove(ids[0])
    await world.settle()
    await world.check()
    assert {each.origin for each in world.ids.pins if each.origin != "mapping"} == {SHARED}


async def test_a_change_that_nobody_ended_is_not_ended_by_a_list_that_lacks_it() -> None:
    world = await World().start()
    net = await world.make("network", "paris", name="net")
    (gid,) = await world.stretch("paris", "network", net, "tokyo")
    await world.settle()
    assert await world.change(gid, {"name": "other"}, dies_after=1)
    world.offset += 200
    neutron = world.neutrons["paris"]
    request = neutron.request

    def blind(method: str, path: str, *rest: Any) -> tuple[int, Any]:
        """Just started, a Neutron was seen to show nothing."""
        status, body = request(method, path, *rest)
        return (status, {"networks": []}) if path.startswith("/v2.0/networks?") else (status, body)

    neutron.request = blind  # type: ignore[method-assign]
    await world.run("paris")
    neutron.request = request  # type: ignore[method-assign]
    await world.settle()
    await world.check()
    entry = await world.entry(gid)
    assert entry is not None, "it was there all the time"
    assert entry.spec["name"] == "other"
    # What was really deleted is gone everywhere.
    assert await world.remove(gid, dies_after=1)
    await world.settle()
    assert await world.store.all() == []


async def test_who_ends_a_change_after_its_time_does_not_end_that_of_another_one() -> None:
    world = await World().start()
    net = await world.make("network", "paris", name="net")
    (gid,) = await world.stretch("paris", "network", net, "tokyo")
    await world.settle()
    late = await world.wanted.begin_change(gid)
    assert late is not None
    world.offset += 200
    await world.run("paris")
    begun = await world.wanted.begin_change(gid)
    assert begun is not None, "the daemon has looked how the first one ended"
    await world.wanted.end_change(late)
    entry = await world.entry(gid)
    assert entry is not None
    assert entry.changing == begun.changing
    await world.wanted.end_change(begun)
    await world.settle()
    await world.check()


async def test_what_a_gateway_died_over_when_its_anchor_had_made_it_is_wanted_everywhere() -> None:
    world = await World().start()
    group, net = await world.make("security_group", "paris"), await world.make("network", "paris")
    await world.stretch("paris", "security_group", group, "tokyo")
    await world.stretch("paris", "network", net, "tokyo")
    await world.settle()
    (net,) = [each["id"] for each in world.neutrons["paris"].all("network")]
    fields = {"security_group_id": group, "direction": "ingress", "protocol": "tcp"}
    fields["project_id"] = world.project("a1" * 16, "paris")
    world.ask("paris", "POST", "/security-group-rules", {"security_group_rule": fields})
    new = {"network_id": net, "ip_version": 4, "cidr": "10.9.0.0/24", "gateway_ip": "10.9.0.1"}
    new |= {"allocation_pools": [{"start": "10.9.0.2", "end": "10.9.0.254"}]}
    new["project_id"] = fields["project_id"]
    world.ask("paris", "POST", "/subnets", {"subnet": new})
    # An admin's is none of the tenant's.
    new |= {"cidr": "10.8.0.0/24", "gateway_ip": None, "project_id": SERVICE}
    new |= {"allocation_pools": [{"start": "10.8.0.2", "end": "10.8.0.254"}]}
    world.ask("paris", "POST", "/subnets", {"subnet": new})
    await world.settle()
    await world.check()
    assert [each["cidr"] for each in world.neutrons["tokyo"].all("subnet")] == ["10.9.0.0/24"]
    for neutron in world.neutrons.values():
        rules = [r for r in neutron.all("security_group_rule") if r["direction"] == "ingress"]
        assert "tcp" in [each["protocol"] for each in rules]
