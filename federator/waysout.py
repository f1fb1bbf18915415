"""The ways out of a router that spans sites: it has a gateway at each, with an address of that site's.

A tenant sees them all in ``external_fixed_ips``, those of the anchor first. What the others are is told by the
daemons of their sites, so that nobody else has to be asked, and a site that is away is seen as it was last.
Clients that put back what they were shown (Terraform does) speak of addresses that the anchor cannot know:
these are left out of what it is asked.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from adapters.spec import Resource
from federator.call import Call
from federator.faults import Conflict
from federator.plan import Whereabouts
from idmap.desired import WAYS_OUT, DesiredStore
from idmap.front import IdMap

_GATEWAY, _ADDRESSES = "external_gateway_info", "external_fixed_ips"

Told = Mapping[str, Mapping[str, Any]]
"""Site -> router -> its gateway there."""


@dataclass(frozen=True, slots=True)
class WaysOut:
    """Adds the other sites' gateways to what an anchor says, and takes them out of what it is told.

    Every method may raise StoreUnavailable.
    """

    store: DesiredStore
    ids: IdMap

    async def added(self, resource: Resource | None, site: str, body: Any) -> Any:
        """A body of a site, in global IDs, with all ways out of those routers that have their anchor there."""
        if resource is None or resource.key != "router" or not isinstance(body, dict):
            return body
        spanning = [(each, self._elsewhere(each, site)) for each in _routers(body)]
        if not any(others for _, others in spanning):
            return body
        told = await self._told()
        routers = {
            str(each["id"]): with_all(each, {site: told.get(site, {}) for site in others})
            for each, others in spanning
        }
        return _replaced(body, routers)

    async def left_out(self, call: Call, where: Whereabouts) -> Call:
        """The call for the anchor of a router, without the addresses at other sites. Raises Conflict."""
        router = next((ref for ref in where.path if ref in where.anchors), "")
        if not router or not _names_addresses(call):
            return call
        pin = self.ids.pins.pin(None, router)
        told = await self._told()
        shown = {
            (str(each.get("subnet_id")), str(each.get("ip_address")))
            for site in told
            for each in _addresses(told[site].get(pin.global_id if pin else router))
        }
        body = _without(call.body, where.anchors[router], where, shown)
        return call if body == call.body else replace(call, body=body, raw=orjson.dumps(body))

    async def _told(self) -> Told:
        return {
            site: json.loads(raw) for site, raw in (await self.store.published(WAYS_OUT)).items()
        }

    def _elsewhere(self, router: Mapping[str, Any], site: str) -> list[str]:
        """The other sites of a router that has its anchor here, and a gateway."""
        pin = self.ids.pins.pin(None, str(router.get("id")))
        if pin is None or pin.anchor != site or not router.get(_GATEWAY):
            return []
        return sorted(pin.places.keys() - {site})


def with_all(router: Mapping[str, Any], told: Told) -> dict[str, Any]:
    """A router as its anchor shows it, with the addresses of its gateways at other sites. Pure."""
    gateway = router.get(_GATEWAY)
    if not gateway:
        return dict(router)
    others = [
        address
        for routers in told.values()
        # One that leads to another network is of before a change that has not come there yet.
        if (there := routers.get(str(router["id"])))
        and there.get("network_id") == gateway.get("network_id")
        for address in _addresses(there)
    ]
    return {**router, _GATEWAY: {**gateway, _ADDRESSES: [*_addresses(gateway), *others]}}


def _addresses(gateway: Mapping[str, Any] | None) -> list[Any]:
    return list((gateway or {}).get(_ADDRESSES) or ())


def _routers(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    one, many = body.get("router"), body.get("routers")
    for each in many if isinstance(many, list) else [one]:
        if isinstance(each, dict) and "id" in each:
            yield each


def _replaced(body: Mapping[str, Any], routers: Mapping[str, Any]) -> dict[str, Any]:
    def new(each: Any) -> Any:
        return routers.get(str(each.get("id")), each) if isinstance(each, dict) else each

    out = dict(body)
    if isinstance(body.get("routers"), list):
        out["routers"] = [new(each) for each in body["routers"]]
    if "router" in body:
        out["router"] = new(body["router"])
    return out


def _names_addresses(call: Call) -> bool:
    return (
        call.method == "PUT"
        and call.resource is not None
        and call.resource.key == "router"
        and _ADDRESSES.encode() in call.raw
    )


def _without(value: Any, anchor: str, where: Whereabouts, shown: set[tuple[str, str]]) -> Any:
    """A body without addresses in subnets that are elsewhere. Raises Conflict for one that is nobody's."""
    if isinstance(value, list):
        return [_without(each, anchor, where, shown) for each in value]
    if not isinstance(value, dict):
        return value
    out = {name: _without(each, anchor, where, shown) for name, each in value.items()}
    if not isinstance(value.get(_ADDRESSES), list):
        return out
    own = []
    for each in value[_ADDRESSES]:
        places = where.body.get(str(each.get("subnet_id"))) if isinstance(each, dict) else None
        if not places or anchor in places:
            own.append(each)
        elif "ip_address" in each and (each["subnet_id"], str(each["ip_address"])) not in shown:
            raise Conflict(
                f"{each['ip_address']}: the address of a router's gateway at {' and '.join(places)} is chosen"
                f" there; only that at {anchor}, its anchor, can be asked for."
            )
    out[_ADDRESSES] = own
    if not own:
        # None at all would be an error, and is not meant.
        del out[_ADDRESSES]
    return out
