"""Ports of one site stand at the others of a network, in the small world."""

from collections import Counter
from typing import Any

import pytest

from adapters.marks import REMOTE
from sync.placeholders.cards import Card
from sync.placeholders.keep import doubtful
from tests.sync.neutron import SERVICE, Item
from tests.sync.test_kills import rule, subnet
from tests.sync.world import ALPHA, Line, Trouble, World, placeholders_of


class Scene:
    """A routed network of paris that is at tokyo too, and a group whose members may reach each other."""

    def __init__(self) -> None:
        self.world = World()

    async def start(self, *, routed: bool = True) -> "Scene":
        world = await self.world.start()
        vlan = {"network_type": "vlan", "physical_network": "trunk-of-paris"}
        provider = {f"provider:{name}": value for name, value in vlan.items()}
        provider["provider:segmentation_id"] = 2000  # type: ignore[assignment]
        self.net = await world.make("network", "paris", name="net", **provider)
        self.sub = await subnet(world, self.net, 4, "10.9.0.0/21", name="v4")
        self.group = await world.make("security_group", "paris", name="sg")
        await rule(world, self.group, remote_group_id=self.group)
        self.router = ""
        if routed:
            self.router = await world.make("router", "paris", name="r")
            body = {"subnet_id": self.sub}
            world.ask("paris", "PUT", f"/routers/{self.router}/add_router_interface", body)
        await world.stretch("paris", "network", self.net, "tokyo")
        await world.stretch("paris", "security_group", self.group, "tokyo")
        await world.settle()
        return self

    async def local(self, kind_id: str, site: str) -> str:
        return await self.world.local(await self.world.global_id("paris", kind_id), site)

    async def port(self, site: str, **fields: Any) -> Item:
        """A new port of the tenant."""
        new = {"network_id": await self.local(self.net, site), "project_id": ""}
        new["project_id"] = self.world.project(ALPHA, site)
        made: Item = self.world.ask(site, "POST", "/ports", {"port": {**new, **fields}})["port"]
        return made

    async def rounds(self, *, times: int = 2, lines: dict[str, Line] | None = None) -> None:
        for _ in range(times):
            for site in ("paris", "tokyo"):
                await self.world.run(site, (lines or {}).get(site))

    def standing(self, site: str) -> list[Item]:
        return [p for p in self.world.neutrons[site].all("port") if p["device_owner"] == REMOTE]

    def error(self, site: str) -> str:
        statuses = self.world.store._statuses[site].values()
        return "; ".join(each.error for each in statuses if each.error)

    async def good(self) -> None:
        await self.world.settle()
        await self.world.check()


def counted(scene: Scene, site: str, calls: list[str]) -> Line:
    def at(call: str) -> Trouble | None:
        calls.append(call)
        return None

    return Line(scene.world.neutrons[site], at)


async def test_a_port_stands_at_the_other_site_with_all_that_it_has() -> None:
    scene = await Scene().start()
    group = await scene.local(scene.group, "tokyo")
    pairs = [{"ip_address": "10.9.0.250", "mac_address": "00:00:5e:00:01:01"}]
    far = await scene.port("tokyo", security_groups=[group], allowed_address_pairs=pairs)
    near = await scene.port("paris", admin_state_up=False)
    await scene.rounds()
    (here,), (there,) = scene.standing("paris"), scene.standing("tokyo")
    for one, other in ((here, far), (there, near)):
        assert one["mac_address"] == other["mac_address"]
        assert [a["ip_address"] for a in one["fixed_ips"]] == [
            a["ip_address"] for a in other["fixed_ips"]
        ]
        assert one["admin_state_up"] == other["admin_state_up"]
        assert one["project_id"] == SERVICE
    assert (here["device_id"], there["device_id"]) == ("site/tokyo", "site/paris")
    assert here["security_groups"] == [scene.group]
    assert there["security_groups"] == [], "the default group of paris is not at tokyo"
    assert here["allowed_address_pairs"] == pairs
    await scene.good()


async def test_what_changes_is_changed_by_one_call_and_many_are_made_by_few() -> None:
    scene = await Scene().start()
    ports = [await scene.port("paris", security_groups=[]) for _ in range(120)]
    calls: list[str] = []
    line = {"tokyo": counted(scene, "tokyo", calls)}
    await scene.rounds(lines=line)
    assert Counter(calls)["POST /v2.0/ports"] == 3
    calls.clear()
    body = {"port": {"security_groups": [scene.group]}}
    scene.world.ask("paris", "PUT", f"/ports/{ports[0]['id']}", body)
    await scene.rounds(lines=line)
    assert [c.split("/")[0] for c in calls if not c.startswith("GET")] == ["PUT "]
    for port in ports:
        scene.world.ask("paris", "DELETE", f"/ports/{port['id']}")
    await scene.rounds()
    assert not scene.standing("tokyo")
    await scene.good()


async def test_a_network_that_is_not_routed_needs_only_members_that_rules_name() -> None:
    scene = await Scene().start(routed=False)
    await scene.port("paris", security_groups=[])
    plain = await scene.world.make("security_group", "paris", name="plain")
    await scene.world.stretch("paris", "security_group", plain, "tokyo")
    await scene.port("paris", security_groups=[plain])
    member = await scene.port("paris", security_groups=[scene.group])
    await scene.rounds()
    assert [p["mac_address"] for p in scene.standing("tokyo")] == [member["mac_address"]]
    await scene.good()


async def test_where_ports_make_their_own_addresses_they_are_the_same_at_both_sites() -> None:
    scene = await Scene().start()
    new = {"network_id": scene.net, "ip_version": 6, "cidr": "fd00:9::/64"}
    new |= {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"}
    await scene.world.make("subnet", "paris", **new)
    await scene.world.stretch("paris", "network", scene.net, "tokyo")
    await scene.world.settle()
    port = await scene.port("paris")
    await scene.rounds()
    (there,) = scene.standing("tokyo")
    assert [each["ip_address"] for each in there["fixed_ips"]] == [
        each["ip_address"] for each in port["fixed_ips"]
    ]
    assert len(there["fixed_ips"]) == 2
    await scene.good()


async def test_nothing_stands_for_what_belongs_to_a_site() -> None:
    scene = await Scene().start()
    for owner in ("network:dhcp", "network:router_centralized_snat"):
        await scene.port("paris", device_owner=owner)
    await scene.port("paris", fixed_ips=[])
    forged = await scene.port("paris", device_owner=REMOTE, description="[federator-id:x]")
    await scene.rounds()
    # Who forges what only the gateway's account may be gains nothing: it is a port like any other.
    assert [p["mac_address"] for p in scene.standing("tokyo")] == [forged["mac_address"]]


async def test_what_is_deleted_or_changed_at_the_site_is_made_again() -> None:
    scene = await Scene().start()
    await scene.port("paris")
    await scene.rounds()
    for verb, body in (("DELETE", None), ("PUT", {"port": {"admin_state_up": False}})):
        (there,) = scene.standing("tokyo")
        scene.world.ask("tokyo", verb, f"/ports/{there['id']}", body)
        await scene.rounds()
        assert len(scene.standing("tokyo")) == 1
    await scene.good()


@pytest.mark.parametrize("what", ["fixed_ips", "mac_address"])
async def test_ports_that_exchange_what_they_have_are_not_in_each_others_way(what: str) -> None:
    scene = await Scene().start()
    ports = [await scene.port("paris") for _ in range(3)]
    await scene.rounds()
    # Between two looks of the daemon: nobody has seen how it was in between.
    kept = scene.world.neutrons["paris"].kept["port"]
    for each, other in zip(ports, [*ports[1:], ports[0]], strict=True):
        kept[each["id"]][what] = other[what]
    await scene.rounds()
    assert not scene.error("tokyo")
    await scene.good()


async def test_a_port_gets_groups_on_a_network_where_they_are_off_unless_asked_for() -> None:
    scene = await Scene().start()
    gid = await scene.world.global_id("paris", scene.net)
    assert await scene.world.change(gid, {"port_security_enabled": False})
    await scene.world.settle()
    ports = [await scene.port("paris") for _ in range(2)]
    await scene.rounds()
    assert [p["port_security_enabled"] for p in scene.standing("tokyo")] == [False, False]
    pairs = [{"ip_address": "10.9.0.250", "mac_address": "00:00:5e:00:01:01"}]
    for port, more in zip(
        ports, ({"security_groups": [scene.group]}, {"allowed_address_pairs": pairs}), strict=True
    ):
        body = {"port": {"port_security_enabled": True, **more}}
        scene.world.ask("paris", "PUT", f"/ports/{port['id']}", body)
    await scene.rounds()
    assert not scene.error("tokyo")
    await scene.good()


async def test_a_mac_that_somebody_has_is_reported_and_not_fought() -> None:
    scene = await Scene().start()
    ports = [await scene.port("paris") for _ in range(9)]
    taken = await scene.port("tokyo", mac_address=ports[4]["mac_address"])
    calls: list[str] = []
    line = {"tokyo": counted(scene, "tokyo", calls)}
    await scene.rounds(lines=line)
    assert len(scene.standing("tokyo")) == 8
    assert "MacAddressInUse" in scene.error("tokyo")
    calls.clear()
    await scene.rounds(lines=line, times=5)
    assert not [c for c in calls if not c.startswith("GET")], "it is not tried at every turn"
    scene.world.ask("tokyo", "DELETE", f"/ports/{taken['id']}")
    scene.world.offset += 400
    await scene.rounds()
    assert len(scene.standing("tokyo")) == 9
    await scene.rounds()
    assert not scene.error("tokyo")
    await scene.good()


async def test_a_site_that_takes_nothing_is_not_asked_for_each_of_a_thousand() -> None:
    scene = await Scene().start()
    for _ in range(150):
        await scene.port("paris")
    calls: list[str] = []

    def at(call: str) -> Trouble | None:
        calls.append(call)
        return Trouble.BUSY if call == "POST /v2.0/ports" else None

    await scene.rounds(lines={"tokyo": Line(scene.world.neutrons["tokyo"], at)})
    assert 10 < Counter(calls)["POST /v2.0/ports"] < 40
    await scene.good()


async def test_what_a_site_fails_at_stops_nothing_else() -> None:
    scene = await Scene().start()
    await scene.port("paris")

    def at(call: str) -> Trouble | None:
        return Trouble.SILENT if call == "POST /v2.0/ports" else None

    gid = await scene.world.global_id("paris", scene.net)
    assert await scene.world.change(gid, {"name": "new"})
    await scene.rounds(lines={"tokyo": Line(scene.world.neutrons["tokyo"], at)})
    there = await scene.local(scene.net, "tokyo")
    assert scene.world.neutrons["tokyo"].kept["network"][there]["name"] == "new"
    assert not scene.standing("tokyo")
    await scene.good()


async def test_who_has_said_nothing_is_not_somebody_without_ports() -> None:
    scene = await Scene().start()
    await scene.port("paris")
    await scene.rounds()
    (before,) = scene.standing("tokyo")
    # The store is lost, and of paris nobody has heard since.
    scene.world.store._told.clear()
    for _ in range(3):
        await scene.world.run("tokyo")
    assert scene.standing("tokyo") == [before]
    await scene.good()
    assert scene.standing("tokyo") == [before]


@pytest.mark.parametrize(("count", "remembered"), [(12, True), (12, False), (4, True)])
async def test_a_site_that_shows_fewer_ports_than_it_counts_is_not_believed(
    count: int, remembered: bool
) -> None:
    scene = await Scene().start()
    for _ in range(count):
        await scene.port("paris")
    await scene.rounds()
    assert len(scene.standing("tokyo")) == count
    if not remembered:
        scene.world.store._told.clear()
    blind = Line(scene.world.neutrons["paris"])
    honest = blind.request

    async def request(method: str, service: str, path: str, *rest: Any, **more: Any) -> Any:
        status, body = await honest(method, service, path, *rest, **more)
        if path.startswith("/v2.0/ports?network_id") and status == 200:
            body = {"ports": []}
        return status, body

    blind.request = request  # type: ignore[method-assign]
    await scene.rounds(lines={"paris": blind})
    assert len(scene.standing("tokyo")) == count
    await scene.good()


def test_what_is_much_is_much_of_a_network_or_of_all() -> None:
    cards = [Card(str(number), "", (), (), True) for number in range(30)]
    many, few = {"n": cards}, {f"n{number}": cards[:3] for number in range(10)}
    assert not doubtful(many, {"n": cards[:20]})
    assert doubtful(many, {"n": cards[:19]}) == ["n"]
    assert doubtful({}, {"n": []}) == doubtful(many, {"n": []}) == ["n"]
    assert not doubtful(few, {**few, "n1": cards[:1]})
    half = dict.fromkeys(list(few)[:6], cards[:1])
    assert doubtful(few, {**few, **half}) == list(half)


async def test_what_is_in_the_way_of_a_deletion_goes_first() -> None:
    scene = await Scene().start()
    port = await scene.port("paris", security_groups=[scene.group])
    await scene.rounds()
    assert scene.standing("tokyo")
    world = scene.world
    world.ask("paris", "DELETE", f"/ports/{port['id']}")
    (interface,) = [e.global_id for e in await world.store.all() if e.kind == "router_interface"]
    assert await world.remove(interface)
    assert await world.remove(await world.global_id("paris", scene.group))
    assert await world.remove(await world.global_id("paris", scene.net))
    # Tokyo has not heard yet that the port is gone.
    await world.run("tokyo")
    assert not world.neutrons["tokyo"].all("port")
    await scene.good()
    assert not world.neutrons["tokyo"].all("network")


async def test_when_a_network_is_routed_no_more_they_go() -> None:
    scene = await Scene().start()
    await scene.port("paris", security_groups=[])
    await scene.rounds()
    assert scene.standing("tokyo")
    entries = await scene.world.store.all()
    (interface,) = [e.global_id for e in entries if e.kind == "router_interface"]
    assert await scene.world.remove(interface)
    await scene.rounds()
    assert not scene.standing("tokyo")
    await scene.good()


async def test_one_that_became_a_servers_own_meanwhile_is_left_alone() -> None:
    scene = await Scene().start()
    port = await scene.port("paris")
    await scene.rounds()
    (there,) = scene.standing("tokyo")
    scene.world.ask("paris", "DELETE", f"/ports/{port['id']}")
    await scene.world.run("paris")

    def at(call: str) -> Trouble | None:
        if call.startswith("DELETE"):
            moved = {"port": {"device_owner": "compute:nova", "device_id": "vm"}}
            scene.world.ask("tokyo", "PUT", f"/ports/{there['id']}", moved)
        return None

    await scene.world.run("tokyo", Line(scene.world.neutrons["tokyo"], at))
    kept = scene.world.neutrons["tokyo"].kept["port"][there["id"]]
    assert kept["device_owner"] == "compute:nova"


async def test_an_address_of_another_site_is_not_taken_for_one_of_this() -> None:
    scene = await Scene().start()
    port = await scene.port("paris")
    await scene.good()
    ledger = scene.world.ledgers._ledgers
    before = {name: kept.content for name, kept in ledger.items()}
    assert placeholders_of(scene.world, "tokyo")
    assert port["fixed_ips"][0]["ip_address"] in str(scene.standing("tokyo"))
    await scene.good()
    assert {name: kept.content for name, kept in ledger.items()} == before


async def told(trouble: Trouble | None, number: int) -> tuple[World, list[str]]:
    """A life of ports, with trouble at one call of the daemons. All their calls."""
    scene = await Scene().start()
    world = scene.world
    calls: list[str] = []

    def at(call: str) -> Trouble | None:
        calls.append(call)
        return trouble if len(calls) == number else None

    lines = {site: Line(neutron, at) for site, neutron in world.neutrons.items()}
    far = await scene.port("tokyo", security_groups=[await scene.local(scene.group, "tokyo")])
    near = [await scene.port("paris") for _ in range(3)]
    await scene.rounds(lines=lines)
    world.ask("tokyo", "PUT", f"/ports/{far['id']}", {"port": {"security_groups": []}})
    world.ask("paris", "DELETE", f"/ports/{near[1]['id']}")
    await scene.rounds(lines=lines)
    await scene.good()
    assert {site: len(scene.standing(site)) for site in world.sites} == {"paris": 1, "tokyo": 2}
    return world, calls


@pytest.mark.parametrize("trouble", Trouble)
async def test_trouble_at_every_single_call(trouble: Trouble) -> None:
    _, calls = await told(None, 0)
    changes = [number for number, call in enumerate(calls, 1) if "/ports" in call]
    assert len(changes) > 10
    for number in changes:
        await told(trouble, number)
