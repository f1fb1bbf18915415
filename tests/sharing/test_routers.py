"""Routers through the gateway: what they are plugged into, and their ways out. On real Neutrons."""

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from sync.mac import interface_mac
from tests.adversarial.client import Answer, Login
from tests.sharing.conftest import Federation
from tests.sharing.test_networks_that_span import Admins, at_site, make, until

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


@pytest.mark.timeout(900)
async def test_a_router_has_a_way_out_at_each_site_and_floating_ips_where_their_ports_are(
    federation: Federation, ada: Login, site_admins: Admins
) -> None:
    # The external networks are called alike, and are one to the tenant.
    found = await ada.get("network", "/networks?router:external=true&name=public")
    (public,) = found["networks"]
    both = ["paris", "tokyo"]
    net = await make(ada, "/networks", "network", name="out", availability_zone_hints=both)
    cidr = {"ip_version": 4, "cidr": "10.74.0.0/24"}
    sub = await make(ada, "/subnets", "subnet", network_id=net["id"], **cidr)
    gateway = {"network_id": public["id"]}
    router = await make(ada, "/routers", "router", name="out", external_gateway_info=gateway)
    path = f"/routers/{router['id']}"
    assert (await plug(ada, router["id"], subnet_id=sub["id"])).ok
    new = {"network_id": net["id"], "fixed_ips": [{"subnet_id": sub["id"]}]}
    far, near = [await make(ada, "/ports", "port", site=site, **new) for site in reversed(both)]

    # Its addresses are those at all sites, the anchor's first.
    async def shown() -> Any:
        info = (await ada.get("network", path))["router"]["external_gateway_info"]
        return info if len(info["external_fixed_ips"]) == 2 else None

    info = await until(shown)
    there = [
        each["external_gateway_info"]["external_fixed_ips"][0]["ip_address"]
        for site in ("paris", "tokyo")
        for each in await at_site(site_admins[site], "/routers?name=out", "routers", ada.project_id)
    ]
    assert [each["ip_address"] for each in info["external_fixed_ips"]] == there
    (listed,) = (await ada.get("network", "/routers?name=out"))["routers"]
    assert listed["external_gateway_info"] == info

    # Who puts back what he was shown speaks of the address at the anchor only. To say which is for admins,
    # so that is how far it gets; and nobody chooses what another site's Neutron has chosen.
    same = {"network_id": public["id"], "external_fixed_ips": info["external_fixed_ips"]}
    body = {"router": {"name": "out", "external_gateway_info": same}}
    refused = await ada.ask("PUT", "network", path, body)
    assert refused.status == 403, refused
    assert "external_fixed_ips" in refused.json["NeutronError"]["message"]
    other = {**info["external_fixed_ips"][1], "ip_address": "198.51.100.77"}
    same["external_fixed_ips"] = [other]
    refused = await ada.ask("PUT", "network", path, body)
    assert refused.status == 409, refused
    assert "is chosen there" in refused.json["NeutronError"]["message"]

    # Subnets of IPv6 share an interface: it gains and loses addresses, and its twin does.
    six, seven = [
        await make(
            ada, "/subnets", "subnet", network_id=net["id"], cidr=f"fd00:7{number}::/64", **SLAAC
        )
        for number in (4, 5)
    ]

    async def twins_have(*wanted: Any) -> bool:
        query = "/ports?device_owner=network:router_interface"
        addresses = sorted(each["gateway_ip"] for each in wanted)
        for admin in site_admins.values():
            ports = await at_site(admin, query, "ports", ada.project_id)
            found = [each["ip_address"] for port in ports for each in port["fixed_ips"]]
            if sorted(found) != addresses:
                return False
        return True

    assert (await plug(ada, router["id"], subnet_id=six["id"])).ok
    await until(lambda: twins_have(sub, six))
    assert (await plug(ada, router["id"], subnet_id=seven["id"])).ok
    away = f"/routers/{router['id']}/remove_router_interface"
    await ada.do("PUT", "network", away, {"subnet_id": six["id"]})
    await until(lambda: twins_have(sub, seven))

    # A floating IP is where its port is, by the one name that the network has.
    address = {"floating_network_id": public["id"]}
    at_port = await make(ada, "/floatingips", "floatingip", port_id=far["id"], **address)
    assert at_port["floating_ip_address"].startswith("198.51.100.")
    assert (at_port["floating_network_id"], at_port["router_id"]) == (public["id"], router["id"])
    at_header = await make(ada, "/floatingips", "floatingip", site="tokyo", **address)
    assert at_header["floating_ip_address"].startswith("198.51.100.")
    free = await make(ada, "/floatingips", "floatingip", **address)
    assert free["floating_ip_address"].startswith("203.0.113.")
    path = f"/floatingips/{free['id']}"
    refused = await ada.ask("PUT", "network", path, {"floatingip": {"port_id": far["id"]}})
    assert refused.status == 409, refused
    assert "X-Federation-Site" in refused.json["NeutronError"]["message"]
    done = await ada.do("PUT", "network", path, {"floatingip": {"port_id": near["id"]}})
    assert done["floatingip"]["fixed_ip_address"] == near["fixed_ips"][0]["ip_address"]

    # What goes by a floating IP cannot go by another site: as long as there is one nothing is drained.
    code, said = await router_command(federation, "drain")
    assert code != 0
    assert at_port["floating_ip_address"] in said
    await ada.do("DELETE", "network", f"/floatingips/{at_port['id']}")

    async def interfaces(site: str) -> list[tuple[str, str]]:
        query = "/ports?device_owner=network:router_interface"
        found = await at_site(site_admins[site], query, "ports", ada.project_id)
        return sorted((each["mac_address"], each["fixed_ips"][0]["ip_address"]) for each in found)

    before = await interfaces("tokyo")
    assert before == await interfaces("paris")
    assert await router_command(federation, "drain") == (
        0,
        f"tokyo: router {router['id']} is drained of 2 interfaces\n",
    )
    assert await interfaces("tokyo") == []
    assert await interfaces("paris") == before
    assert (await router_command(federation, "restore"))[0] == 0
    assert await interfaces("tokyo") == before

    for each in (at_header, free):
        await ada.do("DELETE", "network", f"/floatingips/{each['id']}")
    for port in (near, far):
        await ada.do("DELETE", "network", f"/ports/{port['id']}")
    await unplug(ada, router["id"])
    await ada.do("DELETE", "network", f"/networks/{net['id']}")

    async def nothing() -> bool:
        left = [
            await at_site(admin, path, path[1:], ada.project_id)
            for admin in site_admins.values()
            for path in ("/routers", "/networks")
        ]
        return not any(left)

    await until(nothing)


async def router_command(federation: Federation, verb: str) -> tuple[int, str]:
    """``federator router drain`` or ``restore`` of the router "out" at tokyo: its code, and what it said."""
    command = [sys.executable, "-m", "federator", "router", verb, "out", "--site", "tokyo"]
    command += ["--config", str(federation.gateway.config)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


async def at_site_routers(admins: Admins, login: Login) -> list[Any]:
    return await at_site(admins["paris"], "/routers", "routers", login.project_id)


async def at_site_subnet(admins: Admins, login: Login, name: str) -> Any:
    (found,) = await at_site(admins["paris"], f"/subnets?name={name}", "subnets", login.project_id)
    return found
