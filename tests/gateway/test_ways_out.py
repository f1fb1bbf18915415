"""The gateways of a router at several sites: shown as one's, and taken back as one's."""

from typing import Any

import orjson
import pytest

from adapters.registry import all_services
from federator.call import Call
from federator.faults import Conflict
from federator.plan import Whereabouts
from federator.route import route
from federator.waysout import WaysOut, with_all
from idmap.desired import WAYS_OUT
from idmap.front import IdMap
from idmap.memory import MemoryIdStore
from idmap.memory_desired import MemoryDesiredStore
from idmap.sites import SiteKey
from idmap.store import SHARED, Pin

NETWORK = all_services()["network"]
R, NET = "5f0b9d1e-4f0c-5c56-9b3c-0d6f1c9a7a11", "0f0e0d0c-0b0a-4908-8706-050403020100"
OF_PARIS = {"subnet_id": "sub-paris", "ip_address": "203.0.113.5"}
OF_TOKYO = {"subnet_id": "sub-tokyo", "ip_address": "198.51.100.7"}
OF_DENVER = {"subnet_id": "sub-denver", "ip_address": "2001:db8::7"}
SUBNETS = {
    "sub-paris": {"paris": "a"},
    "sub-tokyo": {"tokyo": "b"},
    "sub-denver": {"denver": "c"},
}


def gateway(*addresses: Any, network: str = NET) -> dict[str, Any]:
    return {"network_id": network, "enable_snat": True, "external_fixed_ips": list(addresses)}


async def ways_out(told: dict[str, Any]) -> WaysOut:
    store, sites = MemoryDesiredStore(), ("paris", "tokyo", "denver")
    for site, gateways in told.items():
        async with store.lead(site, 100) as lead:
            assert lead is not None
            await store.publish(site, WAYS_OUT, orjson.dumps(gateways), lead.fence)
    ids = MemoryIdStore([SiteKey.of(site) for site in sites], ())
    await ids.put_pins([Pin(R, "router", SHARED, {"paris": "a", "tokyo": "b"}, anchor="paris")])
    front = IdMap(ids)
    await front.refresh()
    return WaysOut(store, front)


TOLD = {"tokyo": {R: gateway(OF_TOKYO)}, "denver": {R: gateway(OF_DENVER)}}
"""The router left denver, and its daemon is no more."""


async def test_a_router_shows_the_addresses_of_the_sites_at_which_it_is() -> None:
    there, resource = await ways_out(TOLD), NETWORK.resource("router")
    own = {"id": R, "name": "r", "external_gateway_info": gateway(OF_PARIS)}
    whole = {**own, "external_gateway_info": gateway(OF_PARIS, OF_TOKYO)}
    other = {"id": NET, "external_gateway_info": gateway(OF_PARIS)}
    assert await there.added(resource, "paris", {"router": own}) == {"router": whole}
    lists = {"routers": [other, own], "routers_links": []}
    assert await there.added(resource, "paris", lists) == {**lists, "routers": [other, whole]}
    replica = {"router": {**own, "external_gateway_info": gateway(OF_TOKYO)}}
    for body in (
        {"router": other},
        {"router": {**own, "external_gateway_info": None}},
        {"routers": [{"id": R}]},
        {"routers": []},
        None,
    ):
        assert await there.added(resource, "paris", body) is body
    assert await there.added(resource, "tokyo", replica) is replica
    assert await there.added(NETWORK.resource("port"), "paris", {"ports": []}) == {"ports": []}


def test_what_leads_elsewhere_is_of_before_a_change() -> None:
    own = {"id": R, "external_gateway_info": gateway(OF_PARIS)}
    assert with_all(own, {"tokyo": {R: gateway(OF_TOKYO, network="old")}}) == own


def put(info: Any, path: str = f"/routers/{R}") -> Call:
    body = {"router": {"external_gateway_info": info}}
    call = route(NETWORK, "PUT", NETWORK.version + path)
    assert call is not None
    return Call(
        **{name: getattr(call, name) for name in call.__slots__ if name not in ("body", "raw")},
        body=body,
        raw=orjson.dumps(body),
    )


WHERE = Whereabouts(path={R: {"paris": "a", "tokyo": "b"}}, body=SUBNETS, anchors={R: "paris"})


@pytest.mark.parametrize(
    ("sent", "asked"),
    [
        ([OF_PARIS, OF_TOKYO], [OF_PARIS]),
        ([OF_TOKYO, OF_PARIS], [OF_PARIS]),
        ([OF_PARIS], [OF_PARIS]),
        ([{"ip_address": "203.0.113.9"}], [{"ip_address": "203.0.113.9"}]),
        ([{"subnet_id": "sub-tokyo"}, OF_PARIS], [OF_PARIS]),
        ([OF_TOKYO], None),
        (["nonsense"], ["nonsense"]),
    ],
)
async def test_the_anchor_is_asked_for_its_own_addresses(sent: Any, asked: Any) -> None:
    call = await (await ways_out(TOLD)).left_out(put(gateway(*sent)), WHERE)
    info = call.body["router"]["external_gateway_info"]
    assert info.get("external_fixed_ips") == asked
    assert info["enable_snat"] is True
    assert orjson.loads(call.raw) == call.body


async def test_an_address_at_another_site_cannot_be_chosen() -> None:
    there = await ways_out(TOLD)
    for address in ("198.51.100.99", ["198.51.100.99"], None):
        wish = {**OF_TOKYO, "ip_address": address}
        with pytest.raises(Conflict, match="at tokyo is chosen there"):
            await there.left_out(put(gateway(OF_PARIS, wish)), WHERE)


async def test_other_requests_stay_as_they_are() -> None:
    there = await ways_out(TOLD)
    at_one_site = Whereabouts(path={R: {"paris": "a"}}, body=SUBNETS)
    for call, where in ((put(gateway(OF_TOKYO)), at_one_site), (put(None), WHERE)):
        assert await there.left_out(call, where) is call
