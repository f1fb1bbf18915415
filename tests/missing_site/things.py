"""What is at the sites: one of each kind, made through the gateway."""

from dataclasses import dataclass
from typing import Any

from tests.e2e.api import Api
from tests.e2e.waiting import until

STAYS, LEAVES = "paris", "tokyo"
"""The site that is always there, and the one that is not."""

KINDS = {
    "server": ("compute", "/servers", "servers"),
    "volume": ("block-storage", "/volumes", "volumes"),
    "snapshot": ("block-storage", "/snapshots", "snapshots"),
    "image": ("image", "/v2/images", "images"),
    "network": ("network", "/v2.0/networks", "networks"),
    "subnet": ("network", "/v2.0/subnets", "subnets"),
    "port": ("network", "/v2.0/ports", "ports"),
    "router": ("network", "/v2.0/routers", "routers"),
    "floatingip": ("network", "/v2.0/floatingips", "floatingips"),
    "security_group": ("network", "/v2.0/security-groups", "security_groups"),
}
"""Kind -> service, path of its list, key of the list."""


@dataclass(frozen=True)
class Things:
    """One of each at the site that leaves, by the ID that clients see; all with one name."""

    name: str
    server: str
    volume: str
    snapshot: str
    image: str
    network: str
    subnet: str
    port: str
    router: str
    floatingip: str
    security_group: str


def new_things(api: Api, name: str) -> Things:
    """Make them, and remember nothing of it but their IDs."""

    def made(service: str, path: str, key: str, **fields: Any) -> str:
        return str(make(api, LEAVES, service, path, key, **{"name": name, **fields})["id"])

    volume = made("block-storage", "/volumes", "volume", size=1)
    path = f"/volumes/{volume}"
    until(lambda: api.get("block-storage", path)["volume"]["status"] == "available", "a new volume")
    network = made("network", "/v2.0/networks", "network")
    cidr = {"cidr": "10.77.0.0/24", "ip_version": 4}
    external = api.get("network", "/v2.0/networks?router:external=true")["networks"][0]["id"]
    address = {"floating_network_id": external}
    image = {"name": name, "disk_format": "raw", "container_format": "bare"}
    return Things(
        name,
        boot(api, LEAVES, name)["id"],
        volume,
        made("block-storage", "/snapshots", "snapshot", volume_id=volume),
        api.do("POST", "image", "/v2/images", image, site=LEAVES)["id"],
        network,
        made("network", "/v2.0/subnets", "subnet", network_id=network, **cidr),
        made("network", "/v2.0/ports", "port", network_id=network),
        made("network", "/v2.0/routers", "router"),
        make(api, LEAVES, "network", "/v2.0/floatingips", "floatingip", **address)["id"],
        made("network", "/v2.0/security-groups", "security_group"),
    )


def new_parts(api: Api, things: Things) -> dict[str, str]:
    """What is not remembered: a server group, and a rule of their security group."""
    policies = {"name": "apart", "policies": ["anti-affinity"]}
    group = make(api, LEAVES, "compute", "/os-server-groups", "server_group", **policies)
    rule = {"security_group_id": things.security_group, "direction": "ingress"}
    path, key = "/v2.0/security-group-rules", "security_group_rule"
    made = make(api, LEAVES, "network", path, key, **rule)
    return {"group": group["id"], "rule": made["id"]}


def make(api: Api, site: str, service: str, path: str, key: str, **fields: Any) -> Any:
    """Something new at a site."""
    return api.do("POST", service, path, {key: fields}, site=site)[key]


def boot(api: Api, site: str, name: str) -> Any:
    """A small new server at a site, without a network, when it is ACTIVE."""
    image = api.get("image", "/v2/images?name=cirros")["images"][0]["id"]
    flavors = api.get("compute", "/flavors")["flavors"]
    flavor = next(each["id"] for each in flavors if each["name"] == "m1.nano")
    body = {"name": name, "imageRef": image, "flavorRef": flavor, "networks": "none"}
    server = api.do(
        "POST", "compute", "/servers", {"server": body}, site=site, microversion="2.37"
    )["server"]["id"]

    def active() -> Any:
        shown = api.get("compute", f"/servers/{server}")["server"]
        return shown["status"] == "ACTIVE" and shown

    return until(active, "a new server")


@dataclass(frozen=True)
class Usage:
    """What the project has used in a week, which ended when the tests began."""

    path: str
    used: Any

    @classmethod
    def now(cls, api: Api, path: str) -> "Usage":
        used = api.get("compute", path)["tenant_usage"]
        # Goes on, whatever is asked for.
        ours = [each | {"uptime": 0} for each in used["server_usages"]]
        return cls(path, {**used, "server_usages": ours})
