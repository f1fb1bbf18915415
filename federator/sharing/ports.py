"""What requests have to do with the ports of a site: those of other sites have to know. Pure.

Nova makes and deletes ports a moment after it has answered; the daemon looks for a while (`sync.daemon`).
"""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from federator.call import Call, SiteReply

_ACTIONS = frozenset({"addSecurityGroup", "forceDelete", "removeSecurityGroup"})
"""What changes a server's ports, or lets go of them."""

_IN_USE = frozenset({"IpAddressAlreadyAllocated", "IpAddressInUse", "MacAddressInUse"})
"""What Neutron calls it when another port has an address or a MAC that is asked for."""


def changes_ports(call: Call) -> bool:
    """Whether ports may be others after this than before it."""
    if call.method not in ("POST", "PUT", "DELETE") or call.resource is None:
        return False
    match call.resource.kind:
        case "port":
            return not call.tail
        case "server" if call.is_action:
            return isinstance(call.body, dict) and not _ACTIONS.isdisjoint(call.body)
        case "server":
            return not call.tail and call.method != "PUT"
        case kind:
            return kind == "interfaceAttachment"


def wishes(body: Any) -> list[tuple[str, str, str]]:
    """(network, subnet, address) of each address that a body asks for: of ports, of servers to create, of what
    they are to be plugged into."""
    found: list[tuple[str, str, str]] = []
    if not isinstance(body, dict):
        return found
    plugged = body.get("interfaceAttachment")
    for port in (*_ports(body), *([plugged] if isinstance(plugged, dict) else ())):
        for each in _list(port.get("fixed_ips")):
            if isinstance(each, dict) and _is_address(each.get("ip_address")):
                network, subnet = port.get("network_id", port.get("net_id")), each.get("subnet_id")
                found.append((str(network or ""), str(subnet or ""), each["ip_address"]))
    server = body.get("server")
    networks = _list(server.get("networks")) if isinstance(server, dict) else []
    found += [
        (str(each.get("uuid") or ""), "", each["fixed_ip"])
        for each in networks
        if isinstance(each, dict) and _is_address(each.get("fixed_ip"))
    ]
    return found


def filters(body: Any, network: str = "") -> list[tuple[str, str]]:
    """(network, filter of a list of ports) for each address and each MAC that a body asks for.

    `network` is that of a port which is there already.
    """
    found = [(net or network, having(address)) for net, _, address in wishes(body)]
    for port in _ports(body):
        mac = port.get("mac_address")
        if isinstance(mac, str) and mac.isascii():
            text = mac.lower().replace("-", ":")
            found.append((str(port.get("network_id") or network), f"mac_address={text}"))
    return found


def having(address: str) -> str:
    """The filter of a list of ports: those with this address."""
    return f"fixed_ips=ip_address%3D{ip_address(address)}"


def in_use(reply: SiteReply) -> str:
    """The type of Neutron's error, if what it refuses is an address or a MAC that another port has."""
    kind = error_type(reply)
    return kind if reply.status == 409 and kind in _IN_USE else ""


def error_type(reply: SiteReply) -> str:
    """What Neutron calls the error that it answers with; empty if it answers with none."""
    error = reply.body.get("NeutronError") if isinstance(reply.body, dict) else None
    return str(error.get("type") or "") if isinstance(error, dict) else ""


def is_going(server: Mapping[str, Any]) -> bool:
    """Whether a server is being deleted, and its ports with it."""
    return server.get("OS-EXT-STS:task_state") == "deleting" or server.get("status") == "DELETED"


def _ports(body: Any) -> list[Mapping[str, Any]]:
    every = [body.get("port"), *_list(body.get("ports"))] if isinstance(body, dict) else []
    return [port for port in every if isinstance(port, dict)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_address(value: object) -> bool:
    try:
        ip_address(str(value))
    except ValueError:
        return False
    return isinstance(value, str)
