"""A router is plugged into a subnet, with a MAC that is the same wherever the router will be.

Neutron draws one at random, and no interface ever gets another. So, where things can span sites, the port is
made before the interface, by the caller's own token: with what Neutron itself makes such a port of, but for the
MAC. If it cannot be made so, the caller's plain request goes to the site, and its answer is the answer.

A gateway that dies between the two leaves a port that is no interface yet. It is known by its MAC, which is
computed: who asks once more goes on with it.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from adapters.transit import PREFIXES
from federator.asker import Question
from federator.call import SiteReply
from federator.faults import BadRequest, Fault
from federator.sharing.reader import Reader
from idmap.desired import DesiredStore
from sync.kinds.router_interface import OWNERS
from sync.mac import interface_mac


@dataclass(frozen=True, slots=True)
class Plugging:
    """Asks a site to plug a router in."""

    reader: Reader
    store: DesiredStore

    async def ask(self, question: Question, site: str) -> SiteReply:
        """What the site says, as `Fanout.ask`. Raises BadRequest, too."""
        subnet = _subnet(question)
        if subnet and await self.store.ever_led([site]):
            port = await self._port(question, subnet, site)
            if port is not None:
                reply = await self._attached(question, port, site)
                if reply is not None:
                    return reply
        return await self.reader.fanout.ask(question, site)

    async def _port(self, question: Question, subnet_id: str, site: str) -> str | None:
        """The port that is to be the interface; None if none can be made, or if it is not for the caller."""
        identity, request_id = question.identity, question.request_id
        path = f"/subnets/{subnet_id}"
        shown = await self.reader.reply(path, site, identity, request_id, strict=True)
        subnet = shown.body.get("subnet") if shown.ok and isinstance(shown.body, dict) else None
        if not subnet or not subnet.get("gateway_ip"):
            return None
        _is_nobodys_way(subnet)
        if subnet.get("project_id") != identity.project_id:
            # Neutron makes it the router's project's, and whose that is only it knows for sure.
            return None
        places = next(iter(question.where.path.values()))
        router = self.reader.locator.shown(site, places[site])
        address = {"subnet_id": subnet["id"], "ip_address": subnet["gateway_ip"]}
        fields = {
            "network_id": subnet["network_id"],
            "mac_address": interface_mac(router, subnet["id"]),
            "fixed_ips": [address],
            # Else it gets a security group, and an address of each other subnet that gives them by itself.
            "device_owner": OWNERS[0],
        }
        made = await self.reader.reply(
            "/ports", site, identity, request_id, method="POST", body={"port": fields}
        )
        if made.ok and isinstance(made.body, dict):
            return str(made.body["port"]["id"])
        return await self._begun(question, fields, site) if made.status == 409 else None

    async def _begun(self, question: Question, fields: Mapping[str, Any], site: str) -> str | None:
        """The port that somebody made before he died."""
        path = f"/ports?network_id={fields['network_id']}&mac_address={fields['mac_address']}"
        reply = await self.reader.reply(path, site, question.identity, question.request_id)
        ports = reply.body.get("ports") if reply.ok and isinstance(reply.body, dict) else None
        for port in ports or ():
            if not port.get("device_id") and port.get("fixed_ips") == fields["fixed_ips"]:
                return str(port["id"])
        return None

    async def _attached(self, question: Question, port: str, site: str) -> SiteReply | None:
        """What the site says to it; None if it refuses, and may not refuse the plain request."""
        identity, request_id = question.identity, question.request_id
        path = question.call.path
        reply = await self.reader.reply(
            path, site, identity, request_id, method="PUT", body={"port_id": port}
        )
        if reply.ok or reply.missing:
            return reply
        with suppress(Fault):
            # One that is an interface after all is not deleted: Neutron sees to that.
            await self.reader.reply(f"/ports/{port}", site, identity, request_id, method="DELETE")
        return reply if reply.status >= 500 else None


def _is_nobodys_way(subnet: Mapping[str, Any]) -> None:
    """Raises BadRequest for addresses by which routers reach each other: routes over them are ours."""
    cidr = ip_network(subnet["cidr"])
    for prefix in PREFIXES:
        if prefix.version == cidr.version and prefix.overlaps(cidr):
            raise BadRequest(
                f"Bad router request: Cidr {cidr} of subnet {subnet['id']} overlaps with {prefix}, by which"
                " routers of several sites reach each other.",
                title="BadRequest",
            )


def _subnet(question: Question) -> str:
    """The subnet that a router is to be plugged into; empty if the caller has a port for it."""
    body = question.call.body
    if not isinstance(body, dict) or body.keys() != {"subnet_id"}:
        return ""
    return str(body["subnet_id"]) if isinstance(body["subnet_id"], str) else ""
