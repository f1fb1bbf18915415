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
    "protocol",
    "port_range_min",
    "port_range_max",
    "remote_group_id",
    "remote_address_group_id",
)


def _natural(item: Item) -> Hashable | None:
    cidr = item.get("remote_ip_prefix")
    try:
        normal = str(ip_network(str(cidr), strict=False)) if cidr else None
    except ValueError:
        normal = str(cidr)
    return (*(_plain(item.get(name)) for name in _SAYS), normal)


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
