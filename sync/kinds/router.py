"""A router: each site has its own way out, so of a gateway only the external network and SNAT are alike.

The external networks of one name are one to the tenant (they are pinned as equal); at each site the router
gets an address of that site's. Routes are added and taken away one by one: a list would undo what others add.
Those over a transit network are each site's own, and none of the tenant's (`sync.transit`).
"""

from collections.abc import Mapping
from typing import Any

from adapters.registry import all_services
from adapters.transit import without_transit
from sync.kind import Hand, Item, Kind
from sync.kinds.router_interface import INTERFACES

_ROUTER = all_services()["network"].resource("router")


def _normal(item: Item) -> Item:
    if item.get("routes"):
        item = {**item, "routes": without_transit(item["routes"])}
    gateway = item.get("external_gateway_info")
    if not gateway:
        return {**item, "external_gateway_info": None}
    kept = {name: gateway[name] for name in ("network_id", "enable_snat") if name in gateway}
    return {**item, "external_gateway_info": kept}


async def _change(hand: Hand, there: Mapping[str, Any], fields: dict[str, Any]) -> None:
    path = f"/v2.0/routers/{there['id']}"
    fields = dict(fields)
    routed = "routes" in fields
    wanted = fields.pop("routes", None) or ()
    if fields:
        await hand.call("PUT", path, {"router": fields})
    if routed:
        have = [_route(each) for each in without_transit(there.get("routes") or ())]
        want = [_route(each) for each in wanted]
        for verb, routes in (
            ("remove", [each for each in have if each not in want]),
            ("add", [each for each in want if each not in have]),
        ):
            if routes:
                body = {"router": {"routes": routes}}
                await hand.call("PUT", f"{path}/{verb}_extraroutes", body)


async def _create(
    hand: Hand, fields: dict[str, Any], begun: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    # A route has to lead over an interface, and there is none yet: routes come with a later round.
    first = {name: value for name, value in fields.items() if name != "routes"}
    if begun is None:
        begun = dict((await hand.call("POST", "/v2.0/routers", {"router": first}))["router"])
    return begun


def _route(route: Mapping[str, Any]) -> dict[str, Any]:
    return {name: route.get(name) for name in ("destination", "nexthop")}


KIND = Kind(
    "router",
    _ROUTER,
    _ROUTER.synced,
    _ROUTER.born,
    users=f"{INTERFACES}&device_id=",
    normal=_normal,
    create=_create,
    change=_change,
    later=frozenset({"routes"}),
)
