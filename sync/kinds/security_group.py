"""A security group. Each project has one called ``default`` at each site, whatever anybody does.

Neutron gives a new group rules that let everything out. Its tenant may have taken them away, so one that is
made here has none but those that are wanted; at the anchor nobody else would see to that.
"""

from collections.abc import Hashable, Mapping
from typing import Any

from adapters.registry import all_services
from sync.kind import Hand, Item, Kind

_GROUP = all_services()["network"].resource("security_group")


def _natural(item: Item) -> Hashable | None:
    return (item.get("project_id"), "default") if item.get("name") == "default" else None


async def _tidy(hand: Hand, there: Mapping[str, Any]) -> None:
    path = "/v2.0/security-group-rules"
    found = await hand.call("GET", f"{path}?security_group_id={there['id']}&fields=id")
    for rule in found["security_group_rules"]:
        await hand.call("DELETE", f"{path}/{rule['id']}")


KIND = Kind(
    "security_group",
    _GROUP,
    _GROUP.synced,
    _GROUP.born,
    users="security_groups=",
    adoptable=True,
    natural=_natural,
    tidy=_tidy,
)
