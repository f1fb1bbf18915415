"""The pure parts of a round, case by case."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.marks import Marks, marked, marks_of, unmarked, without_marks
from idmap.desired import Desired, State, Status
from sync.diff import diff
from sync.driver import Ground, How, Unfit
from sync.guard import digest, guarded
from sync.plan import Create, Delete, Plan, Replica
from sync.registry import all_drivers, all_kinds, kind_of
from sync.segments import NoSegment, candidates, parse_pool
from sync.share import at_more_sites, changed, entry_of, goes_with
from sync.status import RESTLESS_TIMES, failed, reached, waits
from sync.unfinished import ended

GID, OTHER = "0f0e0d0c-0b0a-4908-8706-050403020100", "1f0e0d0c-0b0a-4908-8706-050403020100"
PROJECT = "a" * 32
ENTRY = Desired(GID, "router", PROJECT, "paris", frozenset({"paris", "tokyo"}), {"name": "r"})
DONE = Marks(GID, 1)
GROUND = Ground("trunk", drivers=all_drivers())


def replica(local_id: str = "here", marks: Marks | None = DONE, **item: Any) -> Replica:
    shown = {"id": OTHER, "project_id": PROJECT, "name": "r", **item}
    return Replica("router", local_id, shown, {"id": local_id, **item}, marks)


def plan(
    entry: Desired,
    *there: Replica,
    status: Status | None = None,
    place: str = "",
    read: bool = True,
) -> Plan:
    return diff(
        "tokyo",
        [kind_of("router")],
        [entry],
        {"router": there},
        {GID: status} if status else {},
        now=100.0,
        places={GID: place} if place else {},
        ground=GROUND,
        read=read,
    )


def told(done: Plan) -> list[str]:
    return [type(each).__name__ for each in done.changes]


@pytest.mark.parametrize(
    ("entry", "there", "expected"),
    [
        (ENTRY, [], ["Create"]),
        (ENTRY, [replica()], []),
        (ENTRY, [replica(name="other")], ["Update"]),
        (ENTRY, [replica(marks=Marks(GID))], ["Update"]),
        (ENTRY, [replica(marks=Marks(GID, 1, anchor=True))], ["Update"]),
        (replace(ENTRY, generation=2), [replica()], ["Update"]),
        (replace(ENTRY, deleted=True), [replica()], ["Delete"]),
        (replace(ENTRY, deleted=True), [], []),
        (replace(ENTRY, sites=frozenset({"paris"})), [replica()], ["Delete"]),
        (replace(ENTRY, changing=99.0), [replica(name="other")], []),
        (replace(ENTRY, changing=99.0), [], []),
        (replace(ENTRY, quarantined="alone"), [replica(name="other")], []),
        (replace(ENTRY, quarantined="alone", deleted=True), [replica()], []),
        (ENTRY, [replica(project_id="b" * 32)], ["Create"]),
        (ENTRY, [replica(marks=None)], ["Create"]),
    ],
)
def test_one_entry(entry: Desired, there: list[Replica], expected: list[str]) -> None:
    assert told(plan(entry, *there)) == expected


def test_before_the_site_is_read_only_a_tombstone_takes_anything_away() -> None:
    elsewhere = replace(ENTRY, sites=frozenset({"paris"}))
    found = plan(elsewhere, replica(), read=False)
    assert told(found) == []
    assert [(each.global_id, each.local_id) for each in found.odd] == [(GID, "here")]
    assert told(plan(replace(elsewhere, deleted=True), replica(), read=False)) == ["Delete"]


@pytest.mark.parametrize("state", [State.ERROR, State.PENDING, State.DRIFT])
def test_what_went_wrong_is_left_for_a_while(state: State) -> None:
    status = Status(state, tried=1, next_try=101)
    assert GID in plan(ENTRY, status=status).waiting
    assert told(plan(replace(ENTRY, generation=2), status=status)) == ["Create"], "something new"
    assert told(plan(ENTRY, status=replace(status, next_try=100))) == ["Create"]


def test_of_two_the_one_stays_that_the_map_has() -> None:
    old, late = replica("old", Marks(GID, 0)), replica("late", Marks(GID, 0))
    for place, goes in (("old", "late"), ("late", "old")):
        done = plan(ENTRY, old, late, place=place)
        gone = [each for each in done.changes if isinstance(each, Delete)]
        assert [(each.replica.local_id, each.extra) for each in gone] == [(goes, True)]


def test_a_second_one_that_was_finished_is_reported_and_left() -> None:
    done = plan(ENTRY, replica("one"), replica("two"), place="one")
    assert not done.changes
    assert [each.local_id for each in done.odd] == ["two"]


def test_what_says_it_is_ours_and_is_not_known_is_left() -> None:
    done = plan(ENTRY, replica(), replica("stray", Marks(OTHER, 3)))
    assert not done.changes
    assert [each.local_id for each in done.odd] == ["stray"]


def rule_key(**fields: Any) -> Any:
    base = {"security_group_id": "g", "direction": "ingress", "ethertype": "IPv4"}
    return kind_of("security_group_rule").natural({**base, **fields})


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        # As Neutron 29 and 22 answered 409 or 201 to the second one.
        ({"protocol": "tcp"}, {"protocol": "6"}, True),
        ({"protocol": "TCP"}, {"protocol": "tcp"}, True),
        ({"protocol": "gre"}, {"protocol": 47}, True),
        ({"protocol": "any"}, {}, True),
        ({"protocol": "0"}, {}, False),
        ({"protocol": "icmp", "ethertype": "IPv6"}, {"protocol": "58", "ethertype": "IPv6"}, True),
        ({"protocol": "icmpv6", "ethertype": "IPv6"}, {"protocol": "1", "ethertype": "IPv6"}, True),
        ({"protocol": "icmp"}, {"protocol": "58"}, False),
        ({"remote_ip_prefix": "0.0.0.0/0"}, {}, True),
        ({"remote_ip_prefix": "::/0", "ethertype": "IPv6"}, {"ethertype": "IPv6"}, True),
        ({"remote_ip_prefix": "10.1.2.3/8"}, {"remote_ip_prefix": "10.0.0.0/8"}, True),
        ({"remote_ip_prefix": "FD00:0::1/64"}, {"remote_ip_prefix": "fd00::/64"}, True),
        ({"remote_ip_prefix": "10.0.0.0/8"}, {"remote_ip_prefix": "10.0.0.0/9"}, False),
        ({"port_range_min": 22}, {"port_range_min": "22"}, True),
        ({"remote_group_id": "a"}, {"remote_address_group_id": "a"}, False),
        ({"description": "one"}, {"description": "other"}, True),
        ({"remote_ip_prefix": "nonsense"}, {"remote_ip_prefix": "nonsense"}, True),
    ],
)
def test_which_rules_say_the_same(one: Any, other: Any, same: bool) -> None:
    assert (rule_key(**one) == rule_key(**other)) is same


def test_the_default_group_and_interfaces_are_known_without_marks() -> None:
    group, port = kind_of("security_group"), kind_of("router_interface")
    assert group.natural({"name": "default", "project_id": "p"}) == ("p", "default")
    assert group.natural({"name": "web", "project_id": "p"}) is None
    fixed = [{"subnet_id": "b", "ip_address": "1"}, {"subnet_id": "a"}]
    known = {"device_id": "r", "network_id": "n", "fixed_ips": fixed}
    assert port.natural(known) == ("r", "n", "a", "b")
    assert port.natural({**known, "fixed_ips": []}) is None


def test_kinds_come_after_what_they_need() -> None:
    names = [kind.name for kind in all_kinds()]
    for kind in all_kinds():
        assert all(names.index(each) < names.index(kind.name) for each in kind.after)


def test_a_gateway_is_alike_but_for_its_addresses() -> None:
    router = kind_of("router")
    here = {"network_id": "ext", "enable_snat": True}
    there = {**here, "external_fixed_ips": [{"ip_address": "203.0.113.7"}]}
    assert not router.differences({"external_gateway_info": here}, {"external_gateway_info": there})
    assert router.differences({"external_gateway_info": None}, {"external_gateway_info": there})
    assert not router.differences({"external_gateway_info": None}, {"external_gateway_info": {}})


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ([2, 1], [1, 2], True),
        ("", None, True),
        (False, None, False),
        (0, None, False),
        ([], None, True),
    ],
)
def test_what_is_compared(one: Any, other: Any, same: bool) -> None:
    kind = kind_of("subnet")
    assert (not kind.differences({"dns_nameservers": one}, {"dns_nameservers": other})) is same


def test_a_field_that_a_site_does_not_know_is_no_difference() -> None:
    assert not kind_of("network").differences({"dns_domain": "x."}, {"name": ""})


# Marks


@pytest.mark.parametrize(
    "text", ["", "für alle \N{SNOWMAN}", "x" * 203, "ends with [federator-id:]"]
)
def test_a_description_comes_back_without_its_mark(text: str) -> None:
    both = marked(text, GID)
    assert unmarked(both) == text
    assert marks_of({"description": both}) == Marks(GID)


def test_a_long_description_is_cut_and_its_mark_is_not() -> None:
    both = marked("ä" * 255, GID)
    assert len(both) == 255
    assert marks_of({"description": both}) == Marks(GID)


@pytest.mark.parametrize("marks", [Marks(GID, 7), Marks(GID, 1, anchor=True)])
def test_tags_say_whose_replica_it_is(marks: Marks) -> None:
    tags = ["own", *marks.tags]
    assert marks_of({"tags": tags, "description": "x"}) == marks
    assert without_marks(tags) == ["own"]


@pytest.mark.parametrize(
    "tags",
    [
        [f"federator-id:{GID}"],
        ["federator"],
        ["federator", f"federator-id:{GID}", f"federator-id:{OTHER}"],
    ],
)
def test_half_a_mark_is_none(tags: list[str]) -> None:
    assert marks_of({"tags": tags}) is None


# The guard


def deletions(count: int, kept: int = 0, *, extra: bool = False) -> Plan:
    gone = [
        Delete(replace(ENTRY, global_id=f"g{n}", deleted=not extra), replica(), "", extra=extra)
        for n in range(count)
    ]
    return Plan("tokyo", tuple(gone), tuple((ENTRY, replica()) for _ in range(kept)))


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        (deletions(10), False),
        (deletions(11), True),
        (deletions(11, kept=21), True),
        (deletions(11, kept=22), False),
        (deletions(50, extra=True), False),
    ],
)
def test_too_much_at_once(asked: Plan, refused: bool) -> None:
    done = guarded(asked, all_kinds(), {"router": 100}, {})
    assert bool(done.refused) is refused
    assert bool(done.changes) is not refused
    if refused:
        assert guarded(asked, all_kinds(), {"router": 100}, {}, digest(asked)) == asked
        assert guarded(asked, all_kinds(), {"router": 100}, {}, "0" * 12).refused


def test_a_site_that_has_lost_its_memory() -> None:
    asked = Plan("tokyo", (Create(ENTRY),))
    had = {GID: Status(State.READY)}
    assert guarded(asked, all_kinds(), {}, had).refused
    assert not guarded(asked, all_kinds(), {"router": 1}, had).refused, "others are there"
    assert not guarded(asked, all_kinds(), {}, {}).refused, "there never was any"


# VLANs


@pytest.mark.parametrize("text", ["", "5", "a-b", "0-5", "9-5", "1-4095", "1-2-3", "-5"])
def test_no_pool(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no"):
        parse_pool(text)


def test_which_vlan_is_taken() -> None:
    pool = parse_pool("10-13")
    assert candidates(pool, None, ["a", "b"], {"a": [10], "b": [12]}) == [11, 13]
    assert candidates(pool, 12, ["a", "b"], {"a": [12], "b": []})[0] == 12, "it may stay"
    assert candidates(pool, 12, ["a", "b"], {"a": [12], "b": [12]})[0] == 10
    assert candidates(pool, 99, ["a", "b"], {"a": [99], "b": []})[0] == 10, "not of the pool"
    with pytest.raises(NoSegment, match="b"):
        candidates(pool, None, ["a", "b"], {"a": []})
    with pytest.raises(NoSegment, match="10 to 13"):
        candidates(pool, None, ["a"], {"a": pool})


VXLAN = {"provider:network_type": "vxlan", "provider:segmentation_id": 7}
VLAN = {
    "provider:network_type": "vlan",
    "provider:physical_network": "trunk",
    "provider:segmentation_id": 7,
}
OVN = replace(GROUND, ovn=True, extensions=frozenset({"segment"}))


@pytest.mark.parametrize(
    ("ground", "net", "number", "plugged", "how"),
    [
        (GROUND, VLAN, 7, True, How.NOTHING),
        (GROUND, VLAN, 8, True, How.RENUMBER),
        (GROUND, VXLAN, 8, False, How.REMAKE),
        (GROUND, VXLAN, 8, True, None),
        (GROUND, {**VLAN, "provider:physical_network": "else"}, 7, True, None),
        (OVN, VXLAN, 8, True, How.SEGMENT),
        (OVN, {"segments": [VXLAN, VLAN]}, 7, True, How.NOTHING),
        (OVN, VLAN, 8, True, How.RENUMBER),
        (replace(OVN, extensions=frozenset()), VXLAN, 8, True, None),
        (Ground(drivers=all_drivers()), VXLAN, 8, False, None),
        (Ground(manual=True, drivers=all_drivers()), VXLAN, 8, True, How.NOTHING),
    ],
)
def test_how_a_network_is_stretched(
    ground: Ground, net: Any, number: int, plugged: bool, how: How | None
) -> None:
    if how is not None:
        assert ground.driver.look(ground, net, number, plugged) is how
    else:
        with pytest.raises(Unfit):
            ground.driver.look(ground, net, number, plugged)


# Entries


def test_an_entry_is_what_its_anchor_shows() -> None:
    item = {"id": GID, "project_id": PROJECT, "name": "r", "description": marked("d", GID), "ha": 1}
    made = entry_of(kind_of("router"), item, "paris", ["tokyo"])
    assert made.spec == {
        "project_id": PROJECT,
        "name": "r",
        "description": "d",
        "external_gateway_info": None,
    }
    assert made.sites == {"paris", "tokyo"}
    assert at_more_sites(made, ["denver"]).generation == made.generation
    assert changed(replace(made, changing=5), kind_of("router"), item) == made
    renamed = changed(made, kind_of("router"), {**item, "name": "other"})
    assert (renamed.generation, renamed.spec["name"]) == (2, "other")


def test_a_change_that_was_never_ended() -> None:
    kind, entry = kind_of("router"), replace(ENTRY, changing=1000.0)
    assert ended(ENTRY, kind, replica(), 9999.0) is None
    assert ended(entry, kind, replica(), 1119.0) is None
    gone = ended(entry, kind, None, 1121.0)
    assert gone is not None
    assert (gone.deleted, gone.changing, gone.generation) == (True, 0, 2)
    other = ended(entry, kind, replica(name="new"), 1121.0)
    assert other is not None
    assert (other.spec["name"], other.generation, other.changing) == ("new", 2, 0)


def test_what_goes_with_what() -> None:
    rule = replace(
        ENTRY, kind="security_group_rule", spec={"security_group_id": "g", "remote_group_id": "h"}
    )
    assert goes_with(rule) == {"g", "h"}
    assert goes_with(replace(rule, spec={"security_group_id": "g"})) == {"g"}
    assert goes_with(ENTRY) == set()


# Statuses


def test_what_goes_wrong_is_tried_ever_more_seldom() -> None:
    status, pauses = None, []
    for now in range(12):
        status = failed(ENTRY, status, State.ERROR, "no", float(now))
        pauses.append(status.next_try - now)
        assert status.attempts == now + 1
    assert pauses[0] <= 3
    assert pauses[3] > pauses[0]
    assert max(pauses) <= 450
    assert failed(replace(ENTRY, generation=2), status, State.ERROR, "no", 0).attempts == 1


def test_what_does_not_last_is_made_again_ever_more_seldom() -> None:
    status = None
    for _ in range(RESTLESS_TIMES):
        status = reached(ENTRY, status, "here", 10.0)
        assert (status.state, status.next_try) == (State.READY, 0)
    for _ in range(3):
        status = reached(ENTRY, status, "here", 20.0)
        assert status.state is State.DRIFT
        assert status.next_try > 20
    calm = reached(ENTRY, Status(State.READY, 1, 1, attempts=2, since=10.0), "here", 100.0)
    assert (calm.state, calm.attempts) == (State.READY, 0)


def test_what_waits_is_looked_at_ever_more_seldom() -> None:
    first = waits(None, "no network", 100.0)
    assert (first.state, first.next_try, first.since) == (State.PENDING, 101.0, 100.0)
    later = waits(first, "no network", 130.0)
    assert (later.next_try, later.since) == (160.0, 100.0)
    assert waits(later, "no network", 9000.0).next_try == 9060.0
    assert waits(later, "no project", 9000.0).next_try == 9001.0
