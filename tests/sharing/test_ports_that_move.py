"""Ports and servers move from site to site with their addresses and MACs, on real Neutrons and Novas."""

import asyncio
from typing import Any

import pytest

from adapters.marks import REMOTE
from tests.adversarial.client import Answer, Login
from tests.adversarial.estate import equal_ones
from tests.sharing.conftest import Federation
from tests.sharing.test_networks_that_span import Admins, at_site, make, until

pytestmark = pytest.mark.lab

CIDR = "10.63.0.0/24"


def error(answer: Answer) -> tuple[int, str, str]:
    said = answer.json["NeutronError"]
    return answer.status, said["type"], said["message"]


async def test_ports_move_with_their_addresses(
    federation: Federation, ada: Login, site_admins: Admins
) -> None:
    both = ["paris", "tokyo"]
    net = await make(ada, "/networks", "network", name="move", availability_zone_hints=both)
    sub = await make(
        ada, "/subnets", "subnet", network_id=net["id"], ip_version=4, cidr=CIDR, name="move"
    )
    router = await make(ada, "/routers", "router", name="move")
    way = f"/routers/{router['id']}"
    await ada.do("PUT", "network", f"{way}/add_router_interface", {"subnet_id": sub["id"]})

    async def standing(site: str, mac: str = "") -> list[dict[str, Any]]:
        found = await at_site(site_admins[site], "/networks?name=move", "networks", ada.project_id)
        query = "".join(f"&network_id={each['id']}" for each in found) or "&network_id=none"
        query += f"&mac_address={mac}" if mac else ""
        path = f"/ports?device_owner={REMOTE}{query}"
        return list((await site_admins[site].get("network", path))["ports"])

    async def new(site: str, like: Any = None, **more: Any) -> Answer:
        fields = {"network_id": net["id"], "name": f"at {site}", **more}
        if like is not None:
            fields["mac_address"] = like["mac_address"]
            fields["fixed_ips"] = [{"ip_address": like["fixed_ips"][0]["ip_address"]}]
        return await ada.ask("POST", "network", "/ports", {"port": fields}, site=site)

    async def stands(site: str, port: Any) -> Any:
        """What stands at a site for a port, once it does, with its address."""
        address = port["fixed_ips"][0]["ip_address"]

        async def there() -> Any:
            found = await standing(site, port["mac_address"])
            return [e for e in found if e["fixed_ips"][0]["ip_address"] == address]

        (stand,) = await until(there)
        return stand

    port = await make(ada, "/ports", "port", site="paris", network_id=net["id"], name="mover")
    address = port["fixed_ips"][0]["ip_address"]
    stand = await stands("tokyo", port)
    other = await make(ada, "/ports", "port", site="tokyo", network_id=net["id"], name="other")

    # As long as it is at paris tokyo refuses its address and its MAC at once, and names it.
    for asked in (
        await new("tokyo", port),
        await new("tokyo", mac_address=port["mac_address"]),
        await ada.ask(
            "PUT",
            "network",
            f"/ports/{other['id']}",
            {"port": {"fixed_ips": [{"ip_address": address}]}},
        ),
    ):
        status, kind, message = error(asked)
        print(status, kind, message)
        assert status == 409
        assert kind in ("IpAddressAlreadyAllocated", "MacAddressInUse")
        assert port["id"] in message
        assert stand["id"] not in asked.raw.decode()
    await ada.do("DELETE", "network", f"/ports/{other['id']}")

    # There and back again, asked for as soon as the deletion is answered.
    for source, target in (("paris", "tokyo"), ("tokyo", "paris")):
        await ada.do("DELETE", "network", f"/ports/{port['id']}")
        asked = await new(target, port)
        assert asked.status == 201, asked
        moved = asked.json["port"]
        assert moved["mac_address"] == port["mac_address"]
        assert [each["ip_address"] for each in moved["fixed_ips"]] == [address]
        assert moved["project_id"] == ada.project_id
        listed = await ada.get("network", f"/ports?network_id={net['id']}&name=at%20{target}")
        assert [each["id"] for each in listed["ports"]] == [moved["id"]]
        stand = await stands(source, moved)
        print(f"{source}: {stand['mac_address']} {address} stands for the port at {target}")
        assert stand["device_id"] == f"site/{target}"
        assert await standing(target) == []
        port = moved

    # A server, whose port Nova makes and deletes when it has answered.
    image, flavor = await equal_ones(ada)
    one = {"name": "mover", "imageRef": image, "flavorRef": flavor}
    one["networks"] = [{"uuid": net["id"], "fixed_ip": address}]

    async def server(site: str) -> tuple[str, Any]:
        """The ID of a server at a site, and its port."""
        made = await ada.do("POST", "compute", "/servers", {"server": one}, site=site)

        async def active() -> bool:
            shown = (await ada.get("compute", f"/servers/{made['server']['id']}"))["server"]
            assert shown["status"] != "ERROR", shown
            return bool(shown["status"] == "ACTIVE")

        await until(active)
        found = await ada.get("network", f"/ports?device_id={made['server']['id']}")
        (port,) = found["ports"]
        assert [each["ip_address"] for each in port["fixed_ips"]] == [address]
        return made["server"]["id"], port

    await ada.do("DELETE", "network", f"/ports/{port['id']}")
    at_paris, port = await server("paris")
    await stands("tokyo", port)
    refused = await ada.ask("POST", "compute", "/servers", {"server": one}, site="tokyo")
    assert refused.status == 409, refused
    assert port["id"] in refused.json["conflictingRequest"]["message"]
    await ada.do("DELETE", "compute", f"/servers/{at_paris}")
    at_tokyo, port = await server("tokyo")
    stand = await stands("paris", port)
    print(f"paris: {stand['mac_address']} {address} stands for the server at tokyo")
    await ada.do("DELETE", "compute", f"/servers/{at_tokyo}")

    async def nobody_has_it() -> bool:
        query = f"network_id={net['id']}&fixed_ips=ip_address%3D{address}"
        return not (await ada.get("network", f"/ports?{query}"))["ports"]

    await until(nobody_has_it)

    # Two want it at two sites at once: one gets it.
    answers = await asyncio.gather(new("paris", port), new("tokyo", port))
    print([error(each) if not each.ok else each for each in answers])
    assert sorted(each.status for each in answers) == [201, 409]
    (port,) = [each.json["port"] for each in answers if each.ok]
    await ada.do("DELETE", "network", f"/ports/{port['id']}")
    await ada.do("PUT", "network", f"{way}/remove_router_interface", {"subnet_id": sub["id"]})
    await ada.do("DELETE", "network", way)

    async def gone() -> bool:
        return (await ada.ask("DELETE", "network", f"/networks/{net['id']}")).ok

    await until(gone)

    async def nothing() -> bool:
        left = [
            await at_site(admin, path, keys, ada.project_id)
            for admin in site_admins.values()
            for path, keys in (("/networks", "networks"), ("/ports", "ports"))
        ]
        return not any(left)

    await until(nothing)
