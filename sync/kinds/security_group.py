"""A security group. Each project has one called ``default`` at each site, whatever anybody does."""

from collections.abc import Hashable

from adapters.registry import all_services
from sync.kind import Item, Kind

_GROUP = all_services()["network"].resource("security_group")


def _natural(item: Item) -> Hashable | None:
    return (item.get("project_id"), "default") if item.get("name") == "default" else None


KIND = Kind(
    "security_group",
    _GROUP,
    _GROUP.synced,
    _GROUP.born,
    users="security_groups=",
    natural=_natural,
)
