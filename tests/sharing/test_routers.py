"""Routers through the gateway: what they are plugged into, with which MAC. On real Neutrons."""

from typing import Any

import pytest

from sync.mac import interface_mac
from tests.adversarial.client import Answer, Login
from tests.sharing.conftest import Federation
from tests.sharing.test_networks_that_span import Admins, at_site, make

pytestmark = pytest.mark.lab

SLAAC = {"ip_version": 6, "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}


async def plug(login: Login, router: str, **body: str) -> Answer:
    return await login.ask("PUT", "network", f"/routers/{router}/add_router_interface", body)


async def unplug(login: Login, router: str) -> None:
    for port in (await login.get("network", f"/ports?device_id={router}"))["ports"]:
        path = f"/routers/{router}/remove_router_interface"
        await login.do("PUT", "network", path, {"port_id": port["id"]})
    await login.do("DELETE", "network", f"/routers/{router}")


async def test_an_interface_has_its_mac_from_the_start_and_all_else_as_neutron_makes_it(
    federation: Federation, ada: Login, site_admins: Admins
) -> None:
    net = await make(ada, "/networks", "network", name="plain")
    subs: dict[str, Any] = {}
    for name, fields in {
        "a": {"ip_version": 4, "cidr": "10.71.0.0/24"},
        "b": {"ip_version": 4, "cidr": "10.71.1.0/24"},
        "shut": {"ip_version": 4, "cidr": "10.71.2.0/24", "gateway_ip": None},
        "six": {**SLAAC, "cidr": "fd00:71::/64"},
        "seven": {**SLAAC, "cidr": "fd00:72::/64"},
    }.items():
        new = {"network_id": net["id"], "name": name, **fields}
        subs[name] = await make(ada, "/subnets", "subnet", **new)
    router = await make(ada, "/routers", "router", name="r")

    async def port_of(answer: Answer) -> Any:
        assert answer.ok, answer
        assert answer.json["id"] == router["id"]
        return (await ada.get("network", f"/ports/{answer.json['port_id']}"))["port"]

    # Of one subnet, although two others would give addresses to any port.
    first = await plug(ada, router["id"], subnet_id=subs["a"]["id"])
    one = await port_of(first)
    assert one["mac_address"] == interface_mac(router["id"], subs["a"]["id"])
    gateway = {"subnet_id": subs["a"]["id"], "ip_address": "10.71.0.1"}
    assert one["fixed_ips"] == [gateway]
    assert first.json["subnet_ids"] == [subs["a"]["id"]]

    # As Neutron itself makes them, but for the MAC.
    (admin, theirs) = (site_admins["paris"], (await at_site_routers(site_admins, ada))[0])
    body = {"subnet_id": (await at_site_subnet(site_admins, ada, "b"))["id"]}
    path = f"/routers/{theirs['id']}/add_router_interface"
    plain = await admin.do("PUT", "network", path, body)
    ports = {
        port["id"]: port
        for port in await at_site(
            admin, "/ports?device_id=" + theirs["id"], "ports", ada.project_id
        )
    }
    own = ports.pop(plain["port_id"])
    (ours,) = ports.values()
    differ = {name for name in own if own[name] != ours[name]}
    odd = {"id", "mac_address", "fixed_ips", "dns_assignment", "created_at", "updated_at"}
    assert differ <= {*odd, "revision_number"}, differ

    # Neutron's own refusals.
    again = await plug(ada, router["id"], subnet_id=subs["a"]["id"])
    assert again.status == 400, again
    assert f"Router already has a port on subnet {subs['a']['id']}" in str(again.json)
    refused = await plug(ada, router["id"], subnet_id=subs["shut"]["id"])
    assert refused.status == 400, refused
    assert "must have a gateway IP" in str(refused.json)
    left = await ada.get("network", f"/ports?network_id={net['id']}")
    assert {port["device_id"] for port in left["ports"]} <= {router["id"], ""} | {
        port["device_id"] for port in left["ports"] if port["device_owner"] == "network:dhcp"
    }

    # A gateway died between port and interface.
    await unplug(ada, router["id"])
    router = await make(ada, "/routers", "router", name="r2")
    mac = interface_mac(router["id"], subs["a"]["id"])
    begun = {"network_id": net["id"], "fixed_ips": [gateway], "mac_address": mac}
    port = await make(ada, "/ports", "port", device_owner="network:router_interface", **begun)
    assert (await plug(ada, router["id"], subnet_id=subs["a"]["id"])).json["port_id"] == port["id"]

    # All subnets of IPv6 of a network share one port.
    six = await port_of(await plug(ada, router["id"], subnet_id=subs["six"]["id"]))
    assert six["mac_address"] == interface_mac(router["id"], subs["six"]["id"])
    assert [each["ip_address"] for each in six["fixed_ips"]] == [subs["six"]["gateway_ip"]]
    seven = await port_of(await plug(ada, router["id"], subnet_id=subs["seven"]["id"]))
    assert (seven["id"], len(seven["fixed_ips"])) == (six["id"], 2)

    # Nothing lies about.
    await unplug(ada, router["id"])
    await ada.do("DELETE", "network", f"/networks/{net['id']}")


async def at_site_routers(admins: Admins, login: Login) -> list[Any]:
    return await at_site(admins["paris"], "/routers", "routers", login.project_id)


async def at_site_subnet(admins: Admins, login: Login, name: str) -> Any:
    (found,) = await at_site(admins["paris"], f"/subnets?name={name}", "subnets", login.project_id)
    return found
