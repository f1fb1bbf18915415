"""QoS policies go where the networks go that have them; a subnet pool stays, and serves all sites. All real."""

from typing import Any

import pytest

from tests.adversarial.client import Login
from tests.adversarial.realm import Realm
from tests.sharing.conftest import Federation
from tests.sharing.test_networks_that_span import Admins, at_site, gone, make, until

pytestmark = pytest.mark.lab

LIMIT = {"max_kbps": 3000, "max_burst_kbps": 0, "direction": "egress"}


async def test_a_policy_and_its_rules_follow_the_network(
    federation: Federation, realm: Realm, ada: Login, site_admins: Admins
) -> None:
    project = ada.project_id
    await realm.user("boss", alpha="admin")
    boss = await realm.login("boss", "alpha")

    async def at(site: str) -> list[dict[str, Any]]:
        return await at_site(site_admins[site], "/qos/policies", "policies", project)

    # Neutron says who may make one.
    new = {"policy": {"name": "slow"}}
    assert (await ada.ask("POST", "network", "/qos/policies", new, site="paris")).status == 403
    policy = await make(boss, "/qos/policies", "policy", site="paris", name="slow")
    path = f"/qos/policies/{policy['id']}"
    limit = await make(boss, f"{path}/bandwidth_limit_rules", "bandwidth_limit_rule", **LIMIT)
    net = await make(ada, "/networks", "network", name="limited", qos_policy_id=policy["id"])
    pool = await make(
        ada,
        "/subnetpools",
        "subnetpool",
        site="paris",
        name="prefixes",
        prefixes=["10.66.0.0/16"],
        default_prefixlen=24,
    )
    of_pool = {"ip_version": 4, "subnetpool_id": pool["id"]}
    sub = await make(ada, "/subnets", "subnet", network_id=net["id"], name="one", **of_pool)
    port = await make(ada, "/ports", "port", site="tokyo", network_id=net["id"])
    (there,) = await at("tokyo")
    assert [(r["type"], r["max_kbps"]) for r in there["rules"]] == [("bandwidth_limit", 3000)]
    tokyo, own = site_admins["tokyo"], {"name": "limited"}
    (far,) = await at_site(tokyo, f"/networks?name={own['name']}", "networks", project)
    assert far["qos_policy_id"] == there["id"]
    (far_sub,) = await at_site(tokyo, "/subnets?name=one", "subnets", project)
    assert (far_sub["cidr"], far_sub["subnetpool_id"]) == (sub["cidr"], None)
    shown = (await ada.get("network", f"/subnets/{sub['id']}"))["subnet"]
    assert shown["subnetpool_id"] == pool["id"]
    listed = (await boss.get("network", "/qos/policies?name=slow"))["policies"]
    assert [each["id"] for each in listed] == [policy["id"]]
    assert "federator" not in str(listed)

    # Its allocation pools are changed for both sites, or refused in Neutron's words.
    path_of_sub, start = f"/subnets/{sub['id']}", sub["cidr"].removesuffix("0/24")
    for pools, error in (
        ([(1, 9)], "GatewayConflictWithAllocationPools"),
        ([(2, 9), (9, 11)], "OverlappingAllocationPools"),
        ([(9, 2)], "InvalidAllocationPool"),
        ([(0, 2)], "OutOfBoundsAllocationPool"),
    ):
        wanted = [{"start": f"{start}{one}", "end": f"{start}{other}"} for one, other in pools]
        body = {"subnet": {"allocation_pools": wanted}}
        refused = await ada.ask("PUT", "network", path_of_sub, body)
        assert refused.json["NeutronError"]["type"] == error, refused
    wanted = [{"start": f"{start}2", "end": f"{start}99"}]
    body = {"subnet": {"allocation_pools": wanted, "name": "uno"}}
    answered = (await ada.do("PUT", "network", path_of_sub, body))["subnet"]
    shown = (await ada.get("network", path_of_sub))["subnet"]
    assert [each["allocation_pools"] for each in (answered, shown)] == [wanted, wanted]
    assert answered["name"] == shown["name"] == "uno"
    await ada.do("PUT", "network", path_of_sub, {"subnet": {"name": "one"}})

    async def within() -> bool:
        subs = [
            await at_site(a, f"/subnets?cidr={sub['cidr']}", "subnets", project)
            for a in site_admins.values()
        ]
        ends = [each["end"] for (found,) in subs for each in found["allocation_pools"]]
        return bool(ends) and all(int(end.rpartition(".")[2]) < 100 for end in ends)

    await until(within)
    assert (await ada.get("network", path_of_sub))["subnet"]["allocation_pools"] == wanted

    # Rules are changed, added and taken away.
    rule = f"{path}/bandwidth_limit_rules/{limit['id']}"
    await boss.do("PUT", "network", rule, {"bandwidth_limit_rule": {"max_kbps": 2000}})
    mark = await make(boss, f"{path}/dscp_marking_rules", "dscp_marking_rule", dscp_mark=26)

    async def followed() -> bool:
        both = [{r["type"]: r for r in (await at(site))[0]["rules"]} for site in ("paris", "tokyo")]
        said = [
            (
                e.get("bandwidth_limit", {}).get("max_burst_kbps"),
                e.get("dscp_marking", {}).get("dscp_mark"),
            )
            for e in both
        ]
        return said == [(0, 26)] * 2 and all(e["bandwidth_limit"]["max_kbps"] == 2000 for e in both)

    await until(followed)
    await boss.do("DELETE", "network", f"{path}/dscp_marking_rules/{mark['id']}")
    assert (await boss.ask("DELETE", "network", path)).status == 409

    # A network of tokyo gets the next prefix of the pool of paris, and comes there.
    other = await make(ada, "/networks", "network", site="tokyo", name="other")
    second = await make(ada, "/subnets", "subnet", network_id=other["id"], name="two", **of_pool)
    assert second["cidr"] != sub["cidr"]
    (near,) = await at_site(site_admins["paris"], "/subnets?name=two", "subnets", project)
    assert (near["cidr"], bool(near["subnetpool_id"])) == (second["cidr"], True)

    # A policy that a shared network gets later comes along; one for everybody is everywhere.
    swift = await make(boss, "/qos/policies", "policy", site="paris", name="swift")
    body = {"network": {"qos_policy_id": swift["id"]}}
    await boss.do("PUT", "network", f"/networks/{net['id']}", body)
    gold = await make(boss, "/qos/policies", "policy", name="gold", shared=True)

    async def there_too() -> bool:
        found = {each["name"]: each for each in await at("tokyo")}
        (far,) = await at_site(tokyo, "/networks?name=limited", "networks", project)
        named = found.keys() >= {"swift", "gold"} and found["gold"]["shared"]
        return named and far["qos_policy_id"] == found["swift"]["id"]

    await until(there_too)
    await ada.do("DELETE", "network", f"/ports/{port['id']}")
    for each in (net, other):
        await ada.do("DELETE", "network", f"/networks/{each['id']}")
    for each in (policy, swift, gold):
        await boss.do("DELETE", "network", f"/qos/policies/{each['id']}")
    assert (await gone(boss, path)).status == 404

    async def pool_is_free() -> bool:
        # The subnet of a network of tokyo is taken away at paris by the daemon.
        return (await ada.ask("DELETE", "network", f"/subnetpools/{pool['id']}")).ok

    await until(pool_is_free)

    async def nothing() -> bool:
        return not (await at("paris") or await at("tokyo"))

    await until(nothing)
