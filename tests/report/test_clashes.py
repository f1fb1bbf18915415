"""What clashes, and what does not: every kind on small worlds of its own."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from adapters.registry import all_services
from federator.report.command import found_in
from federator.report.draw import EXAMPLES, as_json, as_text
from federator.report.finding import Finding
from federator.report.ranges import of_cidr, of_pool, overlapping
from federator.report.snapshot import HOME_TAG, SITE_DOWN, Item, SiteView, Snapshot
from idmap.sites import SiteKey

RESOURCES = {r.kind: r for service in all_services().values() for r in service.resources}
DOMAIN = {"id": "d", "name": "acme"}


def view(name: str, *, listed: Mapping[str, str] | None = None, **things: list[Item]) -> SiteView:
    """A site with one project, acme/alpha, whose ID there is its own."""
    key = SiteKey.of(name)
    project = {"id": f"p-{name}", "name": "alpha", "domain_id": "d", "tags": []}
    every: dict[str, Sequence[Item]] = {"domain": [DOMAIN], "project": [project], **things}
    return SiteView(name, key.namespace, key.number, listed=listed or {}, things=every)


def findings(*sites: SiteView, home: SiteView | None = None) -> dict[str, Finding]:
    nobody = home or view("home", project=[], domain=[])
    return {each.kind: each for each in found_in(Snapshot(sites, nobody, RESOURCES))}


def both(**things: list[Item]) -> dict[str, Finding]:
    """Paris and tokyo have the same things, each in its own project."""

    def own(site: str) -> SiteView:
        mine = {k: [{**i, "project_id": f"p-{site}"} for i in items] for k, items in things.items()}
        return view(site, **mine)

    return findings(own("paris"), own("tokyo"))


def net(name: str, net_id: str = "n", **more: Any) -> dict[str, Any]:
    return {"id": net_id, "name": name, **more}


def subnet(cidr: str, net_id: str = "n", **more: Any) -> dict[str, Any]:
    return {"id": f"s-{cidr}", "name": "", "network_id": net_id, "cidr": cidr, **more}


def test_sites_without_anything_do_not_clash() -> None:
    empty = [
        SiteView(name, SiteKey.of(name).namespace, SiteKey.of(name).number)
        for name in ("paris", "tokyo")
    ]
    assert findings(*empty) == {}
    snapshot = Snapshot(empty, view("home", project=[], domain=[]), RESOURCES)
    assert "nothing clashes" in as_text(snapshot, [], whole=False)


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("10.0.0.0/24", "10.0.0.0/24", True),
        ("10.0.0.0/16", "10.0.7.0/24", True),
        ("10.0.0.0/24", "10.0.1.0/24", False),
        ("fd00::/48", "fd00:0:0:7::/64", True),
        ("fd00::/64", "fd00:0:0:1::/64", False),
        ("10.0.0.0/8", "fd00::/8", False),
        ("10.0.0.0/24", "no network", False),
    ],
)
def test_subnets_of_one_project(one: str, other: str, clash: bool) -> None:
    paris = view("paris", network=[net("lan")], subnet=[subnet(one, project_id="p-paris")])
    tokyo = view("tokyo", network=[net("lån")], subnet=[subnet(other, project_id="p-tokyo")])
    found = findings(paris, tokyo)
    assert ("subnets-overlap-in-project" in found) == clash
    assert ("subnets-overlap" in found) == clash
    if clash:
        (case,) = found["subnets-overlap-in-project"].cases
        assert case == f"acme/alpha: {one} (lan) at paris; {other} (lån) at tokyo"


def test_subnets_of_different_projects_are_merely_counted() -> None:
    paris = view("paris", subnet=[subnet("10.0.0.0/24", project_id="p-paris")])
    tokyo = view("tokyo", subnet=[subnet("10.0.0.0/24", project_id="somebody else's")])
    found = findings(paris, tokyo)
    assert "subnets-overlap-in-project" not in found
    assert found["subnets-overlap"].cases == ["10.0.0.0 to 10.0.0.255: 1 at paris, 1 at tokyo"]


def test_a_listed_project_counts_as_the_one_of_home() -> None:
    mapped = {"id": "p", "name": "customer-7", "domain_id": "d", "tags": []}
    paris = view("paris", subnet=[subnet("10.0.0.0/24", project_id="p-paris")])
    lists = {"acme/alpha": "acme/customer-7"}
    own = [subnet("10.0.0.0/24", project_id="p")]
    tokyo = view("tokyo", listed=lists, project=[mapped], subnet=own)
    assert "subnets-overlap-in-project" in findings(paris, tokyo)


def test_external_networks_become_one_and_their_pools_may_not_overlap() -> None:
    def site(name: str, start: str, end: str) -> SiteView:
        pools = [{"start": start, "end": end}]
        return view(
            name,
            network=[net("public", **{"router:external": True})],
            subnet=[subnet("192.0.2.0/24", allocation_pools=pools)],
        )

    apart = findings(
        site("paris", "192.0.2.10", "192.0.2.99"), site("tokyo", "192.0.2.100", "192.0.2.199")
    )
    assert apart["external-networks-one"].cases == ["public at paris and tokyo"]
    assert "external-subnets-overlap" in apart
    assert "floating-pools-overlap" not in apart
    assert "subnets-overlap" not in apart
    twice = findings(
        site("paris", "192.0.2.10", "192.0.2.100"), site("tokyo", "192.0.2.100", "192.0.2.199")
    )
    assert "floating-pools-overlap" in twice


def test_names_of_one_project_and_what_is_behind_them() -> None:
    rule = {"direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}
    group = {"id": "g", "name": "web", "security_group_rules": [rule]}
    found = both(network=[net("lan")], subnet=[subnet("10.0.0.0/24")], security_group=[group])
    assert found["networks-of-one-name"].cases == [
        "acme/alpha: lan, 10.0.0.0/24 at paris and tokyo"
    ]
    assert found["security-groups-of-one-name"].cases == [
        "acme/alpha: web at paris and tokyo, with the same rules"
    ]


def test_default_groups_are_one_and_their_rules_are_compared() -> None:
    def site(name: str, *rules: dict[str, Any]) -> SiteView:
        group = {"id": "g", "name": "default", "project_id": f"p-{name}"}
        return view(name, security_group=[{**group, "security_group_rules": list(rules)}])

    own = {"direction": "ingress", "remote_group_id": "of the site"}
    same = findings(site("paris", own), site("tokyo", {**own, "remote_group_id": "another"}))
    assert not same.keys() & {"security-groups-of-one-name", "default-groups-differ"}
    other = findings(site("paris", own), site("tokyo", own, {"direction": "egress"}))
    assert "default-groups-differ" in other


def test_flavors() -> None:
    tiny = {"id": "1", "name": "m1.tiny", "ram": 512, "vcpus": 1, "disk": 1, "extra_specs": {}}
    huge = {"id": "2", "name": "huge", "ram": 1024, "vcpus": 1, "disk": 1, "extra_specs": {}}
    more = {**huge, "ram": 2048, "extra_specs": {"hw:numa_nodes": "2"}}
    found = findings(view("paris", flavor=[tiny, huge]), view("tokyo", flavor=[tiny, more]))
    assert found["flavors-one"].cases == ["m1.tiny at paris and tokyo"]
    (case,) = found["flavors-differ"].cases
    assert case == (
        "huge: ram is 1024 at paris, 2048 at tokyo; "
        "extra_specs is {} at paris, {'hw:numa_nodes': '2'} at tokyo"
    )
    assert found["flavor-ids-clash"].cases == ["2: huge at paris, huge at tokyo"]


def test_images() -> None:
    def image(name: str, digest: str | None, visibility: str = "public") -> Item:
        fields = {"os_hash_value": digest, "os_hash_algo": "sha512", "visibility": visibility}
        return {"id": f"{name}-{digest}", "name": name, "size": 7, **fields}

    found = findings(
        view("paris", image=[image("cirros", "a"), image("debian", "b"), image("old", None)]),
        view(
            "tokyo",
            image=[image("cirros", "a"), image("debian", "c"), {**image("old", None), "id": "x"}],
        ),
    )
    assert found["images-one"].cases == ["cirros at paris and tokyo"]
    assert [case.partition(":")[0] for case in found["images-differ"].cases] == ["debian", "old"]
    private = [image("mine", "a", "private")]
    theirs = findings(view("paris", image=private), view("tokyo", image=private))
    assert not theirs.keys() & {"images-one", "images-differ"}


def test_volume_types() -> None:
    ssd = {"id": "1", "name": "ssd", "is_public": True, "extra_specs": {}}
    other = {**ssd, "extra_specs": {"volume_backend_name": "ceph"}}
    one = findings(view("paris", volume_type=[ssd]), view("tokyo", volume_type=[ssd]))
    assert "volume-types-one" in one
    two = findings(view("paris", volume_type=[ssd]), view("tokyo", volume_type=[other]))
    assert "ceph" in two["volume-types-differ"].cases[0]


def test_keypairs() -> None:
    def site(name: str, fingerprint: str) -> SiteView:
        pair = {"name": "key", "user": "acme/bob", "fingerprint": fingerprint}
        return view(name, keypair=[pair])

    assert "keypairs-differ" in findings(site("paris", "aa"), site("tokyo", "bb"))
    assert "keypairs-differ" not in findings(site("paris", "aa"), site("tokyo", "aa"))


def test_projects_of_home() -> None:
    home = view("home", project=[{"id": "h", "name": "alpha", "domain_id": "d"}])
    assert findings(view("paris"), home=home)["home-projects-taken"].cases == [
        "acme/alpha at paris (p-paris)"
    ]
    listed = {"acme/alpha": "acme/alpha"}
    mapped = findings(view("paris", listed=listed), home=home)
    assert "home-projects-taken" not in mapped
    assert mapped["home-projects-mapped"].cases == ["acme/alpha at paris: acme/alpha"]
    for theirs in ({"id": "x", "tags": [HOME_TAG + "h"]}, {"id": "h", "tags": []}):
        project = {"name": "alpha", "domain_id": "d", **theirs}
        assert "home-projects-taken" not in findings(view("paris", project=[project]), home=home)


def test_vlans() -> None:
    def vlan(number: int) -> dict[str, Any]:
        kind, physical = "provider:network_type", "provider:physical_network"
        return {kind: "vlan", physical: "dci", "provider:segmentation_id": number}

    def site(name: str, *networks: Item, low: int = 1, high: int = 99) -> SiteView:
        every = {"network_type": "vlan", "physical_network": "dci", "minimum": low, "maximum": high}
        return view(name, network=list(networks), network_segment_range=[every])

    found = findings(
        site("paris", net("a", "a", **vlan(7)), net("b", "b", segments=[vlan(8), vlan(9)])),
        site("tokyo", net("c", "c", **vlan(9)), low=90, high=200),
        site("denver", net("d", "d", **vlan(10)), low=300, high=400),
    )
    (case,) = found["segments-used-twice"].cases
    assert case.startswith("vlan 9 of dci: b of ")
    assert case.endswith("at tokyo")
    (overlap,) = found["segment-ranges-overlap"].cases
    assert overlap == "vlan 90 to 99 of dci: paris (1 to 99) and tokyo (90 to 200)"
    tunnel = {"provider:network_type": "geneve", "provider:segmentation_id": 7}
    assert "segments-used-twice" not in findings(
        site("paris", net("a", **tunnel)), site("tokyo", net("a", **tunnel))
    )


def test_macs() -> None:
    def port(mac: str) -> Item:
        return {"id": "p", "name": "web", "mac_address": mac}

    found = findings(
        view("paris", port=[port("fa:16:3e:00:00:01"), port("fa:16:3e:00:00:02")]),
        view("tokyo", port=[port("FA:16:3E:00:00:01"), port("fa:16:3e:00:00:03")]),
    )
    assert found["macs-used-twice"].cases == ["fa:16:3e:00:00:01: web p at paris; web p at tokyo"]
    twice_at_one = view("paris", port=[port("fa:16:3e:00:00:01")] * 2)
    assert "macs-used-twice" not in findings(twice_at_one, view("tokyo"))


def test_zones_and_aggregates() -> None:
    zones = [{"name": "nova"}, {"name": "tokyo"}, {"name": "az2"}, {"name": "internal"}]
    racks = [{"name": "rack1"}]
    found = findings(
        view("paris", zone=zones, aggregate=racks),
        view("tokyo", zone=[{"name": "az1"}], aggregate=racks),
    )
    assert found["zones-renamed"].cases == [
        "az2 at paris is paris.az2",
        "tokyo at paris is paris.tokyo",
        "az1 at tokyo is tokyo.az1",
    ]
    assert found["zones-like-sites"].cases == ["tokyo at paris"]
    assert found["default-zone-missing"].cases == ["tokyo has az1"]
    assert found["aggregates-of-one-name"].cases == ["rack1 at paris and tokyo"]


def test_names_at_home_that_no_site_can_be_told() -> None:
    home = view(
        "home",
        project=[
            {"id": "1", "name": "köln", "domain_id": "d"},
            {"id": "2", "name": "x" * 60, "domain_id": "d"},
        ],
        user=[{"id": "3", "name": "bob"}, {"id": "4", "name": "bob smith"}],
    )
    found = findings(view("paris"), home=home)
    assert found["names-not-carried"].cases == ["project köln", "user bob smith"]
    assert found["names-too-long"].cases == [f"acme/{'x' * 60}"]


def test_numbers_that_would_mix_up_ids() -> None:
    paris, tokyo = view("paris"), view("tokyo")
    twin = SiteView("tokyo", tokyo.namespace, paris.number)
    assert findings(paris, twin)["site-numbers-clash"].cases == [f"paris and tokyo: {paris.number}"]
    twin = SiteView("tokyo", paris.namespace, tokyo.number)
    assert "site-namespaces-clash" in findings(paris, twin)


def test_every_finding_says_what_it_means_and_what_cures_it() -> None:
    things: dict[str, list[Item]] = {
        "subnet": [subnet("10.0.0.0/24")],
        "network": [net("lan")],
        "router": [{"id": "r", "name": "r1"}],
    }
    for each in both(**things).values():
        assert each.means
        assert each.cure
        assert not each.what.endswith(".")


def test_thousands_are_told_in_a_few_lines_and_whole_to_programs() -> None:
    ports = [
        {"id": str(i), "name": "", "mac_address": f"fa:16:3e:00:{i >> 8:02x}:{i & 255:02x}"}
        for i in range(20_000)
    ]
    subnets = [subnet(f"10.{i >> 8}.{i & 255}.0/24") for i in range(20_000)]
    sites = [view(name, port=ports, subnet=subnets) for name in ("paris", "tokyo")]
    snapshot = Snapshot(sites, view("home", project=[], domain=[]), RESOURCES)
    found = found_in(snapshot)
    text = as_text(snapshot, found, whole=False)
    assert f"... and {20_000 - EXAMPLES} more" in text
    assert "--all" in text
    assert len(text.splitlines()) < 60
    assert as_text(snapshot, found, whole=True).count("fa:16:3e") == 20_000
    by_kind = {each["kind"]: each for each in json.loads(as_json(snapshot, found))["findings"]}
    assert by_kind["macs-used-twice"]["count"] == len(by_kind["macs-used-twice"]["cases"]) == 20_000


def test_what_others_put_into_names_does_not_reach_the_terminal() -> None:
    evil = "\x1b[2Jlan\n" + "x" * 500
    found = both(router=[{"id": "r", "name": evil}])
    (case,) = found["routers-of-one-name"].cases
    assert case.isprintable()
    assert len(case) < 200


def test_a_site_that_could_not_be_read_is_named() -> None:
    key = SiteKey.of("rome")
    rome = SiteView("rome", key.namespace, key.number, unread={SITE_DOWN: "no connection"})
    tokyo = SiteView("tokyo", key.namespace, 7, unread={"port": "may not list"})
    text = as_text(Snapshot([rome, tokyo], view("home"), RESOURCES), [], whole=False)
    assert "rome: NOT READ, and so not in this report: no connection" in text
    assert "tokyo: port NOT READ: may not list" in text


def test_ranges_that_touch_do_not_overlap_and_those_that_hang_together_are_one_group() -> None:
    ranges = [
        of_pool("10.0.0.1", "10.0.0.9", "paris", "a"),
        of_pool("10.0.0.10", "10.0.0.20", "tokyo", "b"),
        of_pool("10.0.0.15", "10.0.0.30", "paris", "c"),
        of_pool("10.0.0.25", "10.0.0.40", "denver", "d"),
        of_cidr("0.0.0.0/0", "rome", "e")._replace(version=6),
    ]
    (group,) = overlapping(ranges)
    assert [each.text for each in group] == ["b", "c", "d"]
