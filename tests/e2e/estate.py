"""One of everything at each site, for what needs things that are there. Made with the header, at once."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.e2e.waiting import until
from tests.e2e.world import World


@dataclass(frozen=True)
class Holding:
    """What a project has at one site; everything by the ID that clients see."""

    site: str
    name: str
    network: str
    subnet: str
    router: str
    port: str
    floating_ip: str
    security_group: str
    volume: str
    snapshot: str
    image: str
    server: str


def new_estate(world: World, copies: int = 1) -> list[Holding]:
    """So many holdings at each site, the first site's first; made at the same time."""
    wanted = [site for site in world.sites for _ in range(copies)]
    with ThreadPoolExecutor(len(wanted)) as pool:
        return list(pool.map(partial(new_holding, world), wanted, range(len(wanted))))


def new_holding(world: World, site: str, number: int) -> Holding:
    """One of everything at a site; all with one name. The server has the port and the volume."""
    name = f"estate-{site}-{uuid.uuid4().hex[:6]}"

    def make(service: str, path: str, key: str, **fields: Any) -> str:
        return str(world.make(site, service, path, key, {"name": name, **fields})["id"])

    network = make("network", "/v2.0/networks", "network")
    cidr = {"cidr": f"10.{60 + number}.0.0/24", "ip_version": 4}
    subnet = make("network", "/v2.0/subnets", "subnet", network_id=network, **cidr)
    external = world.api.get("network", "/v2.0/networks?router:external=true")["networks"]
    gateway = {"network_id": external[0]["id"]}
    router = make("network", "/v2.0/routers", "router", external_gateway_info=gateway)
    interface = {"subnet_id": subnet}
    path = f"/v2.0/routers/{router}/add_router_interface"
    world.api.do("PUT", "network", path, interface)
    group = make("network", "/v2.0/security-groups", "security_group")
    port = make("network", "/v2.0/ports", "port", network_id=network, security_groups=[group])
    address = {"floating_network_id": external[0]["id"], "port_id": port}
    floating_ip = world.make(site, "network", "/v2.0/floatingips", "floatingip", address)["id"]
    volume = make("block-storage", "/volumes", "volume", size=1)
    free = {"name": name, "disk_format": "raw", "container_format": "bare"}
    image = world.api.do("POST", "image", "/v2/images", free, site=site)["id"]
    data = name.encode() * 100
    world.api.do("PUT", "image", f"/v2/images/{image}/file", data=data)

    def status(service: str, path: str, key: str) -> str:
        return str(world.api.get(service, path)[key]["status"])

    path = f"/volumes/{volume}"
    until(lambda: status("block-storage", path, "volume") == "available", "a new volume")
    snapshot = make("block-storage", "/snapshots", "snapshot", volume_id=volume)
    server = world.boot(site, name=name, networks=[{"port": port}])["id"]
    until(lambda: status("compute", f"/servers/{server}", "server") == "ACTIVE", "a new server")
    path = f"/servers/{server}/os-volume_attachments"
    world.api.do("POST", "compute", path, {"volumeAttachment": {"volumeId": volume}})
    until(
        lambda: status("block-storage", f"/volumes/{volume}", "volume") == "in-use",
        "an attached volume",
    )
    return Holding(
        site,
        name,
        network,
        subnet,
        router,
        port,
        floating_ip,
        group,
        volume,
        snapshot,
        image,
        server,
    )
