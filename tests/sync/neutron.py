"""A stand-in for one site's Neutron, in this process, so that thousands of rounds take seconds.

It knows what the daemons ask and what real Neutrons (2026.2 and 2023.1) were seen to answer, no more.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from itertools import count
from typing import Any, NoReturn
from urllib.parse import parse_qsl
from uuid import UUID, uuid5

import orjson

Item = dict[str, Any]

SERVICE = "5e" * 16
"""The project of the gateway's account."""

_COMMON = {"description": "", "project_id": SERVICE, "revision_number": 0}
_FRESH: dict[str, Item] = {
    "network": {
        "name": "",
        "admin_state_up": True,
        "mtu": None,
        "status": "ACTIVE",
        "subnets": [],
        "shared": False,
        "port_security_enabled": True,
        "dns_domain": "",
        "qos_policy_id": None,
        "router:external": False,
        "provider:network_type": None,
        "provider:physical_network": None,
        "provider:segmentation_id": None,
        "availability_zone_hints": [],
        "tags": [],
    },
    "subnet": {
        "name": "",
        "network_id": None,
        "ip_version": None,
        "enable_dhcp": True,
        "ipv6_ra_mode": None,
        "ipv6_address_mode": None,
        "gateway_ip": None,
        "cidr": None,
        "allocation_pools": [],
        "host_routes": [],
        "dns_nameservers": [],
        "subnetpool_id": None,
        "segment_id": None,
        "tags": [],
    },
    "router": {
        "name": "",
        "admin_state_up": True,
        "status": "ACTIVE",
        "external_gateway_info": None,
        "distributed": False,
        "ha": False,
        "routes": [],
        "flavor_id": None,
        "availability_zone_hints": [],
        "tags": [],
    },
    "port": {
        "name": "",
        "network_id": None,
        "mac_address": None,
        "admin_state_up": True,
        "status": "DOWN",
        "device_id": "",
        "device_owner": "",
        "fixed_ips": [],
        "security_groups": [],
        "port_security_enabled": True,
        "allowed_address_pairs": [],
        "tags": [],
    },
    "security_group": {"name": "", "stateful": True, "shared": False, "tags": []},
    "security_group_rule": {
        "security_group_id": None,
        "ethertype": "IPv4",
        "direction": None,
        "protocol": None,
        "port_range_min": None,
        "port_range_max": None,
        "remote_ip_prefix": None,
        "remote_group_id": None,
        "remote_address_group_id": None,
    },
    "address_group": {"name": "", "addresses": []},
    "policy": {"name": "", "shared": False, "is_default": False, "rules": [], "tags": []},
}
_COLLECTIONS = {
    "networks": "network",
    "subnets": "subnet",
    "routers": "router",
    "ports": "port",
    "security-groups": "security_group",
    "security-group-rules": "security_group_rule",
    "address-groups": "address_group",
    "policies": "policy",
}
_READ_ONLY = {"subnets", "status", "tags", "revision_number"}
_IDENTITY = (
    "security_group_id",
    "direction",
    "ethertype",
    "port_range_min",
    "port_range_max",
    "remote_group_id",
    "remote_address_group_id",
)
_NUMBERS = {"icmp": "1", "tcp": "6", "udp": "17", "gre": "47", "ipv6-icmp": "58", "sctp": "132"}


class _No(Exception):
    def __init__(self, status: int, kind: str) -> None:
        self.status, self.kind = status, kind


def _no(status: int, kind: str) -> NoReturn:
    raise _No(status, kind)


@dataclass
class Neutron:
    """One site. What is in `kept` can be looked at and changed behind everybody's back."""

    name: str
    longest_mtu: int = 1450
    longest_vlan: int = 1500
    max_routes: int = 30
    lacks: frozenset[str] = frozenset()
    """Collections of extensions that it does not have."""
    kept: dict[str, dict[str, Item]] = field(
        default_factory=lambda: {kind: {} for kind in _FRESH} | {"segment": {}}
    )

    def __post_init__(self) -> None:
        self._numbers = count(1)

    def request(
        self,
        method: str,
        path: str,
        json: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """The status and the body of the answer."""
        bare, _, query = path.partition("?")
        # Policies are below /qos, and their tags are not.
        words = bare.removeprefix("/v2.0/").removeprefix("qos/").split("/")
        if bare.startswith("/v2.0/qos/") and words[2:] == ["tags"]:
            return 400, {"NeutronError": {"type": "InvalidInput", "message": "Invalid tags body."}}
        try:
            answer = self._answer(method, words, parse_qsl(query), _copy(json), headers or {})
        except _No as no:
            error = {"type": no.kind, "message": f"{no.kind} at {self.name}", "detail": ""}
            return no.status, {"NeutronError": error}
        return (204 if answer is None else 201 if method == "POST" else 200), _copy(answer)

    def _answer(
        self,
        method: str,
        words: list[str],
        query: list[tuple[str, str]],
        body: Any,
        headers: Mapping[str, str],
    ) -> Any:
        if words == ["segments"] and method == "POST":
            return {"segment": self._new_segment(body["segment"])}
        if words[0] == "network-ip-availabilities":
            return {"network_ip_availability": self._availability(words[1])}
        if words == ["floatingips"] and method == "GET":
            return {"floatingips": []}
        if words[0] not in _COLLECTIONS or words[0] in self.lacks:
            _no(404, "HTTPNotFound")
        if words[0] == "policies" and words[2:3] and words[2].endswith("_rules"):
            return self._rule(method, self._one("policy", words[1]), words[2:], body)
        kind = _COLLECTIONS[words[0]]
        keys = words[0].replace("-", "_")
        match method, words[1:]:
            case "GET", []:
                found = list(self._listed(kind, query))
                full = str(len(found)) == dict(query).get("limit")
                return {keys: found} | ({f"{keys}_links": [{"rel": "next"}]} if full else {})
            case "GET", [local_id]:
                return {kind: self.shown(kind, self._one(kind, local_id))}
            case "POST", [] if keys in body:
                return {keys: self._bulk(kind, body[keys])}
            case "POST", []:
                return {kind: self.shown(kind, self._create(kind, body[kind]))}
            case "PUT", [local_id]:
                item = self._matching(kind, local_id, headers)
                self._change(kind, item, body[kind])
                return {kind: self.shown(kind, item)}
            case "DELETE", [local_id]:
                self._delete(kind, self._matching(kind, local_id, headers))
                return None
            case "PUT", [local_id, "tags"] if "tags" in _FRESH[kind]:
                item = self._one(kind, local_id)
                if any(len(tag) > 255 for tag in body["tags"]):
                    _no(400, "HTTPBadRequest")
                item["tags"] = sorted(set(body["tags"]))
                item["revision_number"] += 1
                return {"tags": item["tags"]}
            case (("PUT" | "DELETE"), [local_id, "tags", tag]) if "tags" in _FRESH[kind]:
                item = self._one(kind, local_id)
                tags = {*item["tags"]} - {tag}
                item["tags"] = sorted(tags | {tag} if method == "PUT" else tags)
                item["revision_number"] += 1
                return None
            case "PUT", [local_id, verb]:
                verbs: dict[tuple[str, str], Callable[[Item, Any], Any]] = {
                    ("router", "add_router_interface"): self._add_interface,
                    ("router", "remove_router_interface"): self._remove_interface,
                    ("router", "add_extraroutes"): self._add_routes,
                    ("router", "remove_extraroutes"): self._remove_routes,
                    ("address_group", "add_addresses"): self._add_addresses,
                    ("address_group", "remove_addresses"): self._remove_addresses,
                }
                if (kind, verb) in verbs:
                    return verbs[kind, verb](self._one(kind, local_id), body)
        _no(404, "HTTPNotFound")

    def all(self, kind: str) -> list[Item]:
        """Every object of a kind, as kept."""
        return list(self.kept[kind].values())

    def shown(self, kind: str, item: Item) -> Item:
        """An object as the API shows it."""
        match kind:
            case "security_group":
                rules = [r for r in self.all("security_group_rule") if _of(r, item)]
                return {**item, "security_group_rules": rules}
            case "network":
                subnets = [s["id"] for s in self.all("subnet") if s["network_id"] == item["id"]]
                out = {**item, "subnets": subnets}
                if added := [s for s in self.all("segment") if s["network_id"] == item["id"]]:
                    names = "network_type", "physical_network", "segmentation_id"
                    own = {f"provider:{name}": out.pop(f"provider:{name}") for name in names}
                    others = [{f"provider:{name}": s[name] for name in names} for s in added]
                    out["segments"] = [own, *others]
                return out
        return item

    def _listed(self, kind: str, query: list[tuple[str, str]]) -> Iterator[Item]:
        asked: dict[str, list[str]] = {}
        for name, value in query:
            asked.setdefault(name, []).append(value)
        limit = int(asked.pop("limit", ["1000000"])[0])
        marker = asked.pop("marker", [""])[0]
        fields = asked.pop("fields", [])
        if marker:
            self._one(kind, marker)
        for local_id, item in sorted(self.kept[kind].items()):
            if limit and local_id > marker and all(_fits(item, n, v) for n, v in asked.items()):
                limit -= 1
                out = self.shown(kind, item)
                yield {name: out[name] for name in fields} if fields else out

    def _one(self, kind: str, local_id: str) -> Item:
        if local_id not in self.kept[kind]:
            _no(404, "NotFound")
        return self.kept[kind][local_id]

    def _matching(self, kind: str, local_id: str, headers: Mapping[str, str]) -> Item:
        item = self._one(kind, local_id)
        wanted = headers.get("If-Match", "").removeprefix("revision_number=")
        if wanted and item["revision_number"] != int(wanted):
            _no(412, "RevisionNumberConstraintFailed")
        return item

    def _create(self, kind: str, fields: Item) -> Item:
        given = dict(fields)
        if given.keys() - {*_FRESH[kind], *_COMMON, "tenant_id"} or given.keys() & _READ_ONLY:
            _no(400, "HTTPBadRequest")
        self._check(given)
        now = next(self._numbers)
        item = {
            "id": str(uuid5(UUID(int=7), f"{self.name} {now}")),
            **_copy({**_COMMON, **_FRESH[kind]}),
            **given,
            "created_at": f"2026-11-28T10:00:00Z #{now:06}",
        }
        getattr(self, f"_new_{kind}")(item, given)
        self.kept[kind][item["id"]] = item
        if kind == "security_group":
            for ethertype in ("IPv4", "IPv6"):
                rule = {"security_group_id": item["id"], "direction": "egress"}
                owner = {"project_id": item["project_id"], "ethertype": ethertype}
                self._create("security_group_rule", {**rule, **owner})
            item["revision_number"] = 1
        return item

    def _bulk(self, kind: str, many: list[Item]) -> list[Item]:
        """All of them, or none."""
        before = dict(self.kept[kind])
        try:
            return [self.shown(kind, self._create(kind, each)) for each in many]
        except _No:
            self.kept[kind] = before
            raise

    def _check(self, fields: Item) -> None:
        for name in ("name", "description"):
            if len(fields.get(name) or "") > 255:
                _no(400, "HTTPBadRequest")

    def _new_network(self, item: Item, given: Item) -> None:
        if item["qos_policy_id"]:
            self._one("policy", item["qos_policy_id"])
        item["revision_number"] = 1
        if given.get("provider:network_type") == "vlan":
            self._vlan_is_free(
                given["provider:physical_network"], given["provider:segmentation_id"]
            )
        else:
            item["provider:network_type"] = "vxlan"
            item["provider:segmentation_id"] = 10_000 + next(self._numbers)
        item["mtu"] = self._mtu(item, given.get("mtu") or 0)

    def _mtu(self, network: Item, wanted: int) -> int:
        vlan = network["provider:network_type"] == "vlan"
        longest = self.longest_vlan if vlan else self.longest_mtu
        if wanted > longest:
            _no(400, "InvalidInput")
        return wanted or longest

    def _vlan_is_free(self, physical: str, number: int) -> None:
        used = [n for n in self.all("network") if n["provider:physical_network"] == physical]
        numbers = {n["provider:segmentation_id"] for n in used}
        numbers |= {s["segmentation_id"] for s in self.all("segment")}
        if number in numbers:
            _no(409, "VlanIdInUse")

    def _availability(self, network: str) -> Item:
        subnets = [s["id"] for s in self.all("subnet") if s["network_id"] == network]
        used = [a["subnet_id"] for p in self.all("port") for a in p["fixed_ips"]]
        counts = [{"subnet_id": s, "used_ips": used.count(s)} for s in subnets]
        return {"network_id": network, "subnet_ip_availability": counts}

    def _new_segment(self, given: Item) -> Item:
        self._one("network", given["network_id"])
        self._vlan_is_free(given["physical_network"], given["segmentation_id"])
        made = {"id": str(uuid5(UUID(int=8), f"{self.name} {next(self._numbers)}")), **given}
        self.kept["segment"][made["id"]] = made
        return made

    def _new_subnet(self, item: Item, given: Item) -> None:
        net = ip_network(item["cidr"])
        network = self._one("network", item["network_id"])
        for other in self.all("subnet"):
            if other["network_id"] == network["id"] and (
                other["ip_version"] == net.version and ip_network(other["cidr"]).overlaps(net)
            ):
                _no(400, "InvalidInput")
        if "gateway_ip" not in given:
            item["gateway_ip"] = str(net[1] if net.version == 4 else net[0])
        if not given.get("allocation_pools"):
            item["allocation_pools"] = [{"start": str(net[2]), "end": str(net[-2])}]
        network["revision_number"] += 1

    def _rule(self, method: str, policy: Item, words: list[str], body: Any) -> Item | None:
        """What is below a policy: one rule of a sort and direction, no least above a most."""
        sort = words[0].removesuffix("_rules")
        key = f"{sort}_rule"
        old = next((r for r in policy["rules"] if r["id"] == words[-1]), None)
        if len(words) > 1 and old is None:
            _no(404, "QosRuleNotFound")
        if method == "DELETE":
            policy["rules"].remove(old)
            policy["revision_number"] += 1
            return None
        rule = {**(old or {}), **body[key], "type": sort, "qos_policy_id": policy["id"]}
        rule.setdefault("id", str(uuid5(UUID(int=6), f"{self.name} {next(self._numbers)}")))
        others = [r for r in policy["rules"] if r is not old]
        same = [r for r in others if r.get("direction") == rule.get("direction")]
        if any(r["type"] == sort for r in same):
            _no(409, "QoSRulesConflict")
        least = [r["min_kbps"] for r in [*same, rule] if "min_kbps" in r]
        most = [r["max_kbps"] for r in [*same, rule] if "max_kbps" in r]
        if least and most and least[0] > most[0]:
            _no(409, "QoSRuleParameterConflict")
        policy["rules"] = [*others, rule]
        policy["revision_number"] += 1
        return {key: {n: v for n, v in rule.items() if n not in ("type", "qos_policy_id")}}

    def _new_policy(self, item: Item, given: Item) -> None:
        if given.get("rules"):
            _no(400, "HTTPBadRequest")

    def _new_router(self, item: Item, given: Item) -> None:
        item["revision_number"] = 1
        self._set_gateway(item, item["external_gateway_info"])
        if item["routes"]:
            _no(400, "HTTPBadRequest")

    def _set_gateway(self, router: Item, info: Any) -> None:
        if not info:
            router["external_gateway_info"] = None
            return
        if not self._one("network", info["network_id"])["router:external"]:
            _no(400, "BadRequest")
        snat = {"enable_snat": info.get("enable_snat", True)}
        router["external_gateway_info"] = {"network_id": info["network_id"], **snat} | {
            "external_fixed_ips": [{"subnet_id": f"of {self.name}", "ip_address": "203.0.113.9"}]
        }

    def _new_port(self, item: Item, given: Item) -> None:
        network = self._one("network", item["network_id"])
        ports = [p for p in self.all("port") if p["network_id"] == network["id"]]
        item["mac_address"] = given.get("mac_address") or self._mac()
        if item["mac_address"] in [p["mac_address"] for p in ports]:
            _no(409, "MacAddressInUse")
        item["revision_number"] = 1
        taken = {a["ip_address"] for p in ports for a in p["fixed_ips"]}
        subnets = [s for s in self.all("subnet") if s["network_id"] == network["id"]]
        if "fixed_ips" not in given:
            first = [s for s in subnets if s["ip_version"] == 4][:1]
            item["fixed_ips"] = [{"subnet_id": s["id"]} for s in first]
        self._address(item, item["fixed_ips"], taken)
        trusted = item["device_owner"].startswith("network:")
        slaac = [s for s in subnets if s.get("ipv6_address_mode") == "slaac"]
        if not trusted and given.get("fixed_ips", ...) != []:
            # Addresses that a host would give itself come along, whatever was asked for.
            has = {a["subnet_id"] for a in item["fixed_ips"]}
            item["fixed_ips"] += [_eui64(s, item) for s in slaac if s["id"] not in has]
        if "port_security_enabled" not in given:
            item["port_security_enabled"] = network["port_security_enabled"] and not trusted
        if "security_groups" not in given and item["port_security_enabled"]:
            item["security_groups"] = [self.default_group(item["project_id"])["id"]]
        self._is_secure(item)
        for group in item["security_groups"]:
            self._one("security_group", group)

    def _address(self, port: Item, fixed_ips: list[Item], taken: set[str]) -> None:
        for each in fixed_ips:
            subnet = self._one("subnet", each["subnet_id"])
            routers = port["device_owner"].startswith("network:router")
            if subnet.get("ipv6_address_mode") == "slaac" and not routers:
                if "ip_address" in each:
                    _no(400, "AllocationOnAutoAddressSubnet")
                each |= _eui64(subnet, port)
            elif "ip_address" not in each:
                each["ip_address"] = _free(subnet, taken)
            elif each["ip_address"] in taken:
                _no(409, "IpAddressAlreadyAllocated")
            elif ip_address(each["ip_address"]) not in ip_network(subnet["cidr"]):
                _no(400, "InvalidIpForSubnet")

    def _is_secure(self, port: Item) -> None:
        if not port["port_security_enabled"] and port["security_groups"]:
            _no(400, "PortSecurityAndIPRequiredForSecurityGroups")
        if not port["port_security_enabled"] and port["allowed_address_pairs"]:
            _no(409, "AddressPairAndPortSecurityRequired")

    def _mac(self) -> str:
        """Each site draws others: where two draw the same, a test says so."""
        number = next(self._numbers)
        last = f"{number // 256:02x}:{number % 256:02x}"
        return f"fa:16:3e:{sum(self.name.encode()) % 256:02x}:{last}"

    def _new_security_group(self, item: Item, given: Item) -> None:
        self.default_group(item["project_id"])
        if item["name"] == "default":
            _no(409, "SecurityGroupDefaultAlreadyExists")

    def default_group(self, project: str) -> Item:
        """Each project has one, as soon as it has anything to do with groups."""
        for group in self.all("security_group"):
            if group["project_id"] == project and group["name"] == "default":
                return group
        group_id = str(uuid5(UUID(int=9), f"{self.name} {project}"))
        group = {"id": group_id, **_COMMON, **_copy(_FRESH["security_group"])}
        group |= {"name": "default", "project_id": project, "description": "Default security group"}
        self.kept["security_group"][group_id] = group
        for direction in ("egress", "ingress"):
            for ethertype in ("IPv4", "IPv6"):
                rule = {"security_group_id": group_id, "direction": direction}
                rule |= {"project_id": project, "ethertype": ethertype}
                if direction == "ingress":
                    rule["remote_group_id"] = group_id
                self._create("security_group_rule", rule)
        return group

    def _new_security_group_rule(self, item: Item, given: Item) -> None:
        group = self._one("security_group", item["security_group_id"])
        for kind, name in (
            ("security_group", "remote_group_id"),
            ("address_group", "remote_address_group_id"),
        ):
            if item[name]:
                self._one(kind, item[name])
        cidr = item["remote_ip_prefix"]
        item["normalized_cidr"] = str(ip_network(cidr, strict=False)) if cidr else None
        protocol = str(item["protocol"]).lower() if item["protocol"] is not None else None
        item["protocol"] = {"any": None, "icmpv6": "ipv6-icmp"}.get(protocol or "any", protocol)
        if item["ethertype"] == "IPv6" and item["protocol"] in ("icmp", "1", "58"):
            item["protocol"] = "ipv6-icmp"
        for rule in self.all("security_group_rule"):
            if _identity(rule) == _identity(item):
                _no(409, "SecurityGroupRuleExists")
        group["revision_number"] += 1

    def _new_address_group(self, item: Item, given: Item) -> None:
        item["addresses"] = sorted(_networks(item["addresses"]))

    def _change(self, kind: str, item: Item, fields: Item) -> None:
        self._check(fields)
        fixed = {"security_group_rule": set(_FRESH[kind]), "address_group": {"addresses"}}
        fixed["subnet"] = {"network_id", "cidr", "ip_version", "ipv6_ra_mode", "ipv6_address_mode"}
        if fields.keys() & {"id", "project_id", *_READ_ONLY, *fixed.get(kind, ())}:
            _no(400, "HTTPBadRequest")
        if kind == "security_group_rule":
            _no(500, "HTTPInternalServerError")
        if kind == "policy" and "rules" in fields:
            _no(400, "HTTPBadRequest")
        if fields.get("qos_policy_id"):
            self._one("policy", fields["qos_policy_id"])
        if kind == "network" and "mtu" in fields:
            fields = {**fields, "mtu": self._mtu(item, fields["mtu"])}
        if "provider:segmentation_id" in fields:
            number = fields["provider:segmentation_id"]
            if item["provider:network_type"] != "vlan":
                _no(400, "InvalidInput")
            if number != item["provider:segmentation_id"]:
                self._vlan_is_free(item["provider:physical_network"], number)
        if "mac_address" in fields and item["device_owner"].startswith("network:router"):
            _no(409, "UnsupportedPortDeviceOwner")
        if kind == "port":
            ports = [p for p in self.all("port") if p["network_id"] == item["network_id"]]
            others = [p for p in ports if p is not item]
            if fields.get("mac_address") in [p["mac_address"] for p in others]:
                _no(409, "MacAddressInUse")
            taken = {a["ip_address"] for p in others for a in p["fixed_ips"]}
            self._address(item, fields.get("fixed_ips", []), taken)
            self._is_secure({**item, **fields})
            for group in fields.get("security_groups", []):
                self._one("security_group", group)
        if "external_gateway_info" in fields:
            self._set_gateway(item, fields.pop("external_gateway_info"))
        if kind == "security_group" and item["name"] == "default" and "name" in fields:
            _no(409, "SecurityGroupCannotUpdateDefault")
        if "stateful" in fields and fields["stateful"] != item["stateful"] and self._members(item):
            _no(409, "SecurityGroupInUse")
        item.update(fields)
        if fields.keys() != {"allocation_pools"}:
            item["revision_number"] += 1

    def _delete(self, kind: str, item: Item) -> None:
        local_id = item["id"]
        ports = self.all("port")
        match kind:
            case "network":
                if any(p["network_id"] == local_id for p in ports):
                    _no(409, "NetworkInUse")
                self._drop("subnet", lambda s: s["network_id"] == local_id)
                self._drop("segment", lambda s: s["network_id"] == local_id)
            case "subnet":
                if any(a["subnet_id"] == local_id for p in ports for a in p["fixed_ips"]):
                    _no(409, "SubnetInUse")
                self.kept["network"][item["network_id"]]["revision_number"] += 1
            case "router":
                if any(p["device_id"] == local_id for p in ports):
                    _no(409, "RouterInUse")
            case "port":
                if item["device_owner"].startswith("network:router") and item["device_id"]:
                    _no(409, "ServicePortInUse")
            case "security_group":
                if self._members(item):
                    _no(409, "SecurityGroupInUse")
                gone = {"security_group_id", "remote_group_id"}
                self._drop("security_group_rule", lambda r: local_id in [r[n] for n in gone])
            case "policy":
                if any(n["qos_policy_id"] == local_id for n in self.all("network")):
                    _no(409, "QosPolicyInUse")
            case "address_group":
                rules = self.all("security_group_rule")
                if any(r["remote_address_group_id"] == local_id for r in rules):
                    _no(409, "AddressGroupInUse")
            case "security_group_rule":
                group = self.kept["security_group"][item["security_group_id"]]
                group["revision_number"] += 1
        del self.kept[kind][local_id]

    def _drop(self, kind: str, which: Callable[[Item], bool]) -> None:
        self.kept[kind] = {i: item for i, item in self.kept[kind].items() if not which(item)}

    def _members(self, group: Item) -> list[Item]:
        return [p for p in self.all("port") if group["id"] in p["security_groups"]]

    def _add_interface(self, router: Item, body: Item) -> Item:
        if "subnet_id" in body:
            subnet = self._one("subnet", body["subnet_id"])
            address = {"subnet_id": subnet["id"], "ip_address": subnet["gateway_ip"]}
            new = {"network_id": subnet["network_id"], "fixed_ips": [address]}
            new |= {"device_owner": "network:router_interface"}
            port = self._create("port", {**new, "project_id": router["project_id"]})
        else:
            port = self._one("port", body["port_id"])
        if port["device_id"]:
            _no(409, "PortInUse")
        mine = {a["subnet_id"] for a in port["fixed_ips"]}
        for other in self.all("port"):
            theirs = {a["subnet_id"] for a in other["fixed_ips"]}
            if other["device_id"] == router["id"] and mine & theirs:
                _no(400, "BadRequest")
        port |= {"device_id": router["id"], "device_owner": "network:router_interface"}
        port["revision_number"] += 1
        router["revision_number"] += 1
        return {"id": router["id"], "port_id": port["id"], "subnet_ids": sorted(mine)}

    def _remove_interface(self, router: Item, body: Item) -> Item:
        ports = [p for p in self.all("port") if p["device_id"] == router["id"]]
        for port in ports:
            subnets = {a["subnet_id"] for a in port["fixed_ips"]}
            if body.get("port_id") == port["id"] or body.get("subnet_id") in subnets:
                if any(self._leads_over(route, port) for route in router["routes"]):
                    _no(409, "RouterInterfaceInUseByRoute")
                del self.kept["port"][port["id"]]
                router["revision_number"] += 1
                return {"id": router["id"], "port_id": port["id"], "subnet_ids": sorted(subnets)}
        _no(404, "RouterInterfaceNotFound")

    def _leads_over(self, route: Item, port: Item) -> bool:
        cidrs = [self.kept["subnet"][a["subnet_id"]]["cidr"] for a in port["fixed_ips"]]
        return any(ip_address(route["nexthop"]) in ip_network(cidr) for cidr in cidrs)

    def _add_routes(self, router: Item, body: Item) -> Item:
        ports = [p for p in self.all("port") if p["device_id"] == router["id"]]
        for route in body["router"]["routes"]:
            if not any(self._leads_over(route, port) for port in ports):
                _no(400, "InvalidRoutes")
        new = [each for each in body["router"]["routes"] if each not in router["routes"]]
        if len(router["routes"]) + len(new) > self.max_routes:
            _no(409, "OverQuota")
        router["routes"] += new
        router["revision_number"] += 1
        return {"router": router}

    def _remove_routes(self, router: Item, body: Item) -> Item:
        router["routes"] = [r for r in router["routes"] if r not in body["router"]["routes"]]
        router["revision_number"] += 1
        return {"router": router}

    def _add_addresses(self, group: Item, body: Item) -> Item:
        new = _networks(body["addresses"])
        if new & set(group["addresses"]):
            _no(400, "AddressesAlreadyExist")
        return self._addressed(group, new | set(group["addresses"]))

    def _remove_addresses(self, group: Item, body: Item) -> Item:
        gone = _networks(body["addresses"])
        if gone - set(group["addresses"]):
            _no(404, "AddressesNotFound")
        return self._addressed(group, set(group["addresses"]) - gone)

    def _addressed(self, group: Item, addresses: set[str]) -> Item:
        group["addresses"] = sorted(addresses)
        group["revision_number"] += 1
        return {"address_group": group}


def _of(rule: Item, group: Item) -> bool:
    return bool(rule["security_group_id"] == group["id"])


def _identity(rule: Item) -> tuple[Any, ...]:
    """What makes Neutron say that a rule exists: the prefix as it is written, but all of it for none."""
    prefix = rule["remote_ip_prefix"]
    prefix = None if prefix in ("0.0.0.0/0", "::/0") else prefix
    protocol = _NUMBERS.get(rule["protocol"], rule["protocol"])
    return (*(rule[name] for name in _IDENTITY), protocol, prefix)


def _networks(addresses: list[str]) -> set[str]:
    return {str(ip_network(each, strict=False)) for each in addresses}


def _free(subnet: Item, taken: set[str]) -> str:
    for pool in subnet["allocation_pools"]:
        number, last = int(ip_address(pool["start"])), int(ip_address(pool["end"]))
        while number <= last:
            if (address := str(ip_address(number))) not in taken:
                return address
            number += 1
    _no(409, "IpAddressGenerationFailure")


def _eui64(subnet: Item, port: Item) -> Item:
    octets = bytes.fromhex(port["mac_address"].replace(":", ""))
    host = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    net = ip_network(subnet["cidr"]).network_address
    return {"subnet_id": subnet["id"], "ip_address": str(net + int.from_bytes(host))}


def _fits(item: Item, name: str, values: list[str]) -> bool:
    if name == "fixed_ips":
        key, _, wanted = values[0].partition("=")
        return any(each.get(key) == wanted for each in item["fixed_ips"])
    if name in ("tags", "security_groups"):
        return all(value in item[name] for value in values)
    return str(item.get(name)) in values


def _copy(value: Any) -> Any:
    return orjson.loads(orjson.dumps(value))
