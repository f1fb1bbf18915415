"""A network: over several sites it needs a VLAN ID that is the same at all of them.

Which one that is, is part of what is desired (`sync.driver.SEGMENT`), and chosen by the daemon of the anchor
(`sync.segments`). How a site comes to it is the affair of a driver (`sync.drivers`).
"""

from collections.abc import Mapping
from typing import Any

from adapters.registry import all_services
from sync.driver import SEGMENT, Ground, How, Unfit
from sync.kind import Item, Kind

_NETWORK = all_services()["network"].resource("network")


def _on_ground(ground: Ground, fields: dict[str, Any]) -> dict[str, Any]:
    number = fields.pop(SEGMENT, None)
    if number is None:
        raise Unfit("waits for the daemon of its anchor to choose a VLAN ID")
    return {**fields, **ground.driver.born(ground, int(number))}


def _stretch(ground: Ground, spec: Item, there: Mapping[str, Any], plugged: bool) -> How:
    number = spec.get(SEGMENT)
    if number is None:
        # Asked as if with a number of nobody's: whether it can be stretched at all.
        ground.driver.look(ground, there, 0, plugged)
        return How.NOTHING
    return ground.driver.look(ground, there, int(number), plugged)


KIND = Kind(
    "network",
    _NETWORK,
    _NETWORK.synced,
    (*_NETWORK.born, SEGMENT),
    users="network_id=",
    on_ground=_on_ground,
    stretch=_stretch,
)
