"""What the doctor says of VLANs at sites of kinds that the lab has none of: OVN, ranges of segments, others."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapters.account import Account
from adapters.marks import Marks
from adapters.sites import Federation, Site
from federator.doctor.checks.f_spanning import check
from federator.doctor.patient import Finding, Heard, Level, Patient
from federator.doctor.ward import Ward

OVS = {"configurations": {"bridge_mappings": {"wan": "br-wan"}}}
OVN = {"configurations": {"bridge-mappings": "public:br-ex,wan:br-wan"}}


@dataclass
class Neutron:
    """Answers as a site's Neutron does. An unknown path is 404."""

    said: dict[str, Any] = field(default_factory=dict)
    may: bool = True

    async def endpoints(self) -> dict[str, str]:
        return {"network": "http://neutron"}

    async def request(
        self, method: str, service: str, path: str, *args: Any, **more: Any
    ) -> tuple[int, Any]:
        if method == "POST":
            return (400, {}) if self.may else (403, {})
        name = path.removeprefix("/v2.0/").partition("?")[0]
        if name not in self.said:
            return 404, {"NeutronError": {"message": "not found"}}
        if name.startswith("quotas/"):
            return 200, {"quota": {"port": self.said[name]}}
        return 200, {name: self.said[name]}

    async def project_id(self) -> str:
        return "ours"

    @property
    def site(self) -> str:
        return "paris"


def network(number: int, **more: Any) -> dict[str, Any]:
    vlan = {"provider:network_type": "vlan", "provider:physical_network": "wan"}
    return {"id": f"n{number}", "name": "", "provider:segmentation_id": number, **vlan, **more}


async def said_of(neutron: Neutron, **federation: Any) -> list[Finding]:
    stated = Federation(**{"physical_network": "wan", **federation})
    site = Site("paris", "http://keystone", "password", {}, federation=stated)
    account = cast(Account, neutron)

    async def ask(where: Site, url: str) -> Heard:
        raise AssertionError(url)

    patient = Patient(
        replace(site, name="home"),
        site,
        account,
        account,
        {},
        ask,
        cast(Ward, SimpleNamespace(segments="2000-2099")),
    )
    return [finding async for finding in check(patient)]


@pytest.mark.parametrize(
    ("agents", "level"),
    [
        ([OVS], Level.GOOD),
        ([OVN], Level.GOOD),
        ([{"configurations": {"bridge_mappings": {"other": "br"}}}], Level.WRONG),
        ([{"configurations": {}}, {}], Level.NOTE),
        ([], Level.NOTE),
    ],
    ids=["ovs", "ovn", "another", "says nothing", "no agents"],
)
async def test_the_physical_network(agents: list[Any], level: Level) -> None:
    found = await said_of(Neutron({"agents": agents, "networks": []}))

    assert found[0].level is level
    assert {each.level for each in found[1:]} == {Level.GOOD}
    assert len(found) == 4


@pytest.mark.parametrize(("most", "level"), [(-1, Level.GOOD), (500, Level.NOTE)])
async def test_every_port_of_other_sites_may_take_one_of_the_accounts_own(
    most: int, level: Level
) -> None:
    found = await said_of(Neutron({"agents": [OVS], "networks": [], "quotas/ours": most}))

    assert found[2].level is level
    if level is Level.NOTE:
        assert found[2].what.startswith("the account's project may have 500 ports")
        assert "quota set --ports -1 ours" in found[2].cure


async def test_where_ovn_carries_networks_its_chassis_need_macs() -> None:
    agent = {**OVN, "agent_type": "OVN Controller agent"}

    found = await said_of(Neutron({"agents": [agent], "networks": []}))

    told = [each for each in found if each.level is Level.NOTE]
    assert ["ovn-chassis-mac-mappings" in each.cure for each in told] == [True]


async def test_a_range_is_on_a_physical_network_that_there_is() -> None:
    ranges = [{"name": "r", "minimum": 1, "maximum": 99, "shared": True}]

    found = await said_of(Neutron({"network_segment_ranges": ranges, "networks": []}))

    assert found[0].level is Level.GOOD


async def test_who_uses_ids_of_ours_is_named() -> None:
    ours = network(2001, tags=Marks("11111111-1111-1111-1111-111111111111", 1).tags)
    networks = [network(2000, name="theirs"), ours, network(3000, name="elsewhere")]

    found = await said_of(Neutron({"agents": [OVS], "networks": networks}))

    assert found[1].level is Level.NOTE
    assert found[1].what == "VLAN IDs of segments are in use: theirs (2000)"


async def test_a_right_that_is_missing() -> None:
    found = await said_of(Neutron({"agents": [OVS], "networks": []}, may=False))

    assert found[-1].level is Level.WRONG
    assert "create_network:provider:segmentation_id" in found[-1].cure


@pytest.mark.parametrize("stated", [{"physical_network": ""}, {"stretched_by_hand": True}], ids=str)
async def test_nothing_is_asked_where_nothing_is_stretched(stated: dict[str, Any]) -> None:
    assert await said_of(Neutron(), **stated) == []
