"""Networks that cannot be stretched, and a router that leads from one to the other. On real Neutrons."""

from ipaddress import ip_address
from typing import Any

import pytest

from adapters.transit import PREFIXES, is_over_transit
from sync.mac import interface_mac, transit_mac
from tests.adversarial.client import Answer, Login
from tests.sharing.conftest import Federation
from tests.sharing.test_networks_that_span import Admins, at_site, make, until
from tests.sharing.test_routers import plug, unplug

pytestmark = pytest.mark.lab

BOTH = ["paris", "tokyo"]
V6 = {"ip_version": 6, "enable_dhcp": False}


def message(answer: Answer, status: int) -> str:
    """What Neutron's own error body says."""
    assert answer.status == status, answer
    return str(answer.json["NeutronError"]["message"])


async def carried(admin: Login) -> list[dict[str, Any]]:
    """The transit networks of a site, as its admin sees them there."""
    return list((await admin.get("network", "/networks?name=federator-transit"))["networks"])


async def test_a_router_leads_from_a_network_of_one_site_to_one_of_another(
    federation: Federation, ada: Login, site_admins: Admins
) -> None:
    async def network(site: str, *cidrs: str) -> tuple[Any, list[Any], Any]:
        """One with a port, which was not born as a VLAN."""
        net = await make(ada, "/networks", "network", name=site, availability_zone_hints=[site])
        subnets = []
        for cidr in cidrs:
            fields = V6 if ":" in cidr else {"ip_version": 4}
            new = {"network_id": net["id"], "cidr": cidr, **fields}
            subnets.append(await make(ada, "/subnets", "subnet", **new))
        port = await make(ada, "/ports", "port", network_id=net["id"], name=f"at {site}")
        return net, subnets, port

    async def router_at(site: str) -> dict[str, Any]:
        (found,) = [
            each
            for each in await at_site(site_admins[site], "/routers", "routers", ada.project_id)
            if each["name"] == "wide"
        ]
        return found

    async def ways(site: str) -> dict[str, str]:
        routes = (await router_at(site))["routes"]
        return {each["destination"]: each["nexthop"] for each in routes if is_over_transit(each)}

    async def are(expected: dict[str, set[str]]) -> bool:
        return {site: set(await ways(site)) for site in expected} == expected

    near, near_subs, near_port = await network("paris", "10.91.0.0/24", "fd00:91::/64")
    far, far_subs, far_port = await network("tokyo", "10.91.1.0/24")
    wide = await make(ada, "/routers", "router", name="wide", availability_zone_hints=BOTH)
    for subnet in near_subs:
        assert (await plug(ada, wide["id"], subnet_id=subnet["id"])).ok

    # Into what is at the other site: there, by the tenant himself, as his router is there too.
    plugged = await plug(ada, wide["id"], subnet_id=far_subs[0]["id"])
    assert plugged.ok, plugged
    assert plugged.json["id"] == wide["id"]
    assert plugged.json["subnet_ids"] == [far_subs[0]["id"]]
    interface = (await ada.get("network", f"/ports/{plugged.json['port_id']}"))["port"]
    assert interface["device_id"] == wide["id"]
    assert interface["project_id"] == ada.project_id
    assert interface["mac_address"] == interface_mac(wide["id"], far_subs[0]["id"])

    both = {"paris": {"10.91.1.0/24"}, "tokyo": {"10.91.0.0/24", "fd00:91::/64"}}
    assert await until(lambda: are(both))

    # One VLAN; and each next hop is an address of the router at the other site.
    vlans, hops = set(), {}
    for site, admin in site_admins.items():
        (net,) = await carried(admin)
        vlans.add(net["provider:segmentation_id"])
        (port,) = (await admin.get("network", f"/ports?network_id={net['id']}"))["ports"]
        assert port["device_id"] == (await router_at(site))["id"]
        assert port["device_owner"] == "network:router_interface"
        hops[site] = {each["ip_address"] for each in port["fixed_ips"]}
        number = {
            int(ip_address(hop)) - int(prefix.network_address)
            for hop in hops[site]
            for prefix in PREFIXES
            if ip_address(hop) in prefix
        }
        assert [port["mac_address"]] == [transit_mac(wide["id"], each) for each in number]
    assert len(vlans) == 1, vlans
    assert set((await ways("paris")).values()) < hops["tokyo"]
    assert set((await ways("tokyo")).values()) == hops["paris"]

    # The tenant sees his own, and nothing of it; nor does he lose it by setting his own routes.
    mine = f"/networks?project_id={ada.project_id}"
    names = {each["name"] for each in (await ada.get("network", "/networks"))["networks"]}
    assert names == {*BOTH, "public"}
    seen = (await ada.get("network", f"/ports?device_id={wide['id']}"))["ports"]
    assert {each["network_id"] for each in seen} == {near["id"], far["id"]}
    assert (await ada.get("network", f"/routers/{wide['id']}"))["router"]["routes"] == []
    own = {"destination": "198.51.100.0/24", "nexthop": "10.91.0.9"}
    for routes in ([own], []):
        body = {"router": {"routes": routes}}
        changed = await ada.do("PUT", "network", f"/routers/{wide['id']}", body)
        assert changed["router"]["routes"] == routes
        there = (await router_at("paris"))["routes"]
        assert {"10.91.1.0/24"} == {e["destination"] for e in there} - {own["destination"]}
    wrong = {"router": {"routes": [{"destination": "198.51.100.0/24", "nexthop": "203.0.113.1"}]}}
    refused = await ada.ask("PUT", "network", f"/routers/{wide['id']}", wrong)
    assert "Invalid format for routes" in message(refused, 400)
    assert await until(lambda: are(both))

    # What Neutron cannot know at one site: the router leads to these addresses at the other.
    _, twins, twin_port = await network("tokyo", "10.91.0.128/25")
    overlap = await plug(ada, wide["id"], subnet_id=twins[0]["id"])
    assert "overlaps with cidr 10.91.0.0/24, to which the router leads at paris" in message(
        overlap, 400
    )

    # A network that can be stretched is at both sites, as ever.
    fresh = await make(ada, "/networks", "network", name="fresh", availability_zone_hints=["paris"])
    sub = await make(
        ada, "/subnets", "subnet", network_id=fresh["id"], ip_version=4, cidr="10.91.2.0/24"
    )
    assert (await plug(ada, wide["id"], subnet_id=sub["id"])).ok

    async def is_twin() -> bool:
        found = [
            each["mac_address"]
            for admin in site_admins.values()
            for each in await at_site(admin, "/ports", "ports", ada.project_id)
        ]
        return found.count(interface_mac(wide["id"], sub["id"])) == 2

    assert await until(is_twin)
    assert await are(both), "and nobody needs a route to it"
    tokyo = await at_site(site_admins["tokyo"], "/networks", "networks", ada.project_id)
    assert "paris" not in [each["name"] for each in tokyo], "what stays has stayed"

    # Unplugged from what is at the other site, at the other site.
    path = f"/routers/{wide['id']}/remove_router_interface"
    in_use = await ada.ask("DELETE", "network", f"/routers/{wide['id']}")
    assert message(in_use, 409)
    for subnet in (*near_subs, sub):
        await ada.do("PUT", "network", path, {"subnet_id": subnet["id"]})
    assert await until(lambda: are({"paris": {"10.91.1.0/24"}, "tokyo": set()}))
    in_use = await ada.ask("DELETE", "network", f"/routers/{wide['id']}")
    assert "still in use at tokyo" in message(in_use, 409)
    await ada.do("PUT", "network", path, {"port_id": interface["id"]})

    # It is deleted at once, and all that was made for it is gone as well.
    deleted = await ada.ask("DELETE", "network", f"/routers/{wide['id']}")
    assert deleted.status == 204, deleted

    async def is_clean() -> bool:
        return not any([await carried(admin) for admin in site_admins.values()])

    assert await until(is_clean)
    for port in (near_port, far_port, twin_port):
        await ada.do("DELETE", "network", f"/ports/{port['id']}")
    for net in (await ada.get("network", mine))["networks"]:
        await ada.do("DELETE", "network", f"/networks/{net['id']}")


async def test_what_cannot_be_reached_either_is_refused_before_anything_is_done(
    federation: Federation, ada: Login, site_admins: Admins
) -> None:
    # A server, or a port, needs the network itself.
    net = await make(ada, "/networks", "network", name="busy", availability_zone_hints=["paris"])
    await make(ada, "/subnets", "subnet", network_id=net["id"], ip_version=4, cidr="10.92.0.0/24")
    port = await make(ada, "/ports", "port", network_id=net["id"])
    body = {"port": {"network_id": net["id"]}}
    refused = await ada.ask("POST", "network", "/ports", body, site="tokyo")
    assert "with ports cannot be stretched at this site" in message(refused, 409)
    tokyo = await at_site(site_admins["tokyo"], "/networks", "networks", ada.project_id)
    assert "busy" not in [each["name"] for each in tokyo]
    await ada.do("DELETE", "network", f"/ports/{port['id']}")
    await ada.do("DELETE", "network", f"/networks/{net['id']}")


async def test_a_router_of_one_site_leads_to_another_when_it_is_plugged_in_there(
    federation: Federation, ada: Login, site_admins: Admins
) -> None:
    made = {}
    for site, cidr in (("paris", "10.93.0.0/24"), ("tokyo", "10.93.1.0/24")):
        net = await make(ada, "/networks", "network", name=site, availability_zone_hints=[site])
        fields = {"network_id": net["id"], "ip_version": 4, "cidr": cidr}
        made[site] = net, await make(ada, "/subnets", "subnet", **fields)
    port = await make(ada, "/ports", "port", network_id=made["tokyo"][0]["id"])
    own = await make(ada, "/routers", "router", name="own", availability_zone_hints=["paris"])
    assert (await plug(ada, own["id"], subnet_id=made["paris"][1]["id"])).ok
    # The first one is in a tunnel, and the interface is its port.
    by_port = await plug(ada, own["id"], port_id=port["id"])
    assert by_port.ok, by_port

    async def reached() -> bool:
        found = {}
        for site, admin in site_admins.items():
            routers = await at_site(admin, "/routers", "routers", ada.project_id)
            found[site] = [r["destination"] for each in routers for r in each["routes"]]
        return found == {"paris": ["10.93.1.0/24"], "tokyo": ["10.93.0.0/24"]}

    assert await until(reached)
    await unplug(ada, own["id"])
    for net, _ in made.values():
        await ada.do("DELETE", "network", f"/networks/{net['id']}")
