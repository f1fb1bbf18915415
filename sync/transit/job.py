"""Makes the parts of transit networks at one site, and takes them away.

Whatever dies on the way leaves nothing that the next round does not understand: all is born with the mark of
its router. Routes come last and go first, for Neutron keeps a port that they lead over.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from adapters.transit import PREFIXES, transit_mark
from sync.cloud import Led, Refused
from sync.driver import Ground
from sync.kinds.router_interface import OWNERS
from sync.mac import transit_mac
from sync.ways import Build, Clear, Local, Part, Route

_NAME = "federator-transit"


@dataclass(frozen=True, slots=True)
class Job:
    """What is done in one round. Every method raises Refused, SiteUnreachable, NotLeading."""

    cloud: Led
    ground: Ground
    number: int
    """Of the site."""

    async def build(self, build: Build) -> None:
        """The way as it is to be."""
        mark = transit_mark(build.router, self.ground.federation)
        network = build.part.network if build.part else await self._network(build, mark)
        if (network.get("mtu") or 0) > build.mtu:
            path, body = f"/v2.0/networks/{network['id']}", {"network": {"mtu": build.mtu}}
            network = (await self.cloud.call("PUT", path, body))["network"]
        part = build.part or Part(build.router, network, build.vlan)
        for prefix in PREFIXES:
            if prefix.version not in part.subnets:
                part.subnets[prefix.version] = await self._made(
                    "subnet",
                    network_id=network["id"],
                    ip_version=prefix.version,
                    cidr=str(prefix),
                    gateway_ip=None,
                    enable_dhcp=False,
                    description=mark,
                )
        if not part.plugged:
            await self._plug(build, part, mark)
        await self._routes("remove", build.local_id, build.remove)
        await self._routes("add", build.local_id, build.add)

    async def clear(self, clear: Clear) -> None:
        """None of it is there any more."""
        await self._routes("remove", clear.local_id, clear.routes)
        if (part := clear.part) is not None:
            await self._unplug(part)
            await self._gone("DELETE", f"/v2.0/networks/{part.network['id']}")

    async def _network(self, build: Build, mark: str) -> Local:
        fields = self.ground.driver.born(self.ground, build.vlan)
        fields |= {"name": _NAME, "description": mark}
        try:
            return await self._made("network", **fields, mtu=build.mtu)
        except Refused as error:
            if error.status != 400:
                raise
        # It carries less than that: as much as it can (see `sync.kinds.network`).
        return await self._made("network", **fields)

    async def _plug(self, build: Build, part: Part, mark: str) -> None:
        if part.port is None:
            part.port = await self._made(
                "port",
                network_id=part.network["id"],
                mac_address=transit_mac(build.router, self.number),
                fixed_ips=[
                    {"subnet_id": part.subnets[version]["id"], "ip_address": address}
                    for version, address in build.hops.items()
                ],
                # Else it would get a security group.
                device_owner=OWNERS[0],
                description=mark,
            )
        path = f"/v2.0/routers/{build.local_id}/add_router_interface"
        await self.cloud.call("PUT", path, {"port_id": part.port["id"]})

    async def _unplug(self, part: Part) -> None:
        if part.port is None:
            return
        if part.plugged:
            path = f"/v2.0/routers/{part.plugged}/remove_router_interface"
            await self._gone("PUT", path, {"port_id": part.port["id"]})
        else:
            await self._gone("DELETE", f"/v2.0/ports/{part.port['id']}")
        part.port = None

    async def _routes(self, verb: str, router: str, routes: Collection[Route]) -> None:
        if not routes:
            return
        wanted = [{"destination": to, "nexthop": over} for to, over in sorted(routes)]
        path, body = f"/v2.0/routers/{router}/{verb}_extraroutes", {"router": {"routes": wanted}}
        await self.cloud.call("PUT", path, body)

    async def _made(self, kind: str, **fields: Any) -> Local:
        made: Local = (await self.cloud.call("POST", f"/v2.0/{kind}s", {kind: fields}))[kind]
        return made

    async def _gone(self, method: str, path: str, json: object = None) -> None:
        """Somebody may have been faster."""
        try:
            await self.cloud.call(method, path, json)
        except Refused as error:
            if error.status != 404:
                raise
