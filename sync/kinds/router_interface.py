"""An interface of a router: a port with the same addresses and the same MAC at every site.

So no lease and no ARP entry has to expire when another site's router takes over. It has to be right when it is
made: Neutron changes neither on an interface. Hence the port first, then the interface; and between the two as
little as possible, for until it is attached nobody answers for the gateway.

The port says from the start what it is for. Else Neutron would give it a security group, and an address of
every subnet of the network that gives them by itself (SLAAC), but not the gateway's in one of these.

All subnets of IPv6 of a network share one interface of a router, which so gains and loses addresses.
"""

from collections.abc import Hashable, Mapping
from typing import Any

from adapters.registry import all_services
from adapters.spec import Resource
from sync.kind import Hand, Item, Kind

_PORT = all_services()["network"].resource("port")

OWNERS = (
    "network:router_interface",
    "network:router_interface_distributed",
    "network:ha_router_replicated_interface",
)
"""What Neutron calls the interfaces of plain, distributed and highly available routers."""
INTERFACES = "&".join(f"device_owner={owner}" for owner in OWNERS)
"""The query that lists no other ports."""

_INTERFACE = Resource(
    path="/ports",
    key="port",
    keys="ports",
    kind="port",
    refs={**_PORT.refs, "device_id": "router"},
    opaque=_PORT.opaque,
    tagged=True,
)


def _natural(item: Item) -> Hashable | None:
    subnets = sorted(str(each.get("subnet_id")) for each in item.get("fixed_ips") or ())
    return (item.get("device_id"), item.get("network_id"), *subnets) if subnets else None


async def _create(
    hand: Hand, fields: dict[str, Any], begun: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    router = fields.pop("device_id")
    fields["device_owner"] = OWNERS[0]
    port = begun or (await hand.call("POST", "/v2.0/ports", {"port": fields}))["port"]
    if port.get("device_id") != router:
        body = {"port_id": port["id"]}
        await hand.call("PUT", f"/v2.0/routers/{router}/add_router_interface", body)
    return dict((await hand.call("GET", f"/v2.0/ports/{port['id']}"))["port"])


def _begun(item: Item) -> bool:
    return not item.get("device_id")


async def _delete(hand: Hand, there: Mapping[str, Any]) -> None:
    if _begun(there):
        await hand.call("DELETE", f"/v2.0/ports/{there['id']}")
        return
    path = f"/v2.0/routers/{there['device_id']}/remove_router_interface"
    await hand.call("PUT", path, {"port_id": there["id"]})


KIND = Kind(
    "router_interface",
    _INTERFACE,
    ("name", "description", "admin_state_up", "fixed_ips"),
    ("project_id", "device_id", "network_id", "mac_address"),
    after=("router", "subnet"),
    within=("device_id", "network_id"),
    only=INTERFACES,
    natural=_natural,
    begun=_begun,
    drains_with="device_id",
    create=_create,
    delete=_delete,
)
