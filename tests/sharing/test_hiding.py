"""What tenants see of objects with replicas: one of each, and none of the marks."""

from typing import Any

from adapters.marks import Marks, marked, own_pools
from adapters.registry import all_services
from federator.hiding import has_traces, hides, without_traces
from idmap.pins import PinTable
from idmap.store import BURIED, SHARED, Pin

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
