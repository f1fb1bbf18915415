"""What has to come to which site before a request can be served, decided without asking anybody."""

from dataclasses import replace

import pytest

from adapters.registry import all_services
from federator.call import Call
from federator.plan import Whereabouts
from federator.sharing.need import Need, need

SITES = ("paris", "tokyo", "denver")
NET, GROUP, VOLUME = "n" * 36, "g" * 36, "v" * 36
SHARED = {"network", "security_group"}
KINDS = {NET: "network", GROUP: "security_group", VOLUME: "volume"}
SERVERS = all_services()["compute"].resource("server")
PORTS = all_services()["network"].resource("port")


def call(method: str = "POST", **headers: str) -> Call:
    return Call(method, all_services()["compute"], SERVERS, "/servers", headers=headers)


def where(**body: tuple[str, ...]) -> Whereabouts:
    named = {"net": NET, "group": GROUP, "volume": VOLUME}
    places = {named[name]: {site: f"{name}-{site}" for site in at} for name, at in body.items()}
    return Whereabouts(body=places, kinds=KINDS)


def wanted(call: Call, where: Whereabouts, away: frozenset[str] = frozenset()) -> Need | None:
    return need(call, where, SHARED, SITES, "paris", away)


def test_nothing_has_to_come_where_all_is() -> None:
    assert wanted(call(), where(net=("paris",))) is None
    assert wanted(call(), where(net=("paris", "tokyo"), group=("tokyo",))) is None
    assert wanted(call(), Whereabouts()) is None


def test_what_reads_or_deletes_brings_nothing() -> None:
    apart = where(net=("paris",), group=("tokyo",))
    assert wanted(call(), apart) is not None
    assert wanted(call("GET"), apart) is None
    assert wanted(call("DELETE"), apart) is None


def test_a_zone_or_the_header_decides_and_all_else_comes_there() -> None:
    there = where(net=("paris",), group=("paris",))
    both = {("network", NET), ("security_group", GROUP)}
    for asked in (
        wanted(call(), replace(there, zone_sites=frozenset({"tokyo"}))),
        wanted(call(**{"X-Federation-Site": "tokyo"}), there),
    ):
        assert asked is not None
        assert (asked.site, set(asked.missing)) == ("tokyo", both)


def test_what_cannot_move_decides_the_site() -> None:
    asked = wanted(call(), where(net=("paris",), volume=("denver",)))
    assert asked == Need("denver", (("network", NET),))
    # In two places at once it cannot be: Neutron or Nova will say what is wrong.
    torn = replace(where(net=("paris",), volume=("denver",)), zone_sites=frozenset({"tokyo"}))
    assert wanted(call(), torn) is None


def test_as_little_as_can_be_comes_and_not_to_a_site_that_is_away() -> None:
    apart = where(net=("paris",), group=("tokyo",))
    assert wanted(call(), apart) == Need("paris", (("security_group", GROUP),))
    assert wanted(call(), apart, frozenset({"paris"})) == Need("tokyo", (("network", NET),))


def test_what_is_changed_stays_where_it_is() -> None:
    change = Call("PUT", all_services()["network"], PORTS, "/ports/p", object_id="p")
    there = replace(where(group=("paris",)), path={"p": {"tokyo": "p-tokyo"}})
    assert wanted(change, there) == Need("tokyo", (("security_group", GROUP),))


@pytest.mark.parametrize("shared_object_at", ["paris", "tokyo"])
def test_a_shared_object_is_changed_at_its_anchor(shared_object_at: str) -> None:
    change = Call("PUT", all_services()["network"], PORTS, "/ports/p", object_id="p")
    places = {"paris": "p-paris", "tokyo": "p-tokyo"}
    there = replace(where(group=("denver",)), path={"p": places}, anchors={"p": shared_object_at})
    assert wanted(change, there) == Need(shared_object_at, (("security_group", GROUP),))


def test_what_nobody_knows_is_left_to_the_service() -> None:
    assert wanted(call(), Whereabouts(body={NET: {}}, kinds=KINDS)) is None
