"""What tenants see of objects with replicas: one of each, and none of the marks."""

from typing import Any

import orjson
import pytest

from adapters.marks import REMOTE, Marks, marked, own_pools
from adapters.registry import all_services
from adapters.transit import transit_mark
from federator.call import Call, SiteReply
from federator.hiding import (
    has_traces,
    hides,
    may_have_upkeep,
    without_traces,
    without_unknown_replicas,
    without_upkeep,
)
from federator.sharing.ports import changes_ports
from idmap.pins import PinTable
from idmap.store import BURIED, SHARED, Pin

SERVICES = all_services()
PORT = SERVICES["network"].resource("port")
NETWORK = all_services()["network"].resource("network")
GID = "068dadf1-0a8e-5fd1-9858-0d53ba4d5d97"
PLACES = {"paris": "p", "tokyo": "t"}


def hidden(site: str, sites: tuple[str, ...] = ("paris", "tokyo"), **pin: Any) -> bool:
    known = {"origin": SHARED, "places": PLACES, "anchor": "paris", **pin}
    return hides(NETWORK, {"id": GID}, site, sites, PinTable([Pin(GID, "network", **known)]))


def test_of_an_object_at_two_sites_the_anchors_is_seen() -> None:
    assert [hidden(site) for site in PLACES] == [False, True]
    assert not hides(NETWORK, {"id": GID}, "tokyo", PLACES, PinTable()), "is nobody's replica"


def test_where_the_anchor_is_not_asked_or_not_known_another_stands_for_it() -> None:
    assert not hidden("tokyo", ("tokyo",))
    assert not hidden("tokyo", places={"tokyo": "t"})


def test_what_is_being_deleted_is_seen_nowhere() -> None:
    assert all(hidden(site, origin=BURIED) for site in PLACES)


def test_no_mark_is_shown() -> None:
    pools = [{"start": "10.0.0.10", "end": "10.0.0.200"}]
    marks = Marks(GID, 7, anchor=True, notes=own_pools(pools), of="ours").tags
    mine = {"start": "10.0.0.10", "end": "10.0.0.40"}
    subnet = {"tags": ["mine", *marks], "allocation_pools": [mine], "description": "für Zoë"}
    group = {"description": marked("for Zoë", GID, "ours"), "tags": ["federators"]}

    shown = without_traces({"subnets": [subnet], "security_groups": [group], "count": 2})

    assert shown["subnets"] == [
        {"tags": ["mine"], "allocation_pools": pools, "description": "für Zoë"}
    ]
    assert shown["security_groups"] == [{"description": "for Zoë", "tags": ["federators"]}]
    assert shown["count"] == 2
    assert not has_traces(b'{"networks": []}')


def placeholder(local_id: str, **more: str) -> dict[str, str]:
    mark = marked("", GID)
    port = {"id": local_id, "device_owner": REMOTE, "project_id": "ours", "description": mark}
    return port | more


def test_what_stands_for_a_port_of_another_site_is_in_no_list() -> None:
    forged = placeholder("2", project_id="somebody's")
    ports = [placeholder("1"), forged, {"id": "3"}, placeholder("4")]
    links = [{"rel": "next", "href": "https://paris/v2.0/ports?limit=4&marker=4"}]
    reply = SiteReply("paris", 200, body={"ports": ports, "ports_links": links}, raw=b"{}")

    shown = without_upkeep(PORT, reply, "ours")

    assert shown.body == {"ports": [forged, {"id": "3"}], "ports_links": [{"rel": "next"}]}
    assert (shown.hidden, shown.ends, shown.raw) == (2, ("1", "4"), b"")
    plain = SiteReply("paris", 200, body={"ports": [forged], "ports_links": links}, raw=b"{}")
    assert without_upkeep(PORT, plain, "ours") is plain


def test_what_stands_for_a_port_of_another_site_is_not_there() -> None:
    reply = SiteReply("paris", 200, body={"port": placeholder("1")}, raw=b"{}")

    shown = without_upkeep(PORT, reply, "ours")

    assert shown.status == 404
    assert shown.body["NeutronError"]["type"] == "PortNotFound"
    assert GID.encode() not in shown.raw
    mine = SiteReply("paris", 200, body={"port": placeholder("1", project_id="mine")}, raw=b"{}")
    assert without_upkeep(PORT, mine, "ours") is mine


@pytest.mark.parametrize(
    ("kind", "method", "more", "changes"),
    [
        ("port", "POST", {}, True),
        ("port", "PUT", {"object_id": "x"}, True),
        ("port", "PUT", {"object_id": "x", "tail": "tags"}, False),
        ("port", "GET", {}, False),
        ("server", "POST", {}, True),
        ("server", "DELETE", {"object_id": "x"}, True),
        ("server", "PUT", {"object_id": "x"}, False),
        ("server", "POST", {"object_id": "x", "tail": "action", "body": {"reboot": {}}}, False),
        ("server", "POST", {"object_id": "x", "tail": "action", "body": {"forceDelete": ""}}, True),
        ("interfaceAttachment", "POST", {}, True),
        ("interfaceAttachment", "DELETE", {"object_id": "x"}, True),
        ("keypair", "POST", {}, False),
    ],
)
def test_which_requests_change_ports(
    kind: str, method: str, more: dict[str, Any], changes: bool
) -> None:
    service = SERVICES["network" if kind == "port" else "compute"]
    call = Call(method, service, service.resource(kind), "/", **more)
    assert changes_ports(call) is changes


def replica(local_id: str, global_id: str = GID, **more: Any) -> dict[str, Any]:
    return {"id": local_id, "name": "span", "description": marked("", global_id), **more}


def shown_of(site: str, *items: dict[str, Any], only_of: str = "", **pin: Any) -> list[str]:
    """The IDs that are left of a site's list."""
    known = {"origin": SHARED, "places": {"paris": "p"}, "anchor": "paris", **pin}
    pins = PinTable([Pin(GID, "network", **known)])
    said = SiteReply(site, 200, body={"networks": list(items)})
    after = without_unknown_replicas(NETWORK, said, pins, only_of)
    assert after.hidden == len(items) - len(after.body["networks"])
    return [each["id"] for each in after.body["networks"]]


def test_a_replica_that_was_born_a_moment_ago_is_not_a_second_network() -> None:
    theirs = {"id": "x", "description": "mine", "tags": []}
    tagged = {"id": "n", "description": "", "tags": Marks(GID, 1).tags}
    assert shown_of("tokyo", replica("n"), theirs) == ["x"]
    assert shown_of("tokyo", tagged) == [], "once it has its tags as well"
    assert shown_of("tokyo", replica("t"), places=PLACES) == ["t"], "lists pass over it by its pin"
    assert shown_of("tokyo", replica("t"), replica("again"), places=PLACES) == ["t"]


def test_what_is_made_again_at_its_anchor_is_there_once() -> None:
    assert shown_of("paris", replica("p"), replica("new")) == ["p"]
    assert shown_of("paris", replica("p"), places={"tokyo": "t"}) == ["p"], "found after a loss"


def test_marks_of_what_nobody_knows_hide_nothing() -> None:
    assert shown_of("tokyo", replica("n", "0a0a0a0a-0e8e-5fd1-9858-0d53ba4d5d97")) == ["n"]


def test_who_writes_the_mark_of_another_object_on_his_own_hides_it_from_no_admin() -> None:
    items = replica("o", project_id="ours"), replica("x", project_id="theirs"), replica("y")
    assert shown_of("tokyo", *items, only_of="ours") == ["x", "y"]
    assert shown_of("tokyo", *items) == []


def test_a_page_goes_on_behind_a_replica_that_is_not_shown() -> None:
    pins = PinTable([Pin(GID, "network", SHARED, {"paris": "p"}, anchor="paris")])
    said = SiteReply("tokyo", 200, body={"networks": [{"id": "x"}, replica("n")]})
    assert without_unknown_replicas(NETWORK, said, pins).ends == ("", "n")


def test_of_transit_networks_nothing_is_shown() -> None:
    ours = {"project_id": "account", "description": transit_mark(GID, "ours")}
    forged = {**ours, "project_id": "somebody"}
    for kind in ("network", "subnet", "port"):
        resource = SERVICES["network"].resource(kind)
        items = [{"id": "1", **ours}, {"id": "2", **forged}, {"id": "3", "description": "mine"}]
        body = {resource.keys: items}
        reply = SiteReply("paris", status=200, body=body, raw=orjson.dumps(body))
        assert may_have_upkeep(resource, reply.raw)
        shown = without_upkeep(resource, reply, "account")
        assert [each["id"] for each in shown.body[resource.keys]] == ["2", "3"]
        one = SiteReply(
            "paris", status=200, body={resource.key: items[0]}, raw=b"federator-transit"
        )
        gone = without_upkeep(resource, one, "account")
        assert gone.status == 404
        assert gone.body["NeutronError"]["type"] == f"{kind.capitalize()}NotFound"


@pytest.mark.parametrize("hop", ["169.254.128.7", "fd66:6564:6572:6174::7"])
def test_routes_over_them_are_not_shown(hop: str) -> None:
    own = {"destination": "10.9.0.0/24", "nexthop": "10.1.0.9"}
    ours = {"destination": "10.2.0.0/24", "nexthop": hop}
    body = {"router": {"routes": [ours, own]}}
    assert has_traces(orjson.dumps(body))
    assert without_traces(body) == {"router": {"routes": [own]}}
    # What is no route is shown as it is.
    assert without_traces({"routes": ["x", {"nexthop": 7}]}) == {"routes": ["x", {"nexthop": 7}]}
