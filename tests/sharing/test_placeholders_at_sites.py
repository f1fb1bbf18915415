"""Ports of a routed network that spans paris and tokyo stand at both; their tenant sees each once. All real."""

import asyncio
from typing import Any

import pytest

from adapters.marks import REMOTE
from tests.adversarial.client import Login
from tests.sharing.conftest import Federation
from tests.sharing.test_networks_that_span import Admins, at_site, make, until

pytestmark = pytest.mark.lab

CIDR = "10.62.0.0/24"


async def test_the_life_of_ports_at_two_sites(
    federation: Federation, ada: Login, site_admins: Admins
) -> None:
    both = ["paris", "tokyo"]
    net = await make(ada, "/networks", "network", name="wide", availability_zone_hints=both)
    sub = await make(
        ada, "/subnets", "subnet", network_id=net["id"], ip_version=4, cidr=CIDR, name="wide"
    )

    async def wide() -> bool:
        path = "/networks?name=wide"
        return bool(await at_site(site_admins["tokyo"], path, "networks", ada.project_id))

    # Before it is one that can be at both, nothing is plugged in.
    await until(wide)
    router = await make(ada, "/routers", "router", name="wide")
    way = f"/routers/{router['id']}"
    await ada.do("PUT", "network", f"{way}/add_router_interface", {"subnet_id": sub["id"]})
    group = await make(ada, "/security-groups", "security_group", name="friends")
    rule = {"security_group_id": group["id"], "direction": "ingress", "ethertype": "IPv4"}
    rule["remote_group_id"] = group["id"]
    await make(ada, "/security-group-rules", "security_group_rule", **rule)
    fields = {"network_id": net["id"], "security_groups": [group["id"]]}
    ports = {
        site: await make(ada, "/ports", "port", site=site, name=f"at {site}", **fields)
        for site in ("tokyo", "paris")
    }

    async def there(site: str, query: str = "") -> list[dict[str, Any]]:
        """The ports on the network as the site has them."""
        (own,) = await at_site(site_admins[site], "/networks?name=wide", "networks", ada.project_id)
        path = f"/ports?network_id={own['id']}{query}"
        return list((await site_admins[site].get("network", path))["ports"])

    async def standing(site: str) -> list[dict[str, Any]]:
        return await there(site, f"&device_owner={REMOTE}")

    # What stands for them has the same address and MAC, and is a member of the site's own group.
    for site, other in (("paris", "tokyo"), ("tokyo", "paris")):
        (stand,) = await until(lambda site=site: standing(site))
        port = ports[other]
        ips = [each["ip_address"] for each in stand["fixed_ips"]]
        print(f"{site}: {stand['mac_address']} {ips} stands for {other}'s {port['mac_address']}")
        assert stand["mac_address"] == port["mac_address"]
        assert ips == [each["ip_address"] for each in port["fixed_ips"]]
        admin = site_admins[site]
        (friends,) = await at_site(
            admin, "/security-groups?name=friends", "security_groups", ada.project_id
        )
        assert stand["security_groups"] == [friends["id"]]
        assert stand["project_id"] not in (friends["project_id"], "")
        assert stand["device_id"] == f"site/{other}"
    assert len(await there("paris")) == len(await there("tokyo")) == 3

    # Their tenant sees his own: in lists, by pages of one, with few fields, and by every filter.
    shown = {port["id"] for port in ports.values()}
    query = f"network_id={net['id']}"
    interface = (await ada.get("network", f"/ports?device_id={router['id']}"))["ports"]
    shown |= {each["id"] for each in interface}
    for more in ("", "&fields=id", "&fields=id&fields=name"):
        listed = (await ada.get("network", f"/ports?{query}{more}"))["ports"]
        assert {each["id"] for each in listed} == shown
        assert len(listed) == 3
        if more:
            assert listed[0].keys() <= {"id", "name"}
    assert (await ada.get("network", f"/ports?device_owner={REMOTE}"))["ports"] == []
    paged: list[str] = []
    marker = ""
    for _ in range(3):
        body = await ada.get("network", f"/ports?{query}&limit=1{marker}")
        paged += [each["id"] for each in body["ports"]]
        marker = f"&marker={paged[-1]}"
    assert sorted(paged) == sorted(shown)
    body = await ada.get("network", f"/ports?{query}&limit=1{marker}")
    assert body["ports"] == []
    (stand,) = await standing("paris")
    for method in ("GET", "DELETE"):
        assert (await ada.ask(method, "network", f"/ports/{stand['id']}")).status == 404

    # What is changed is changed there, and what is taken away there comes back.
    await ada.do(
        "PUT", "network", f"/ports/{ports['tokyo']['id']}", {"port": {"security_groups": []}}
    )

    async def without_groups() -> bool:
        return [each["security_groups"] for each in await standing("paris")] == [[]]

    await until(without_groups)
    (stand,) = await standing("tokyo")
    assert (await site_admins["tokyo"].ask("DELETE", "network", f"/ports/{stand['id']}")).ok

    async def back() -> bool:
        return [each["mac_address"] for each in await standing("tokyo")] == [stand["mac_address"]]

    await until(back)

    # A real port elsewhere is in the way of a deletion. What only stands for one that has gone is not.
    refused = await ada.ask("DELETE", "network", f"/security-groups/{group['id']}")
    assert refused.status == 409, refused
    await ada.do("DELETE", "network", f"/ports/{ports['paris']['id']}")
    await ada.do("DELETE", "network", f"/security-groups/{group['id']}")
    await ada.do("PUT", "network", f"{way}/remove_router_interface", {"subnet_id": sub["id"]})
    refused = await ada.ask("DELETE", "network", f"/networks/{net['id']}")
    assert refused.status == 409, refused
    assert ports["tokyo"]["id"] in str(refused.json)
    await ada.do("DELETE", "network", way)
    await ada.do("DELETE", "network", f"/ports/{ports['tokyo']['id']}")
    await ada.do("DELETE", "network", f"/networks/{net['id']}")

    async def nothing() -> bool:
        left = await asyncio.gather(
            *(
                at_site(admin, path, keys, ada.project_id)
                for admin in site_admins.values()
                for path, keys in (("/networks", "networks"), ("/ports", "ports"))
            )
        )
        return not any(left)

    await until(nothing)
