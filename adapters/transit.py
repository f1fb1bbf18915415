"""What is known of transit networks by their looks: they carry a router's packets from site to site. Pure.

A router may be plugged into networks that stay at one site each. Then its replicas have one more network in
common, made by the gateway's account and seen by no tenant, and routes over it (`sync.transit`).

The same two prefixes serve every router, for no router has two such networks. They are link-local, or unique
to the federation, and none that Neutron itself uses: 169.254.64.0/18 for distributed routers (DVR),
169.254.192.0/18 and 169.254.0.0/24 for highly available ones, 169.254.169.254 for metadata.
"""

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

from idmap.ids import SITE_NUMBERS

PREFIXES: tuple[IPv4Network, IPv6Network] = (
    IPv4Network("169.254.128.0/20"),
    IPv6Network("fd66:6564:6572:6174::/64"),
)
"""In which next hops are ours: as far into them as the number of a site."""

_TRACES = (b"169.254.1", b"fd66:6564:6572:6174", b"federator-transit")
_MARK = re.compile(r"\[federator-transit:([0-9a-f-]{36})(?: of ([^\]]+))?\]")


def may_have_transit(raw: bytes) -> bool:
    """Whether anything in a body can have to do with transit: mostly nothing has."""
    return any(each in raw for each in _TRACES)


def transit_mark(router: str, federation: str) -> str:
    """The `description` of what carries the packets of a router, by its global ID."""
    return (
        f"[federator-transit:{router} of {federation}]"
        if federation
        else f"[federator-transit:{router}]"
    )


def transit_of(item: Mapping[str, Any], account: str) -> tuple[str, str] | None:
    """(router, federation) of a network, subnet or port that carries its packets; None if it is none such.

    `account` is the project of the gateway's account at the site: the rest anybody may write on his own.
    """
    if item.get("project_id") != account:
        return None
    found = _MARK.fullmatch(str(item.get("description") or ""))
    return (found.group(1), found.group(2) or "") if found else None


def is_over_transit(route: Mapping[str, Any]) -> bool:
    """Whether a route of a router is the federation's."""
    try:
        hop = ip_address(str(route.get("nexthop")))
    except ValueError:
        return False
    host = [int(hop) - int(p.network_address) for p in PREFIXES if p.version == hop.version]
    return 0 < host[0] < SITE_NUMBERS


def without_transit(routes: Iterable[Any]) -> list[Any]:
    """The tenant's own routes."""
    return [each for each in routes if not (isinstance(each, dict) and is_over_transit(each))]


def hop_at(number: int, version: int) -> str:
    """The address that the router has on its transit network at the site of this number."""
    prefix = next(each for each in PREFIXES if each.version == version)
    return str(prefix.network_address + number)
