"""A rule of a security group: never changed, known by what it says, for it takes no tags.

Neutron 29 answers 500 to a new description, so a rule carries no mark at all: no two rules of one group say the
same, and that is as good. Networks are compared by their normalized form (``10.1.2.3/8`` is ``10.0.0.0/8``).
"""

from collections.abc import Hashable, Mapping
from ipaddress import ip_network
from typing import Any

from adapters.registry import all_services
from sync.cloud import Refused
from sync.kind import Hand, Item, Kind

_RULE = all_services()["network"].resource("security_group_rule")
_SAYS = (
    "security_group_id",
    "direction",
    "ethertype",
    "port_range_min",
    "port_range_max",
    "remote_group_id",
    "remote_address_group_id",
)


_NUMBERS = {
    "any": None,
    "hopopt": "0",
    "ip": "0",
    "icmp": "1",
    "igmp": "2",
    "ipip": "4",
    "tcp": "6",
    "egp": "8",
    "udp": "17",
    "dccp": "33",
    "ipv6-encap": "41",
    "ipv6-route": "43",
    "ipv6-frag": "44",
    "rsvp": "46",
    "gre": "47",
    "esp": "50",
    "ah": "51",
    "icmpv6": "58",
    "ipv6-icmp": "58",
    "ipv6-nonxt": "59",
    "ipv6-opts": "60",
    "ospf": "89",
    "vrrp": "112",
    "pgm": "113",
    "sctp": "132",
    "udplite": "136",
}
"""What Neutron calls protocols: to it a name and its number are the same rule."""
_EVERYTHING = ("0.0.0.0/0", "::/0")


def _natural(item: Item) -> Hashable | None:
    said = (*(_plain(item.get(name)) for name in _SAYS), _protocol(item))
    cidr = item.get("remote_ip_prefix")
    if not cidr or cidr in _EVERYTHING:
        return (*said, None)
    try:
        return (*said, str(ip_network(str(cidr), strict=False)))
    except ValueError:
        return (*said, str(cidr))


def _protocol(item: Item) -> str | None:
    name = _plain(item.get("protocol"))
    number = None if name is None else _NUMBERS.get(name, name)
    # Neutron knows what is meant by ICMP in a rule of IPv6.
    return "58" if number == "1" and item.get("ethertype") == "IPv6" else number


async def _create(
    hand: Hand, fields: dict[str, Any], begun: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    try:
        made: Mapping[str, Any] = await hand.call(
            "POST", "/v2.0/security-group-rules", {"security_group_rule": fields}
        )
        return dict(made["security_group_rule"])
    except Refused as error:
        if error.status != 409:
            raise
    # A new group has rules of its own that let everything out: this is one of them.
    path = f"/v2.0/security-group-rules?security_group_id={fields['security_group_id']}"
    for rule in (await hand.call("GET", path))["security_group_rules"]:
        if _natural(rule) == _natural(fields):
            return dict(rule)
    raise Refused(409, "another rule stands in its way")


def _plain(value: object) -> str | None:
    return None if value is None else str(value).lower()


KIND = Kind(
    "security_group_rule",
    _RULE,
    (),
    _RULE.born,
    after=("security_group", "address_group"),
    goes_with=("security_group_id", "remote_group_id"),
    natural=_natural,
    exclusive=True,
    create=_create,
)
