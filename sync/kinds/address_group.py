"""An address group: no tags, so the mark stays behind its description; addresses come and go by verbs."""

from collections.abc import Mapping
from typing import Any

from adapters.registry import all_services
from sync.kind import Hand, Kind

_GROUP = all_services()["network"].resource("address_group")


async def _change(hand: Hand, there: Mapping[str, Any], fields: dict[str, Any]) -> None:
    path = f"/v2.0/address-groups/{there['id']}"
    fields = dict(fields)
    wanted = fields.pop("addresses", None)
    if wanted is not None:
        have = set(there.get("addresses") or ())
        # One that is there already, or is not, makes Neutron refuse the whole call.
        for verb, addresses in (("add", set(wanted) - have), ("remove", have - set(wanted))):
            if addresses:
                await hand.call("PUT", f"{path}/{verb}_addresses", {"addresses": sorted(addresses)})
    if fields:
        await hand.call("PUT", path, {"address_group": fields})


KIND = Kind("address_group", _GROUP, _GROUP.synced, _GROUP.born, adoptable=True, change=_change)
