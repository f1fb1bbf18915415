"""A network, its subnet, its router and a group of one tenant, at the sites that need them. All real."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.adversarial.client import Answer, Login
from tests.sharing.conftest import Federation

pytestmark = pytest.mark.lab

SECONDS = 150
"""Longer than addresses take to go from site to site on a busy machine."""

Admins = dict[str, Login]


async def until(look: Callable[[], Awaitable[Any]]) -> Any:
    """The first answer that is true."""
    end = time.monotonic() + SECONDS
    while True:
        found = await look()
        if found:
            return found
        assert time.monotonic() < end, f"still {found!r}"
        await asyncio.sleep(0.3)


async def make(login: Login, path: str, key: str, *, site: str = "", **fields: Any) -> Any:
    """Something new; as often as the answer is that what it needs is on its way."""

    async def ask() -> Any:
        answer = await login.ask("POST", "network", path, {key: fields}, site=site)
        assert answer.ok or answer.retry, answer
        return answer.json[key] if answer.ok else None

    return await until(ask)


async def at_site(admin: Login, path: str, keys: str, project: str) -> list[dict[str, Any]]:
    """What a site really has of a project, whose ID there is told by its tag."""
    tag = f"federator-home-{project}"
    found = (await admin.get("identity", f"/projects?tags={tag}"))["projects"]
    if not found:
        return []
    mark = "&" if "?" in path else "?"
    body = await admin.get("network", f"{path}{mark}project_id={found[0]['id']}")
    return list(body[keys])


async def test_the_life_of_what_spans_two_sites(
    federation: Federation, ada: Login, site_admins: Admins
) -> None:
    project = ada.project_id

    async def there(path: str, keys: str) -> dict[str, list[dict[str, Any]]]:
        return {
            site: await at_site(admin, path, keys, project) for site, admin in site_admins.items()
        }

    # A network of paris, and a group.
    net = await make(ada, "/networks", "network", name="span", description="Zoë's")
    pools = [{"start": "10.61.0.10", "end": "10.61.0.200"}]
    sub = await make(
        ada,
        "/subnets",
        "subnet",
        network_id=net["id"],
        ip_version=4,
        cidr="10.61.0.0/24",
        name="sub",
        allocation_pools=pools,
    )
    group = await make(ada, "/security-groups", "security_group", name="web")
    rule = {"security_group_id": group["id"], "direction": "ingress", "protocol": "tcp"}
    rule |= {"port_range_min": 80, "port_range_max": 80, "remote_ip_prefix": "10.1.2.3/8"}
    await make(ada, "/security-group-rules", "security_group_rule", **rule)
    own = {"security_group_id": group["id"], "direction": "ingress", "ethertype": "IPv6"}
    await make(
        ada, "/security-group-rules", "security_group_rule", **own, remote_group_id=group["id"]
    )
    assert [len(each) for each in (await there("/networks", "networks")).values()] == [1, 0]

    # A port at tokyo needs both there.
    port = await make(
        ada,
        "/ports",
        "port",
        site="tokyo",
        network_id=net["id"],
        security_groups=[group["id"]],
        name="far",
    )
    assert port["network_id"] == net["id"]
    assert port["security_groups"] == [group["id"]]
    assert [each["subnet_id"] for each in port["fixed_ips"]] == [sub["id"]]
    near = await make(ada, "/ports", "port", site="paris", network_id=net["id"], name="near")
    addresses = [each["fixed_ips"][0]["ip_address"] for each in (port, near)]
    assert len(set(addresses)) == 2

    # To the tenant they are one, and nothing shows that they are not.
    for path, keys, one in (
        ("/networks", "networks", net),
        ("/subnets", "subnets", sub),
        ("/security-groups", "security_groups", group),
    ):
        for query in ("", f"?name={one['name']}", f"?id={one['id']}"):
            listed = (await ada.get("network", path + query))[keys]
            assert [each["id"] for each in listed if each["name"] == one["name"]] == [one["id"]]
        shown = (await ada.get("network", f"{path}/{one['id']}"))[keys.removesuffix("s")]
        assert "federator" not in str(shown)
        assert shown["description"] == one["description"]
    assert (await ada.get("network", f"/subnets/{sub['id']}"))["subnet"][
        "allocation_pools"
    ] == pools
    rules = await ada.get("network", f"/security-group-rules?security_group_id={group['id']}")
    assert len(rules["security_group_rules"]) == 4

    # At the sites they are alike, on one VLAN, and their addresses are shared out.
    nets = await there("/networks", "networks")
    assert len({each[0]["provider:segmentation_id"] for each in nets.values()}) == 1
    assert {each[0]["provider:network_type"] for each in nets.values()} == {"vlan"}
    assert {each[0]["description"] for each in nets.values()} == {"Zoë's"}
    subs = await there("/subnets", "subnets")
    assert len({str(each[0]["allocation_pools"]) for each in subs.values()}) == 2
    groups = await there("/security-groups?name=web", "security_groups")
    said = {
        site: sorted(
            (each["direction"], each["ethertype"], str(each["normalized_cidr"]))
            for each in found[0]["security_group_rules"]
        )
        for site, found in groups.items()
    }
    assert said["paris"] == said["tokyo"]

    # A router that is plugged in has the same address and the same MAC at both.
    router = await make(ada, "/routers", "router", name="way")
    path = f"/routers/{router['id']}/add_router_interface"
    await ada.do("PUT", "network", path, {"subnet_id": sub["id"]})

    async def twins() -> Any:
        found = await there("/ports?device_owner=network:router_interface", "ports")
        return found if all(found.values()) else None

    interfaces = await until(twins)
    for site, found in interfaces.items():
        print(site, found[0]["mac_address"], found[0]["fixed_ips"][0]["ip_address"])
    assert len({each[0]["mac_address"] for each in interfaces.values()}) == 1
    assert {each[0]["fixed_ips"][0]["ip_address"] for each in interfaces.values()} == {"10.61.0.1"}
    ports = (await ada.get("network", f"/ports?device_id={router['id']}"))["ports"]
    assert [each["fixed_ips"][0]["ip_address"] for each in ports] == ["10.61.0.1"]

    # What is changed is changed at both.
    new = {"network": {"name": "span2", "description": ""}}
    changed = (await ada.do("PUT", "network", f"/networks/{net['id']}", new))["network"]
    assert (changed["id"], changed["name"]) == (net["id"], "span2")
    await ada.do("DELETE", "network", f"/security-group-rules/{await a_rule(ada, group['id'])}")

    async def followed() -> bool:
        nets = await there("/networks", "networks")
        groups = await there("/security-groups?name=web", "security_groups")
        counts = [len(each[0]["security_group_rules"]) for each in groups.values()]
        return [each[0]["name"] for each in nets.values()] == ["span2"] * 2 and counts == [3, 3]

    await until(followed)

    # In use anywhere is in use.
    refused = await ada.ask("DELETE", "network", f"/networks/{net['id']}")
    assert refused.status == 409, refused
    refused = await ada.ask("DELETE", "network", f"/security-groups/{group['id']}")
    assert refused.status == 409, refused
    assert "SecurityGroupInUse" in str(refused.json)

    # And in the end all of it is gone, everywhere.
    for each in (port, near):
        await ada.do("DELETE", "network", f"/ports/{each['id']}")
    path = f"/routers/{router['id']}/remove_router_interface"
    await ada.do("PUT", "network", path, {"subnet_id": sub["id"]})
    for path in (f"/routers/{router['id']}", f"/networks/{net['id']}"):
        await ada.do("DELETE", "network", path)
        assert (await ada.ask("GET", "network", path)).status == 404
    await ada.do("DELETE", "network", f"/security-groups/{group['id']}")
    assert (await gone(ada, f"/subnets/{sub['id']}")).status == 404

    async def nothing() -> bool:
        left = [
            await there(path, keys)
            for path, keys in (
                ("/networks", "networks"),
                ("/routers", "routers"),
                ("/ports", "ports"),
                ("/security-groups?name=web", "security_groups"),
            )
        ]
        return not any(found for each in left for found in each.values())

    await until(nothing)


async def a_rule(login: Login, group: str) -> str:
    body = await login.get("network", f"/security-group-rules?security_group_id={group}")
    return next(str(e["id"]) for e in body["security_group_rules"] if e["remote_ip_prefix"])


async def gone(login: Login, path: str) -> Answer:
    return await login.ask("GET", "network", path)
