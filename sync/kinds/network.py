"""A network: over several sites it needs a VLAN ID that is the same at all of them.

Which one that is, is part of what is desired (`sync.driver.SEGMENT`), and chosen by the daemon of the anchor
(`sync.segments`). How a site comes to it is the affair of a driver (`sync.drivers`).

And an MTU that all of them carry. Which is the largest at a site no API tells, but Neutron chooses it where
none is wanted: so a site that refuses is asked for that, and the daemon of the anchor lowers the MTU for all.
"""

from collections.abc import Mapping
from typing import Any

from adapters.registry import all_services
from sync.cloud import Refused
from sync.driver import SEGMENT, Ground, How, TooBig, Unfit
from sync.kind import Hand, Item, Kind

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


async def _create(
    hand: Hand, fields: dict[str, Any], begun: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    path = "/v2.0/networks"
    if begun is not None:
        return begun
    try:
        made: Mapping[str, Any] = await hand.call("POST", path, {"network": fields})
        return dict(made["network"])
    except Refused as error:
        if error.status != 400 or not fields.get("mtu"):
            raise
    largest = {name: value for name, value in fields.items() if name != "mtu"}
    made = await hand.call("POST", path, {"network": largest})
    _checked(fields, made["network"])
    return dict(made["network"])


async def _refused(
    hand: Hand, there: Mapping[str, Any], fields: Mapping[str, Any], status: int
) -> None:
    if status == 400 and fields.get("mtu"):
        path = f"/v2.0/networks/{there['id']}"
        made = await hand.call("PUT", path, {"network": {**fields, "mtu": 0}})
        _checked(fields, made["network"])


def _checked(wanted: Mapping[str, Any], made: Mapping[str, Any]) -> None:
    if isinstance(made.get("mtu"), int) and made["mtu"] < wanted["mtu"]:
        raise TooBig(made["mtu"])


KIND = Kind(
    "network",
    _NETWORK,
    _NETWORK.synced,
    (*_NETWORK.born, SEGMENT),
    after=("policy",),
    users="network_id=",
    on_ground=_on_ground,
    create=_create,
    refused=_refused,
    stretch=_stretch,
)
