"""A VLAN with one ID at all sites: what every Neutron can do.

A network that was born as a VLAN gets the common ID, while it lives. One that was born in a tunnel has to be
made again, which is only possible while nothing is plugged into it.
"""

from collections.abc import Mapping
from typing import Any

from sync.driver import Driver, Ground, How, Unfit, vlan_of


def _suits(ground: Ground) -> bool:
    return bool(ground.physical_network)


def born(ground: Ground, segmentation_id: int) -> dict[str, Any]:
    return {
        "provider:network_type": "vlan",
        "provider:physical_network": ground.physical_network,
        "provider:segmentation_id": segmentation_id,
    }


def _look(ground: Ground, item: Mapping[str, Any], segmentation_id: int, plugged: bool) -> How:
    own = vlan_of(item, ground.physical_network)
    if own == segmentation_id:
        return How.NOTHING
    if own is not None and not item.get("segments"):
        return How.RENUMBER
    if not plugged:
        return How.REMAKE
    raise Unfit(
        f"a {item.get('provider:network_type', 'tunnelled')} network with ports cannot be stretched at this"
        " site: make one with availability_zone_hints of all its sites, before anything is plugged into it"
    )


DRIVER = Driver("vlan", 20, _suits, born, _look)
