"""The words of a way to stretch networks over sites. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

SEGMENT = "federation:segmentation_id"
"""The field of a network's spec with the VLAN ID that it has at all sites."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a site offers to carry a network to others."""

    physical_network: str = ""
    """What the site calls the one over which VLANs come from elsewhere. Empty: there is none."""
    ovn: bool = False
    """Whether OVN carries its networks."""
    extensions: frozenset[str] = field(default_factory=frozenset)
    manual: bool = False
    """Whether its operator stretches networks by hand."""
    drivers: tuple["Driver", ...] = ()
    """All there are, in the order in which they are tried."""
    federation: str = ""
    """The name of the federation that it is offered to."""

    @property
    def driver(self) -> "Driver":
        """The way that suits the site. Raises Unfit if there is none."""
        for driver in self.drivers:
            if driver.suits(self):
                return driver
        raise Unfit(
            "no network of this site can be stretched: state its physical_network in clouds.yaml and segments"
            " in federator.yaml (docs/networking.md)"
        )


class How(Enum):
    """What is done to a network that was born at a site, so that others can have it too."""

    NOTHING = "it is there already"
    SEGMENT = "a VLAN segment is added"
    RENUMBER = "its VLAN ID is changed"
    REMAKE = "it is made again as a VLAN, for it has no ports yet"


class Unfit(Exception):
    """The network cannot be stretched; says why, and what would help."""


class TooBig(Unfit):
    """The site carries no packets of the size that is wanted; `limit` is the largest MTU that it does."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the site carries no more than {limit} bytes: waits for a lower MTU")
        self.limit = limit


Look = Callable[[Ground, Mapping[str, Any], int, bool], How]
"""(what the site offers, the network as the site has it, the common VLAN ID, whether anything is plugged in).
Raises Unfit."""


@dataclass(frozen=True, slots=True)
class Driver:
    """One way."""

    name: str
    rank: int
    """Lower ones are tried first."""
    suits: Callable[[Ground], bool]
    born: Callable[[Ground, int], dict[str, Any]]
    """What a replica is made with, beside what is alike."""
    look: Look


def vlan_of(item: Mapping[str, Any], physical_network: str) -> int | None:
    """The VLAN ID with which a network, as its site shows it, reaches this physical network."""
    for each in item.get("segments") or (item,):
        kind, where = each.get("provider:network_type"), each.get("provider:physical_network")
        if kind == "vlan" and where == physical_network:
            number = each.get("provider:segmentation_id")
            return number if isinstance(number, int) else None
    return None
