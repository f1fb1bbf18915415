"""A VLAN segment that is added to a network, ports and all: with OVN, which joins the segments of a network.

Neutron with Open vSwitch takes the same call, but its agents do not join them.
"""

from collections.abc import Mapping
from typing import Any

from sync.driver import Driver, Ground, How, vlan_of
from sync.drivers import vlan


def _suits(ground: Ground) -> bool:
    return bool(ground.physical_network) and ground.ovn and "segment" in ground.extensions


def _look(ground: Ground, item: Mapping[str, Any], segmentation_id: int, plugged: bool) -> How:
    own = vlan_of(item, ground.physical_network)
    if own == segmentation_id:
        return How.NOTHING
    return How.SEGMENT if own is None else How.RENUMBER


DRIVER = Driver("segment", 10, _suits, vlan.born, _look)
