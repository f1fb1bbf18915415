"""What replicas tell after a loss of the store: which objects they are, and what they are to be like."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

import pytest

from adapters.marks import Marks, marked
from adapters.names import Site
from idmap.desired import Desired
from idmap.ids import global_uuid, site_namespace, site_number
from idmap.pins import PinTable
from idmap.store import BURIED, SHARED, Pin
from sync.driver import SEGMENT
from sync.registry import all_kinds
from sync.restored import NO_ANCHOR, Reading, Restored, restored
from sync.tongue import Tongue

ALPHA, BETA = "a" * 32, "b" * 32
"""Home's projects. Each has an ID of its own at each site."""
PHYSICAL = {"paris": "wan", "tokyo": "dci", "denver": "wan"}


def names(site: str) -> Site:
    namespace = site_namespace(site)
    return Site(site, namespace, site_number(namespace))


def local(site: str, word: str) -> str:
    return str(uuid5(NAMESPACE_DNS, f"{word}.{site}"))


def shown(site: str, word: str) -> str:
    """The global ID of what was made at this site."""
    return global_uuid(names(site).namespace, local(site, word))


PROJECTS = [
    Pin(home, "project", "mapping", {site: local(site, home).replace("-", "") for site in PHYSICAL})
    for home in (ALPHA, BETA)
]


class Replicas:
    """Sites as dictionaries; an object is a word, and its replicas have the same one."""

    def __init__(self) -> None:
        self.there: dict[str, dict[str, list[dict[str, Any]]]] = {
            site: {kind.name: [] for kind in all_kinds()} for site in PHYSICAL
        }

    def add(
        self,
        kind: str,
        site: str,
        word: str,
        *,
        marks: Marks | None = None,
        project: str = ALPHA,
        **fields: Any,
    ) -> dict[str, Any]:
        project_id = next(pin.places[site] for pin in PROJECTS if pin.global_id == project)
        item = {
            "id": local(site, word),
            "project_id": project_id,
            "name": word,
            "description": "",
            "tags": marks.tags if marks else [],
            **fields,
        }
        self.there[site][kind].append(item)
        return item

    def network(
        self, site: str, word: str, generation: int, anchor: str = "paris", **fields: Any
    ) -> dict[str, Any]:
        """A replica as a daemon leaves it."""
        marks = Marks(shown(anchor, word), generation, site == anchor)
        vlan = {
            "provider:network_type": "vlan",
            "provider:physical_network": PHYSICAL[site],
            "provider:segmentation_id": 3100,
        }
        return self.add("network", site, word, **{"marks": marks, **vlan, **fields})

    def subnet(self, site: str, word: str, network: str, marks: Marks | None) -> dict[str, Any]:
        fields = {"network_id": local(site, network), "cidr": "10.0.0.0/24", "ip_version": 4}
        return self.add("subnet", site, word, marks=marks, **fields)

    def rule(self, site: str, group: str, port: int, **fields: Any) -> dict[str, Any]:
        said = {
            "security_group_id": local(site, group),
            "direction": "ingress",
            "ethertype": "IPv4",
            "protocol": "tcp",
            "port_range_min": port,
            "port_range_max": port,
            "remote_ip_prefix": "10.0.0.0/8",
        }
        return self.add("security_group_rule", site, f"{group}-{port}", **{**said, **fields})

    def read(
        self,
        *sites: str,
        known: Mapping[str, Desired] | None = None,
        pins: list[Pin] | None = None,
        federation: str = "",
    ) -> Restored:
        sites = sites or tuple(PHYSICAL)
        readings = [
            Reading(Tongue(names(site)), PHYSICAL[site], self.there[site]) for site in sites
        ]
        unread = PHYSICAL.keys() - set(sites)
        table = PinTable([*PROJECTS, *(pins or [])])
        return restored(all_kinds(), readings, unread, table, known or {}, federation)


def entries(found: Restored) -> dict[str, Desired]:
    return {entry.global_id: entry for entry in found.entries}


def kept(found: Restored) -> dict[str, Desired]:
    """As they are once they have been written."""
    return {entry.global_id: replace(entry, version=1) for entry in found.entries}


def pins(found: Restored) -> dict[str, Pin]:
    return {pin.global_id: pin for pin in found.pins}


@pytest.fixture
def replicas() -> Replicas:
    return Replicas()


def test_a_network_and_its_subnet(replicas: Replicas) -> None:
    gid, sub = shown("paris", "net"), shown("paris", "sub")
    for site in ("paris", "tokyo"):
        replicas.network(site, "net", 4)
        replicas.subnet(site, "sub", "net", Marks(sub, 2, site == "paris"))
    replicas.add("network", "denver", "somebody's")

    found = replicas.read()

    net = entries(found)[gid]
    assert (net.anchor, net.sites, net.generation) == ("paris", {"paris", "tokyo"}, 4)
    assert (net.project, net.spec["name"], net.spec["project_id"]) == (ALPHA, "net", ALPHA)
    assert (net.quarantined, net.unread, net.deleted) == ("", frozenset(), False)
    assert net.spec[SEGMENT] == 3100
    assert found.segments == {3100: gid}
    assert entries(found)[sub].spec["network_id"] == gid
    assert entries(found).keys() == {gid, sub}, "what nobody marked is nobody's"
    places = {site: local(site, "net") for site in ("paris", "tokyo")}
    assert pins(found)[gid] == Pin(gid, "network", SHARED, places, anchor="paris")
    assert found.odd == []


def test_once_it_is_known_there_is_nothing_new(replicas: Replicas) -> None:
    for site in ("paris", "tokyo"):
        replicas.network(site, "net", 4)
    first = replicas.read()

    again = replicas.read(known=kept(first), pins=first.pins)

    assert again.entries == []
    assert again.pins == first.pins


def test_an_anchor_that_was_not_marked_yet_is_known_by_its_id(replicas: Replicas) -> None:
    replicas.network("paris", "net", 0, marks=None)
    replicas.network("tokyo", "net", 1, description=marked("mine", shown("paris", "net")))

    entry = entries(replicas.read())[shown("paris", "net")]

    assert (entry.anchor, entry.sites) == ("paris", {"paris", "tokyo"})


def test_an_anchor_that_was_made_anew_is_known_by_its_tag(replicas: Replicas) -> None:
    gid = shown("paris", "first")
    replicas.network("paris", "second", 3, marks=Marks(gid, 3, anchor=True))
    replicas.network("paris", "first", 0, marks=Marks(gid, 0, anchor=True))
    replicas.network("tokyo", "second", 3, marks=Marks(gid, 3))

    found = replicas.read()

    assert entries(found)[gid].anchor == "paris"
    assert pins(found)[gid].places["paris"] == local("paris", "second")
    assert "is a second replica" in found.odd[0]


def test_what_the_anchor_shows_is_wanted(replicas: Replicas) -> None:
    replicas.network("paris", "net", 4, name="new name")
    replicas.network("tokyo", "net", 5)

    entry = entries(replicas.read())[shown("paris", "net")]

    assert (entry.spec["name"], entry.generation) == ("new name", 6)


def test_the_number_is_that_of_those_that_were_born_with_it(replicas: Replicas) -> None:
    gid = shown("paris", "net")
    replicas.network("paris", "net", 1, **{"provider:segmentation_id": 77})
    replicas.network("tokyo", "net", 1)
    other = shown("paris", "other")
    replicas.network("paris", "other", 1)
    replicas.network("denver", "other", 1)

    found = replicas.read()

    assert entries(found)[gid].spec[SEGMENT] == 3100
    assert found.odd == [f"networks {min(gid, other)} and {max(gid, other)} both have VLAN 3100"]


def test_what_has_lost_its_anchor_is_left_as_it_is(replicas: Replicas) -> None:
    gid, sub = shown("paris", "net"), shown("paris", "sub")
    replicas.network("tokyo", "net", 3)
    replicas.subnet("tokyo", "sub", "net", Marks(sub, 3))

    found = replicas.read()

    for each in (gid, sub):
        entry = entries(found)[each]
        assert (entry.quarantined, entry.anchor, entry.sites) == (NO_ANCHOR, "tokyo", {"tokyo"})
    assert pins(found)[gid].anchor == "tokyo", "its owner sees it, and can delete it again"


def test_what_was_in_quarantine_and_is_nowhere_any_more_is_forgotten(replicas: Replicas) -> None:
    replicas.network("tokyo", "net", 3)
    first = replicas.read()
    replicas.there["tokyo"]["network"].clear()

    (entry,) = replicas.read("paris", "tokyo", known=kept(first)).entries or [None]
    assert entry is None, "it may be at denver"
    (entry,) = replicas.read(known=kept(first)).entries
    assert entry is not None
    assert entry.deleted


def test_while_the_anchor_may_be_at_a_site_that_is_away_nothing_is_done(replicas: Replicas) -> None:
    gid = shown("paris", "net")
    for site in ("paris", "tokyo"):
        replicas.network(site, "net", 2)

    first = replicas.read("tokyo", "denver")

    entry = entries(first)[gid]
    assert entry.quarantined == "its anchor may be at paris, which could not be read"
    assert (entry.anchor, entry.unread) == ("paris", {"paris"})
    then = replicas.read(known=kept(first), pins=first.pins)
    (entry,) = then.entries
    assert (entry.quarantined, entry.unread, entry.version) == ("", frozenset(), 1)
    assert pins(then)[gid].places.keys() == {"paris", "tokyo"}


def test_a_site_that_is_away_may_have_it_too(replicas: Replicas) -> None:
    for site in ("paris", "tokyo", "denver"):
        replicas.network(site, "net", 2)

    first = replicas.read("paris", "tokyo")

    (entry,) = first.entries
    assert (entry.sites, entry.unread, entry.quarantined) == ({"paris", "tokyo"}, {"denver"}, "")
    (then,) = replicas.read(known=kept(first), pins=first.pins).entries
    assert (then.sites, then.unread) == ({"paris", "tokyo", "denver"}, frozenset())


def test_what_was_deleted_meanwhile_stays_deleted(replicas: Replicas) -> None:
    gid = shown("paris", "net")
    for site in ("paris", "tokyo", "denver"):
        replicas.network(site, "net", 2)
    first = replicas.read("paris", "tokyo")
    grave = replace(kept(first)[gid], deleted=True)

    then = replicas.read(known={gid: grave}, pins=first.pins)

    (entry,) = then.entries
    assert (entry.deleted, entry.unread) == (True, frozenset())
    assert pins(then)[gid].origin == BURIED
    assert pins(then)[gid].places.keys() == {"paris", "tokyo", "denver"}


def test_rules_are_those_of_the_anchor(replicas: Replicas) -> None:
    group = shown("paris", "web")
    for site in ("paris", "tokyo"):
        marks = Marks(group, 1, site == "paris")
        replicas.add("security_group", site, "web", marks=marks)
        replicas.add("security_group", site, "other")
        replicas.rule(site, "other", 80)
    replicas.rule("paris", "web", 80)
    replicas.rule("tokyo", "web", 80, remote_ip_prefix="10.1.2.3/8")
    replicas.rule("paris", "web", 443, project=BETA)
    replicas.rule("tokyo", "web", 8080)

    found = replicas.read()

    rules = {gid: each for gid, each in entries(found).items() if each.kind != "security_group"}
    http, https = shown("paris", "web-80"), shown("paris", "web-443")
    assert rules.keys() == {http, https}, "one that only a replica has is none"
    assert all(each.sites == {"paris", "tokyo"} for each in rules.values())
    assert all(each.project == ALPHA == each.spec["project_id"] for each in rules.values())
    assert rules[http].spec["security_group_id"] == group
    assert pins(found)[http].places == {
        "paris": local("paris", "web-80"),
        "tokyo": local("tokyo", "web-80"),
    }
    assert pins(found)[https].places == {"paris": local("paris", "web-443")}


def test_parts_that_had_just_been_made(replicas: Replicas) -> None:
    for site in ("paris", "tokyo"):
        replicas.network(site, "net", 1)
    replicas.subnet("paris", "new", "net", None)
    replicas.subnet("tokyo", "made past us", "net", None)

    found = replicas.read()

    new = entries(found).pop(shown("paris", "new"))
    assert new.sites == {"paris", "tokyo"}
    assert len(found.entries) == 2


def test_interfaces_are_wherever_router_and_network_are(replicas: Replicas) -> None:
    router, sub = shown("paris", "r"), shown("paris", "sub")
    port = shown("paris", "port")
    for site in ("paris", "tokyo"):
        anchor = site == "paris"
        replicas.network(site, "net", 1)
        replicas.subnet(site, "sub", "net", Marks(sub, 1, anchor))
        replicas.add("router", site, "r", marks=Marks(router, 1, anchor))
    fields = {
        "device_owner": "network:router_interface",
        "device_id": local("paris", "r"),
        "network_id": local("paris", "net"),
        "mac_address": "fa:16:3e:00:00:01",
        "fixed_ips": [{"subnet_id": local("paris", "sub"), "ip_address": "10.0.0.1"}],
    }
    replicas.add("router_interface", "paris", "port", **fields)

    found = replicas.read()

    entry = entries(found)[port]
    assert (entry.kind, entry.sites, entry.anchor) == (
        "router_interface",
        {"paris", "tokyo"},
        "paris",
    )
    assert entry.spec["device_id"] == router
    assert entry.spec["fixed_ips"] == [{"subnet_id": sub, "ip_address": "10.0.0.1"}]
    assert pins(found)[port].kind == "port"


def test_what_is_drained_stays_drained(replicas: Replicas) -> None:
    """Also at the anchor: what is kept away there belongs there, and the others say what it is like."""
    router, sub, port = shown("paris", "r"), shown("paris", "sub"), shown("paris", "port")
    routes = [{"destination": "10.9.0.0/16", "nexthop": "10.0.0.9"}]
    for site in ("paris", "tokyo"):
        anchor = site == "paris"
        replicas.network(site, "net", 1)
        replicas.subnet(site, "sub", "net", Marks(sub, 1, anchor))
        marks = Marks(router, 1, anchor, drained=anchor)
        replicas.add("router", site, "r", marks=marks, routes=[] if anchor else routes)
    fields = {
        "device_owner": "network:router_interface",
        "device_id": local("tokyo", "r"),
        "network_id": local("tokyo", "net"),
        "mac_address": "fa:16:3e:00:00:01",
        "fixed_ips": [{"subnet_id": local("tokyo", "sub"), "ip_address": "10.0.0.1"}],
    }
    replicas.add("router_interface", "tokyo", "port", marks=Marks(port, 1), **fields)

    found = entries(replicas.read())

    assert found[router].drained == {"paris"}
    assert found[router].spec["routes"] == routes
    assert (found[port].anchor, found[port].quarantined) == ("paris", "")
    assert found[port].sites == {"paris", "tokyo"}


def test_address_groups_carry_their_mark_for_good(replicas: Replicas) -> None:
    gid = shown("paris", "group")
    replicas.add("address_group", "paris", "group", addresses=["10.0.0.1/32"])
    replicas.add(
        "address_group",
        "tokyo",
        "group",
        addresses=["10.0.0.1/32"],
        description=marked("mine", gid),
    )

    entry = entries(replicas.read())[gid]

    assert (entry.anchor, entry.generation) == ("paris", 2), "their descriptions differ"
    assert entry.spec["description"] == ""


def test_the_ids_of_sites_that_have_left_go_on_leading_to_it(replicas: Replicas) -> None:
    for site in ("paris", "tokyo"):
        replicas.network(site, "net", 2)
    first = replicas.read()
    (pin,) = first.pins
    left = replace(pin, former=frozenset({shown("denver", "net")}))

    found = replicas.read(known=entries(first), pins=[left])

    assert pins(found)[pin.global_id].former == left.former


def test_a_forged_mark_takes_nothing_away(replicas: Replicas) -> None:
    gid = shown("paris", "net")
    for site in ("paris", "tokyo"):
        replicas.network(site, "net", 2)
    replicas.network("tokyo", "forged", 9, marks=Marks(gid, 999, anchor=True), project=BETA)

    found = replicas.read()

    assert (entries(found)[gid].project, entries(found)[gid].generation) == (ALPHA, 2)
    assert pins(found)[gid].places["tokyo"] == local("tokyo", "net")
    assert "another project" in found.odd[0]


def test_a_forged_mark_brings_nothing_of_others_into_care(replicas: Replicas) -> None:
    replicas.add("network", "paris", "net")
    replicas.network("tokyo", "net", 9, project=BETA)

    assert replicas.read().entries == []


def test_what_is_another_federations_is_left_to_it(replicas: Replicas) -> None:
    gid, group = shown("paris", "net"), shown("paris", "group")
    for site in ("paris", "tokyo"):
        replicas.network(site, "net", 2, marks=Marks(gid, 2, site == "paris", of="theirs"))
    replicas.add("address_group", "paris", "group")
    replicas.add("address_group", "tokyo", "group", description=marked("", group, "theirs"))

    assert replicas.read().entries == []
    assert entries(replicas.read(federation="theirs")).keys() == {gid, group}


def test_what_is_known_wins(replicas: Replicas) -> None:
    gid = shown("paris", "net")
    for site in ("paris", "tokyo"):
        replicas.network(site, "net", 2)
    first = replicas.read()
    newer = replace(kept(first)[gid], generation=7, spec={"name": "newest"})

    assert replicas.read(known={gid: newer}, pins=first.pins).entries == []
