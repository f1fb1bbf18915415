"""What stands at a site of transit networks, and what its routers are plugged into there alone. Pure."""

from collections.abc import Collection, Mapping, Sequence
from ipaddress import ip_network

from adapters.transit import transit_of
from idmap.desired import Desired
from sync.driver import Ground, vlan_of
from sync.plan import Replica
from sync.ways import Local, Part, Route

Observed = Mapping[str, Sequence[Replica]]
"""Kind -> its objects at the site, ours and others'."""


def standing(
    there: Observed, account: str, ground: Ground, routers: Collection[str]
) -> tuple[dict[str, Part], list[Part]]:
    """Router -> its transit network, and those that are one too many: who came late made a second one.

    `account` is the project of the gateway's account at the site. Those of other federations are none of ours,
    but for those of our `routers`: the federation may have had another name.
    """
    parts: dict[str, Part] = {}
    for gid, local in _ours(there, "network", account, ground, routers):
        parts[str(local["id"])] = Part(gid, local, vlan_of(local, ground.physical_network))
    for _, local in _ours(there, "subnet", account, ground, routers):
        if (part := parts.get(str(local.get("network_id")))) is not None:
            part.subnets.setdefault(int(local["ip_version"]), local)
    for _, local in _ours(there, "router_interface", account, ground, routers):
        part = parts.get(str(local.get("network_id")))
        if part is not None and not part.plugged:
            part.port = local
    found: dict[str, Part] = {}
    ranked = sorted(parts.values(), key=_rank)
    spare = [part for part in ranked if found.setdefault(part.router, part) is not part]
    return found, spare


def _rank(part: Part) -> tuple[bool, str, str]:
    """What is plugged in stays, then what was there first."""
    return not part.plugged, str(part.network.get("created_at") or ""), str(part.network["id"])


def _ours(
    there: Observed, kind: str, account: str, ground: Ground, routers: Collection[str]
) -> list[tuple[str, Local]]:
    """(router, object)."""
    found = []
    for each in there.get(kind, ()):
        router, federation = transit_of(each.local, account) or ("", None)
        if federation == ground.federation or router in routers:
            found.append((router, each.local))
    return found


def own_prefixes(
    router: Desired,
    local_id: str,
    networks: Mapping[str, Desired],
    there: Observed,
    account: str,
) -> tuple[str, ...] | None:
    """The CIDRs of what a router is plugged into at this site and nowhere else; None if they are not shown.

    `local_id` is the router's, `networks` those that are desired, by global ID.
    """
    cidrs = {each.local_id: each.local.get("cidr") for each in there.get("subnet", ())}
    found: set[str] = set()
    for port in interfaces(local_id, there, account):
        network = networks.get(str(port.item.get("network_id")))
        if network is None or not network.sites >= router.sites:
            subnets = [str(each.get("subnet_id")) for each in port.local.get("fixed_ips") or ()]
            if not cidrs.keys() >= set(subnets):
                return None
            found |= _networks([cidrs[each] for each in subnets])
    return tuple(sorted(found))


def interfaces(router: str, there: Observed, account: str) -> list[Replica]:
    """What a router is plugged into, by its local ID, without its transit network."""
    return [
        port
        for port in there.get("router_interface", ())
        if port.local.get("device_id") == router and transit_of(port.local, account) is None
    ]


def _networks(cidrs: Collection[object]) -> set[str]:
    found = set()
    for each in cidrs:
        try:
            found.add(str(ip_network(str(each))))
        except ValueError:
            continue
    return found


def routes_over(router: Replica, hops: Collection[str]) -> frozenset[Route]:
    """The routes of a router that lead over its transit network: to one of these next hops."""
    return frozenset(
        (str(each.get("destination")), str(each.get("nexthop")))
        for each in router.local.get("routes") or ()
        if each.get("nexthop") in hops
    )
