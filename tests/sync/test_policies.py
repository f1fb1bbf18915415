"""QoS policies at several sites: their rules, the networks that have them, sites that know none."""

from typing import Any

import pytest

from adapters.registry import all_services
from adapters.spec import Service
from federator.call import Call
from federator.faults import Conflict
from federator.sharing.span import is_for_everybody
from idmap.desired import State
from sync.registry import kind_of
from tests.sync.neutron import Item
from tests.sync.world import World

SLOW = ("bandwidth_limit", {"max_kbps": 900, "direction": "egress"})
SURE = ("minimum_bandwidth", {"min_kbps": 800, "direction": "egress"})
MARK = ("dscp_marking", {"dscp_mark": 26})


async def a_policy(world: World, *rules: tuple[str, Item], **fields: Any) -> str:
    policy = await world.make("policy", "paris", **fields)
    for sort, said in rules:
        world.ask("paris", "POST", f"/qos/policies/{policy}/{sort}_rules", {f"{sort}_rule": said})
    return policy


def rules_at(world: World, site: str) -> list[Item]:
    (policy,) = world.neutrons[site].all("policy")
    said = [
        {n: v for n, v in r.items() if n not in ("id", "qos_policy_id")} for r in policy["rules"]
    ]
    return sorted(said, key=lambda rule: str(rule["type"]))


@pytest.mark.parametrize(("least", "most"), [(100, 500), (5000, 9000)])
async def test_rules_that_depend_on_each_other_change_in_the_order_that_works(
    least: int, most: int
) -> None:
    world = await World().start()
    policy = await a_policy(world, SLOW, SURE, MARK, name="slow")
    (gid,) = await world.stretch("paris", "policy", policy, "tokyo")
    await world.settle()
    assert rules_at(world, "tokyo") == rules_at(world, "paris")
    begun = await world.wanted.begin_change(gid)
    assert begun is not None
    kept = {rule["type"]: rule for rule in world.neutrons["paris"].kept["policy"][policy]["rules"]}
    kept["minimum_bandwidth"]["min_kbps"] = least
    kept["bandwidth_limit"]["max_kbps"] = most
    path = f"/qos/policies/{policy}/dscp_marking_rules/{kept['dscp_marking']['id']}"
    world.ask("paris", "DELETE", path)
    await world.wanted.end_change(begun, world.member("policy", "paris", policy))
    await world.settle()
    await world.check()
    assert rules_at(world, "tokyo") == rules_at(world, "paris")
    assert [rule["type"] for rule in rules_at(world, "tokyo")] == [SLOW[0], SURE[0]]


async def test_rules_changed_behind_our_back_are_put_right_at_both_sites() -> None:
    world = await World().start()
    policy = await a_policy(world, SLOW, name="slow")
    await world.stretch("paris", "policy", policy, "tokyo")
    await world.settle()
    for site in world.sites:
        (there,) = world.neutrons[site].all("policy")
        there["rules"][0]["max_kbps"] = 1
        path = f"/qos/policies/{there['id']}/dscp_marking_rules"
        world.ask(site, "POST", path, {"dscp_marking_rule": MARK[1]})
    await world.settle()
    await world.check()
    for site in world.sites:
        assert rules_at(world, site) == [{"type": SLOW[0], **SLOW[1]}]


async def test_a_site_without_policies_says_so_and_the_network_does_not_go_without() -> None:
    world = await World().start()
    world.neutrons["tokyo"].lacks = frozenset({"policies"})
    policy = await a_policy(world, SLOW)
    net = await world.make("network", "paris", qos_policy_id=policy)
    ids = await world.stretch("paris", "network", net, "tokyo")
    for _ in range(3):
        for site in world.sites:
            await world.run(site)
    gid = await world.global_id("paris", policy)
    status = (await world.store.statuses("tokyo"))[gid]
    assert (status.state, status.error) == (State.ERROR, "the Neutron of tokyo has no policy")
    with pytest.raises(Conflict, match="the Neutron of tokyo has no policy"):
        await world.wanted.wait(ids, ["tokyo"], 0)
    assert not world.neutrons["tokyo"].all("network")


@pytest.mark.parametrize(
    ("shared", "expected"), [(True, True), (False, False), (None, False), ("yes", False)]
)
def test_a_new_policy_that_is_for_everybody(network: Service, shared: Any, expected: bool) -> None:
    body = {"policy": {"name": "gold"} | ({} if shared is None else {"shared": shared})}
    call = Call("POST", network, kind_of("policy").resource, "/qos/policies", body=body)
    assert is_for_everybody(call) is expected


def test_a_shared_network_takes_no_vlan_for_that(network: Service) -> None:
    body = {"network": {"shared": True}}
    call = Call("POST", network, kind_of("network").resource, "/networks", body=body)
    assert not is_for_everybody(call)


@pytest.fixture
def network() -> Service:
    return all_services()["network"]
