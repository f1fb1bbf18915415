"""A daemon is killed after every single call that it makes: in the end it is as if it had not been."""

import json
from collections.abc import Awaitable, Callable

import pytest

from tests.sync.neutron import Item
from tests.sync.world import Line, Trouble, World

Rounds = Callable[[], Awaitable[None]]


async def story(world: World, rounds: Rounds) -> None:
    """One of each kind is made at paris, brought to tokyo, changed, and half of it deleted."""
    policy = await world.make("policy", "paris", name="slow")
    path, limit = f"/qos/policies/{policy}/bandwidth_limit_rules", {"direction": "egress"}
    rule_of = world.ask("paris", "POST", path, {"bandwidth_limit_rule": {**limit, "max_kbps": 900}})
    net = await world.make(
        "network", "paris", name="net", description="für alle", qos_policy_id=policy
    )
    vlan = {"network_type": "vlan", "physical_network": "trunk-of-paris", "segmentation_id": 2000}
    provider = {f"provider:{name}": value for name, value in vlan.items()}
    routed = await world.make("network", "paris", name="routed", **provider)
    await subnet(world, net, 4, "10.9.0.0/24", name="v4")
    await subnet(world, net, 6, "fd00:9::/64", name="v6")
    behind = await subnet(world, routed, 4, "10.10.0.0/24", name="behind")
    router = await world.make("router", "paris", name="r")
    world.ask("paris", "PUT", f"/routers/{router}/add_router_interface", {"subnet_id": behind})
    addresses = await world.make("address_group", "paris", name="ag", addresses=["10.1.0.0/16"])
    group = await world.make("security_group", "paris", name="sg")
    await rule(world, group, protocol="tcp", port_range_min=22, port_range_max=22)
    doomed = await rule(world, group, ethertype="IPv6", protocol="icmpv6")
    await rule(world, group, remote_group_id=group)
    await rule(world, group, remote_address_group_id=addresses)
    taken = {**provider, "provider:physical_network": "trunk-of-tokyo"}
    world.stranger("tokyo", "network", name="net", **taken)
    world.stranger("tokyo", "security_group", name="sg")
    await rounds()
    ids = await world.stretch("paris", "network", net, "tokyo")
    ids += await world.stretch("paris", "network", routed, "tokyo")
    ids += await world.stretch("paris", "security_group", group, "tokyo")
    await rounds()
    entries = {e.global_id: e for e in await world.store.all()}
    named = {e.spec.get("name"): gid for gid, e in entries.items() if e.kind != "router_interface"}
    assert await world.change(named["net"], {"name": "netz", "description": "neu"})
    assert await world.change(named["v4"], {"dns_nameservers": ["9.9.9.9", "1.1.1.1"]})
    assert await world.change(named["r"], {"admin_state_up": False})
    path = f"{path}/{rule_of['bandwidth_limit_rule']['id']}"
    await slower(world, named["slow"], policy, path)
    added = await rule(world, group, protocol="udp")
    await world.share([("security_group_rule", added)], "paris", ["tokyo"])
    await rounds()
    interface = next(gid for gid, e in entries.items() if e.kind == "router_interface")
    assert await world.remove(interface)
    assert await world.remove(named["r"])
    assert await world.remove(named["v6"])
    assert await world.remove(await world.global_id("paris", doomed))
    await rounds()


async def slower(world: World, global_id: str, policy: str, path: str) -> None:
    """The rule of the policy is changed by its tenant (`federator.sharing.anchor`)."""
    begun = await world.wanted.begin_change(global_id)
    assert begun is not None
    world.ask("paris", "PUT", path, {"bandwidth_limit_rule": {"max_kbps": 500}})
    await world.wanted.end_change(begun, world.member("policy", "paris", policy))


async def subnet(world: World, net: str, version: int, cidr: str, name: str) -> str:
    new = {"network_id": net, "ip_version": version, "cidr": cidr, "name": name}
    return await world.make("subnet", "paris", **new)


async def rule(world: World, group: str, **fields: object) -> str:
    new = {"security_group_id": group, "direction": "ingress", "ethertype": "IPv4", **fields}
    return await world.make("security_group_rule", "paris", **new)


async def told(trouble: Trouble | None, number: int) -> tuple[World, list[str]]:
    """The story, with trouble at one call of the daemons. The world as it is then, and all their calls."""
    world = await World().start()
    calls: list[str] = []

    def at(call: str) -> Trouble | None:
        calls.append(call)
        return trouble if len(calls) == number else None

    lines = {site: Line(neutron, at) for site, neutron in world.neutrons.items()}

    async def rounds() -> None:
        for _ in range(12):
            done = [await world.run(site, line) for site, line in lines.items()]
            if not any(each is None or each.again or each.plan.changes for each in done):
                return
            world.offset += 40

    await story(world, rounds)
    await world.settle()
    await world.check()
    return world, calls


def state_of(world: World) -> dict[str, list[str]]:
    """What is at the sites, whatever the sites call it."""
    names = {
        item["id"]: f"{kind} {item.get('name') or item.get('cidr')}"
        for neutron in world.neutrons.values()
        for kind, items in neutron.kept.items()
        for item in items.values()
    }
    return {
        site: sorted(
            f"{kind} {json.dumps(_nameless(item, names), sort_keys=True)}"
            for kind, items in neutron.kept.items()
            for item in items.values()
        )
        for site, neutron in world.neutrons.items()
    }


def _nameless(item: Item, names: dict[str, str]) -> Item:
    out = json.loads(json.dumps(item))
    for name in ("id", "revision_number", "created_at", "mac_address", "allocation_pools"):
        out.pop(name, None)
    if out.get("provider:network_type") == "vxlan":
        del out["provider:segmentation_id"]
    if "rules" in out:
        said = [{name: rule[name] for name in rule if name != "id"} for rule in out["rules"]]
        out["rules"] = sorted(said, key=lambda each: str(each["type"]))
    text = json.dumps(out)
    for local_id, name in names.items():
        text = text.replace(local_id, name)
    plain: Item = json.loads(text)
    tags = plain.get("tags", ())
    plain["tags"] = sorted(
        each
        for each in tags
        if not any(word in each for word in ("generation:", "-id:", "-pools:"))
    )
    return plain


async def test_the_story_without_trouble() -> None:
    world, calls = await told(None, 0)
    assert len(calls) > 100
    tokyo = state_of(world)["tokyo"]
    assert sum('"netz"' in each and each.startswith("network") for each in tokyo) == 1
    (policy,) = [each for each in tokyo if each.startswith("policy")]
    assert '"max_kbps": 500' in policy
    assert not any(each.startswith(("router", "port")) for each in tokyo)


@pytest.mark.parametrize("trouble", Trouble)
async def test_trouble_at_every_single_call(trouble: Trouble) -> None:
    undisturbed, calls = await told(None, 0)
    expected = state_of(undisturbed)
    bad = {}
    for number, call in enumerate(calls, 1):
        # What goes wrong with a question ends the round, as a kill after the call before it does.
        if trouble is Trouble.KILLED_AFTER or not call.startswith("GET"):
            try:
                world, _ = await told(trouble, number)
                assert state_of(world) == expected
            except AssertionError as error:
                bad[f"{number} {call}"] = str(error)[:500]
    assert not bad, f"{len(bad)} of {len(calls)}: {bad}"
