"""What cannot be stretched, and a router that would have to go elsewhere with it: refused before it is done."""

from typing import Any

import pytest

from sync.mac import interface_mac
from tests.adversarial.client import Answer, Login
from tests.sharing.conftest import Federation
from tests.sharing.test_networks_that_span import Admins, at_site, make, until
from tests.sharing.test_routers import plug, unplug

pytestmark = pytest.mark.lab

BOTH = ["paris", "tokyo"]


async def test_a_router_goes_nowhere_without_one_of_its_networks(
    federation: Federation, ada: Login, site_admins: Admins
) -> None:
    async def network(name: str, site: str, cidr: str) -> tuple[Any, Any]:
        net = await make(ada, "/networks", "network", name=name, availability_zone_hints=[site])
        fields = {"network_id": net["id"], "ip_version": 4, "cidr": cidr}
        return net, await make(ada, "/subnets", "subnet", **fields)

    async def there(path: str, keys: str) -> dict[str, list[str]]:
        """What each site itself shows of the project, by name."""
        found = {s: await at_site(a, path, keys, ada.project_id) for s, a in site_admins.items()}
        return {site: sorted(each["name"] for each in items) for site, items in found.items()}

    def check(answer: Answer) -> None:
        assert answer.status == 409, answer
        message = answer.json["NeutronError"]["message"]
        assert "would have to be at paris and tokyo with all its networks" in message
        assert "with ports cannot be stretched at this site" in message
        assert message.endswith("What cannot be at several sites needs a router of its own site.")

    # A network with a port, which was not born as a VLAN; and a router of two sites.
    busy, near = await network("busy", "paris", "10.91.0.0/24")
    port = await make(ada, "/ports", "port", network_id=busy["id"], name="busy")
    wide = await make(ada, "/routers", "router", name="wide", availability_zone_hints=BOTH)
    check(await plug(ada, wide["id"], subnet_id=near["id"]))
    check(await plug(ada, wide["id"], port_id=port["id"]))

    # One without ports is made fit before the router is plugged in, which would be in the way.
    fresh, sub = await network("fresh", "paris", "10.91.2.0/24")
    assert (await plug(ada, wide["id"], subnet_id=sub["id"])).ok

    async def twins() -> bool:
        """Whether each site has the same interface of the router."""
        found = set()
        for admin in site_admins.values():
            ports = await at_site(admin, "/ports", "ports", ada.project_id)
            found.add(tuple(each["mac_address"] for each in ports if each["device_id"]))
        return found == {(interface_mac(wide["id"], sub["id"]),)}

    assert await until(twins)

    # What the refusal says helps; and that router does not go where its network cannot.
    own = await make(ada, "/routers", "router", name="own", availability_zone_hints=["paris"])
    assert (await plug(ada, own["id"], subnet_id=near["id"])).ok
    empty, far = await network("empty", "tokyo", "10.91.1.0/24")
    check(await plug(ada, own["id"], subnet_id=far["id"]))

    async def as_before() -> bool:
        return await there("/routers", "routers") == {"paris": ["own", "wide"], "tokyo": ["wide"]}

    assert await until(as_before)
    # What could be stretched may have been; what could not is wanted nowhere else.
    assert "busy" not in (await there("/networks", "networks"))["tokyo"]
    interfaces = (await ada.get("network", f"/ports?device_id={own['id']}"))["ports"]
    assert [each["network_id"] for each in interfaces] == [busy["id"]]

    # Nothing lies about.
    for router in (own, wide):
        await unplug(ada, router["id"])
    await ada.do("DELETE", "network", f"/ports/{port['id']}")
    for net in (busy, empty, fresh):
        await ada.do("DELETE", "network", f"/networks/{net['id']}")
