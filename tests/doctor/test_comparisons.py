"""What the doctor says of numbers that sites tell: pure judgements, no site needed."""

from typing import Any

import pytest

from federator.doctor.checks import f_versions, h_latency, i_quotas, j_mtu, k_vlans, m_macs
from federator.doctor.patient import Level


def port(mac: str, owner: str = "compute:nova") -> dict[str, str]:
    return {"mac_address": mac, "device_owner": owner}


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        ([], ""),
        ([port("fa:16:3e:00:00:01")], "fa:16:3e"),
        ([port("FA:16:3E:00:00:01")], "fa:16:3e"),
        ([port("fa:16:3e:a1:00:01")] * 3, "fa:16:3e"),
        ([port(f"fa:16:3e:a1:00:0{n}") for n in range(4)], "fa:16:3e:a1"),
        ([port(f"fa:16:3e:a{n}:00:0{n}") for n in range(4)], "fa:16:3e"),
        ([port("02:00:00:00:00:01", "network:router_interface")], ""),
        ([{"mac_address": None}, {}], ""),
        (
            [port(f"fa:16:3e:a1:00:0{n}") for n in range(5)] + [port("00:11:22:33:44:55")],
            "fa:16:3e:a1",
        ),
    ],
)
def test_the_base_of_mac_addresses(ports: list[dict[str, Any]], expected: str) -> None:
    assert m_macs.base(ports) == expected


def test_mtus_are_compared_where_networks_can_meet() -> None:
    networks = [
        {"provider:network_type": "vlan", "mtu": 1500},
        {"provider:network_type": "vlan", "mtu": 9000},
        {"provider:network_type": "vxlan", "mtu": 1450},
        {"provider:network_type": None, "mtu": 1},
        {"mtu": 1},
        {},
    ]
    own = j_mtu.largest(networks)
    assert own == {"vlan": 9000, "vxlan": 1450}
    assert j_mtu.compared(own, "tokyo", {"vlan": 9000, "vxlan": 8950}) == []
    assert j_mtu.compared(own, "tokyo", {"flat": 1500}) == []
    (finding,) = j_mtu.compared(own, "tokyo", {"vlan": 1500})
    assert finding.level is Level.NOTE
    assert "9000 here and 1500 at tokyo" in finding.what


@pytest.mark.parametrize(
    ("minimum", "maximum", "level"),
    [
        (1, 1999, Level.GOOD),
        (1, 2000, Level.WRONG),
        (2999, 4094, Level.WRONG),
        (1, 4094, Level.WRONG),
    ],
)
def test_ids_of_networks_that_span_sites_are_not_for_tenants(
    minimum: int, maximum: int, level: Level
) -> None:
    entry = {"network_type": "vlan", "physical_network": "inter", "minimum": minimum}
    ranges = [
        {**entry, "maximum": maximum},
        {**entry, "physical_network": "other", "minimum": 1, "maximum": 4094},
        {**entry, "network_type": "vxlan", "minimum": 1, "maximum": 4094},
        {"network_type": "vlan", "physical_network": "inter"},
    ]
    (finding,) = k_vlans.judged(range(2000, 3000), "inter", ranges)
    assert finding.level is level
    assert bool(finding.cure) is (level is Level.WRONG)


def test_quotas_that_are_too_small_or_endless_are_noted() -> None:
    enough = {"instances": 10, "cores": 20, "port": 500, "security_group": 10}
    assert [each.level for each in i_quotas.judged(enough)] == [Level.GOOD]
    assert i_quotas.judged({}) == []
    few, endless = i_quotas.judged({**enough, "instances": 0, "port": 9, "cores": -1, "x": -1})
    assert "instances 0, port 9" in few.what
    assert "no limit on cores," in endless.what
    assert few.level is endless.level is Level.NOTE


def test_a_site_that_is_far_away_is_noted() -> None:
    near = h_latency.judged([0.01, 0.01, 9.0])
    far = h_latency.judged([0.2, 0.2, 0.01])
    assert (near.level, far.level) == (Level.GOOD, Level.NOTE)
    assert "10 ms" in near.what
    assert "200 ms" in far.what
    assert "1.4 s" in far.what


def test_what_a_site_keeps_the_federation_from() -> None:
    row: dict[str, Any] = {"microversions": None, "extensions": None, "quirks": []}
    assert f_versions.findings("image", row) == []
    versions = {"own": "2.95", "federation": "2.95", "lowers_federation": True}
    many = {"keeps_from_federation": [f"e{number:02}" for number in range(10)]}
    lowers, lacks, lifted = f_versions.findings(
        "compute",
        {
            "microversions": versions,
            "extensions": many,
            "quirks": [{"what": "One."}, {"what": "Two."}],
        },
    )
    assert "keeps the whole federation at 2.95" in lowers.what
    assert lacks.what.endswith("e06, e07 and 2 more")
    assert lifted.what.endswith("One; Two")
    assert [each.level for each in (lowers, lacks, lifted)] == [Level.NOTE, Level.NOTE, Level.GOOD]
