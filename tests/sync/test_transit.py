"""Ways between networks that stay at their sites: what daemons make of a router that is plugged into both."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from adapters.transit import is_over_transit, transit_mark, transit_of
from idmap.desired import State
from sync.numbers import SEGMENTS
from sync.observe import Observed
from sync.plan import told
from sync.share import at_more_sites
from sync.transit.words import NAME, loaded
from tests.sync.neutron import SERVICE, Item
from tests.sync.ways import check_ways
from tests.sync.world import POOL, Line, Trouble, World

Rounds = Callable[[], Awaitable[None]]


@dataclass
class Two:
    """A router of paris that tokyo has too, plugged into a network of each site in a tunnel."""

    world: World
    router: str
    """The global ID."""
    here: str
    there: str
    """Its local IDs at paris and tokyo."""


async def network(world: World, site: str, *cidrs: str) -> list[str]:
    """A network that nobody wants elsewhere: its subnets."""
    net = await world.make("network", site, name=f"of {site}")
    subnets = []
    for cidr in cidrs:
        version = 6 if ":" in cidr else 4
        new = {"network_id": net, "ip_version": version, "cidr": cidr}
        subnets.append(await world.make("subnet", site, **new))
    return subnets


def plug(world: World, site: str, router: str, subnet: str, verb: str = "add") -> None:
    path = f"/routers/{router}/{verb}_router_interface"
    world.ask(site, "PUT", path, {"subnet_id": subnet})


async def two(world: World, rounds: Rounds) -> Two:
    router = await world.make("router", "paris", name="r")
    for subnet in await network(world, "paris", "10.1.0.0/24", "fd00:1::/64"):
        plug(world, "paris", router, subnet)
    (gid,) = await world.share([("router", router)], "paris", ["tokyo"])
    await rounds()
    there = await world.local(gid, "tokyo")
    for subnet in await network(world, "tokyo", "10.2.0.0/24"):
        plug(world, "tokyo", there, subnet)
    await rounds()
    return Two(world, gid, router, there)


def unplug_all(world: World, it: Two) -> None:
    """From all that is the tenant's."""
    for site, router in (("paris", it.here), ("tokyo", it.there)):
        for port in world.neutrons[site].all("port"):
            if port["device_id"] == router and not transit_of(port, SERVICE):
                path = f"/routers/{router}/remove_router_interface"
                world.ask(site, "PUT", path, {"port_id": port["id"]})


def carriers(world: World, site: str, kind: str) -> list[Item]:
    """What a site has of transit networks."""
    return [each for each in world.neutrons[site].all(kind) if transit_of(each, SERVICE)]


def routes(world: World, site: str) -> dict[str, str]:
    """Destination -> next hop, of all routers of a site."""
    routers = world.neutrons[site].all("router")
    return {each["destination"]: each["nexthop"] for r in routers for each in r["routes"]}


def addresses(world: World, site: str) -> set[str]:
    ports = carriers(world, site, "port")
    return {each["ip_address"] for port in ports for each in port["fixed_ips"]}


def is_clean(world: World, site: str) -> bool:
    left = [carriers(world, site, kind) for kind in ("network", "subnet", "port")]
    return not any(left) and not routes(world, site)


async def test_each_site_reaches_what_the_other_has() -> None:
    world = await World().start()
    it = await two(world, world.settle)
    await world.check()
    nets = {site: carriers(world, site, "network") for site in world.sites}
    assert [len(each) for each in nets.values()] == [1, 1]
    vlans = {each["provider:segmentation_id"] for (each,) in nets.values()}
    assert len(vlans) == 1, "one VLAN for both"
    assert vlans < set(POOL)
    assert routes(world, "tokyo").keys() == {"10.1.0.0/24", "fd00:1::/64"}
    assert routes(world, "paris").keys() == {"10.2.0.0/24"}
    assert set(routes(world, "tokyo").values()) == addresses(world, "paris")
    assert set(routes(world, "paris").values()) < addresses(world, "tokyo")
    macs = {port["mac_address"] for s in world.sites for port in carriers(world, s, "port")}
    assert len(macs) == 2, "they are neighbours, and not twins"
    # The tenant wants no such routes, and none of his are taken for ours.
    entry = await world.entry(it.router)
    assert entry is not None
    assert not entry.spec.get("routes")
    statuses = [(await world.store.statuses(site))[it.router] for site in world.sites]
    assert [(each.state, each.error) for each in statuses] == [(State.READY, "")] * 2
    done = [await world.run(site) for site in world.sites]
    assert not any(each and (each.plan.changes or each.plan.transit.steps) for each in done)


async def test_a_third_site_that_comes_later_reaches_both() -> None:
    world = await World(("paris", "tokyo", "denver")).start()
    it = await two(world, world.settle)
    entry = await world.entry(it.router)
    assert entry is not None
    assert await world.store.put(at_more_sites(entry, ["denver"])) is not None
    await world.settle()
    await world.check()
    await check_ways(world)
    assert routes(world, "denver").keys() == {"10.1.0.0/24", "fd00:1::/64", "10.2.0.0/24"}
    assert routes(world, "paris").keys() == {"10.2.0.0/24"}, "denver has nothing of its own"


async def test_no_site_has_anything_of_its_own_any_more() -> None:
    world = await World().start()
    it = await two(world, world.settle)
    (subnet,) = [s["id"] for s in world.neutrons["tokyo"].all("subnet") if "10.2" in s["cidr"]]
    plug(world, "tokyo", it.there, subnet, "remove")
    await world.settle()
    assert routes(world, "paris") == {}, "and tokyo still reaches paris"
    assert routes(world, "tokyo").keys() == {"10.1.0.0/24", "fd00:1::/64"}
    for each in world.neutrons["paris"].all("subnet"):
        if not transit_of(each, SERVICE):
            plug(world, "paris", it.here, each["id"], "remove")
    await world.settle()
    await world.check()
    assert all(is_clean(world, site) for site in world.sites)
    assert await world.id_store.documents(SEGMENTS, "") == {}, "the VLAN ID is free"


async def test_a_router_goes_with_all_that_was_made_for_it() -> None:
    world = await World().start()
    it = await two(world, world.settle)
    unplug_all(world, it)
    assert not await world.remove(it.router), "Neutron keeps it as long as our port is there"
    await world.settle()
    assert await world.remove(it.router)
    await world.settle()
    await world.check()
    assert all(is_clean(world, site) for site in world.sites)
    assert await world.id_store.documents(SEGMENTS, "") == {}


async def test_routes_of_the_tenant_stay_his() -> None:
    world = await World().start()
    it = await two(world, world.settle)
    own = {"destination": "198.51.100.0/24", "nexthop": "10.1.0.9"}
    path = f"/routers/{it.here}"
    world.ask("paris", "PUT", f"{path}/add_extraroutes", {"router": {"routes": [own]}})
    assert await world.change(it.router, {"name": "renamed"})
    entry = await world.entry(it.router)
    assert entry is not None
    assert entry.spec["routes"] == [own]
    # He leads elsewhere what would go to tokyo: his word counts.
    mine = {"destination": "10.2.0.0/24", "nexthop": "10.1.0.7"}
    world.ask("paris", "PUT", f"{path}/add_extraroutes", {"router": {"routes": [mine]}})
    assert await world.change(it.router, {"name": "again"})
    await world.run("paris")
    assert routes(world, "paris") == {
        "198.51.100.0/24": "10.1.0.9",
        "10.2.0.0/24": "10.1.0.7",
    }


async def test_all_routes_are_overwritten_behind_our_back() -> None:
    world = await World().start()
    it = await two(world, world.settle)
    before = routes(world, "tokyo")
    world.neutrons["tokyo"].kept["router"][it.there]["routes"] = []
    await world.settle()
    assert routes(world, "tokyo") == before
    await world.check()


@pytest.mark.parametrize("lost", ["words", "claims"])
async def test_nothing_is_taken_away_on_the_word_of_nobody(lost: str) -> None:
    world = await World().start()
    await two(world, world.settle)
    before = {site: routes(world, site) for site in world.sites}
    vlan = carriers(world, "paris", "network")[0]["provider:segmentation_id"]
    if lost == "words":
        async with world.store.lead("tokyo", 9) as lead:
            assert lead is not None
            await world.store.publish("tokyo", "transit", b"from another release", lead.fence)
    else:
        for name, who in (await world.id_store.documents(SEGMENTS, "")).items():
            await world.id_store.disclaim_document(SEGMENTS, "", name, who)
    for _ in range(3):
        await world.run("paris")
        assert routes(world, "paris") == before["paris"]
    await world.settle()
    await world.check()
    assert {site: routes(world, site) for site in world.sites} == before
    assert carriers(world, "paris", "network")[0]["provider:segmentation_id"] == vlan
    claims = await world.id_store.documents(SEGMENTS, "")
    assert claims.keys() == {str(vlan)}


async def test_a_site_that_takes_no_more_routes_says_so() -> None:
    world = await World().start()
    world.neutrons["tokyo"].max_routes = 1
    it = await two(world, world.settle)
    status = (await world.store.statuses("tokyo"))[it.router]
    assert status.state is State.READY, "the router is there, and as it is wanted"
    assert "OverQuota" in status.error
    assert routes(world, "paris").keys() == {"10.2.0.0/24"}
    world.neutrons["tokyo"].max_routes = 30
    world.offset += 4000
    await world.settle()
    assert (await world.store.statuses("tokyo"))[it.router].error == ""
    assert routes(world, "tokyo").keys() == {"10.1.0.0/24", "fd00:1::/64"}


async def test_no_site_sends_what_the_other_does_not_carry() -> None:
    world = await World().start()
    world.neutrons["paris"].longest_vlan, world.neutrons["tokyo"].longest_vlan = 9000, 1400
    await two(world, world.settle)
    assert [carriers(world, site, "network")[0]["mtu"] for site in world.sites] == [1400, 1400]


async def test_a_router_is_at_one_site_alone_since_another_has_left() -> None:
    world = await World().start()
    it = await two(world, world.settle)
    entry = await world.entry(it.router)
    assert entry is not None
    assert await world.store.put(replace(entry, sites=frozenset({"paris"}))) is not None
    for _ in range(3):
        await world.run("paris")
    assert is_clean(world, "paris")
    assert await world.id_store.documents(SEGMENTS, "") == {}


async def test_what_is_not_read_yet_passes_for_nobodys_own() -> None:
    world = await World().start()
    await two(world, world.settle)
    before = routes(world, "paris")
    tokyo = (await world.round(Line(world.neutrons["tokyo"]))).transit
    async with world.store.lead("tokyo", 9) as lead:
        nothing = Observed({}, frozenset())
        await tokyo.planned(await world.store.all(), nothing, lead, read=False)
    words = loaded(await world.store.published(NAME))
    assert words["tokyo"].routers == {}
    await world.run("paris")
    assert routes(world, "paris") == before


@pytest.mark.parametrize("list_of", ["ports", "routers", "subnets"])
async def test_a_site_shows_nothing_of_a_kind_for_a_moment(list_of: str) -> None:
    world = await World().start()
    await two(world, world.settle)
    before = {site: routes(world, site) for site in world.sites}
    neutron = world.neutrons["tokyo"]
    request = neutron.request

    def blind(method: str, path: str, *rest: Any) -> tuple[int, Any]:
        status, body = request(method, path, *rest)
        hidden = method == "GET" and path.startswith(f"/v2.0/{list_of}?")
        return (status, {list_of: []}) if hidden else (status, body)

    neutron.request = blind  # type: ignore[method-assign]
    for site in ("tokyo", "paris", "tokyo"):
        await world.run(site)
        assert {site: routes(world, site) for site in world.sites} == before
    neutron.request = request  # type: ignore[method-assign]
    await world.settle()
    assert {site: routes(world, site) for site in world.sites} == before


async def test_the_federation_gets_a_name() -> None:
    world = await World().start()
    it = await two(world, world.settle)
    before = {site: routes(world, site) for site in world.sites}
    ground = world.ground
    world.ground = lambda site: replace(ground(site), federation="f")  # type: ignore[method-assign]
    for _ in range(3):
        for site in world.sites:
            await world.run(site)
    assert {site: routes(world, site) for site in world.sites} == before
    assert not any([(await world.store.statuses(s))[it.router].error for s in world.sites])


async def test_a_site_to_which_a_router_is_still_to_come_is_waited_for_by_none() -> None:
    world = await World(("paris", "tokyo", "denver")).start()

    async def rounds() -> None:
        for site in ("paris", "tokyo") * 4:
            await world.run(site)

    it = await two(world, rounds)
    entry = await world.entry(it.router)
    assert entry is not None
    assert await world.store.put(at_more_sites(entry, ["denver"])) is not None
    unplug_all(world, it)
    await rounds()
    assert is_clean(world, "paris")
    assert is_clean(world, "tokyo")
    assert await world.remove(it.router)


async def test_one_of_a_router_that_nobody_knows_is_cleared_with_its_routes() -> None:
    world = await World().start()
    it = await two(world, world.settle)
    for entry in await world.store.all():
        assert await world.store.drop(entry)
    for site in world.sites:
        await world.run(site)
    assert all(is_clean(world, site) for site in world.sites), it


async def test_a_router_in_quarantine_can_be_deleted() -> None:
    world = await World().start()
    it = await two(world, world.settle)
    entry = await world.entry(it.router)
    assert entry is not None
    assert await world.store.put(replace(entry, quarantined="nobody knows")) is not None
    await world.run("paris")
    assert routes(world, "paris"), "as long as it is plugged into anything it leads there"
    unplug_all(world, it)
    await world.run("paris")
    world.ask("paris", "DELETE", f"/routers/{it.here}")


async def test_the_last_vlan_id_is_kept_for_whom_it_was() -> None:
    world = await World().start()
    await two(world, world.settle)
    (claim,) = (await world.id_store.documents(SEGMENTS, "")).items()
    await world.id_store.disclaim_document(SEGMENTS, "", *claim)
    for number in {str(each) for each in POOL} - {claim[0]}:
        await world.id_store.claim_document(SEGMENTS, "", number, b"another's")
    await world.run("paris")
    assert dict([claim]).items() <= (await world.id_store.documents(SEGMENTS, "")).items()


async def test_a_tenant_forges_the_mark() -> None:
    world = await World().start()
    it = await two(world, world.settle)
    before = {site: routes(world, site) for site in world.sites}
    forged = await world.make("network", "paris", description=transit_mark(it.router, ""))
    await world.settle()
    assert forged in world.neutrons["paris"].kept["network"], "it is his, and stays"
    assert {site: routes(world, site) for site in world.sites} == before


async def test_two_were_made_and_one_of_another_number() -> None:
    world = await World().start()
    it = await two(world, world.settle)
    mark = {"description": transit_mark(it.router, ""), "project_id": SERVICE}
    second = world.ask("tokyo", "POST", "/networks", {"network": mark})["network"]["id"]
    (network,) = carriers(world, "paris", "network")
    world.neutrons["paris"].kept["network"][network["id"]]["provider:segmentation_id"] = 2077
    await world.settle()
    await world.check()
    assert second not in world.neutrons["tokyo"].kept["network"]
    vlans = {carriers(world, s, "network")[0]["provider:segmentation_id"] for s in world.sites}
    assert len(vlans) == 1
    assert routes(world, "paris").keys() == {"10.2.0.0/24"}


async def test_a_plan_says_what_would_be_done() -> None:
    world = await World().start()
    it = await two(world, world.settle)
    world.neutrons["tokyo"].kept["router"][it.there]["routes"] = []
    each = await world.round(Line(world.neutrons["tokyo"]))
    lines = told(await each.plan())
    vlan = carriers(world, "tokyo", "network")[0]["provider:segmentation_id"]
    assert lines == [
        f"tokyo: change transit of router {it.router} [VLAN {vlan}, routes to 10.1.0.0/24, fd00:1::/64]"
    ]


async def story(world: World, rounds: Rounds) -> None:
    """Ways come, and go with what they were for."""
    it = await two(world, rounds)
    (subnet,) = [s["id"] for s in world.neutrons["tokyo"].all("subnet") if "10.2" in s["cidr"]]
    plug(world, "tokyo", it.there, subnet, "remove")
    await rounds()
    for each in world.neutrons["paris"].all("subnet"):
        if not transit_of(each, SERVICE):
            plug(world, "paris", it.here, each["id"], "remove")
    await rounds()


async def killed(trouble: Trouble, number: int) -> tuple[World, bool]:
    """The story, with trouble at one call that changes something: whether there were so many."""
    world = await World().start()
    calls: list[str] = []

    def at(call: str) -> Trouble | None:
        if not call.startswith("GET"):
            calls.append(call)
        return trouble if len(calls) == number and not call.startswith("GET") else None

    async def rounds() -> None:
        for _ in range(3):
            for site in world.sites:
                await world.run(site, Line(world.neutrons[site], at))
        await world.settle()

    await story(world, rounds)
    return world, len(calls) >= number


@pytest.mark.parametrize("trouble", [Trouble.KILLED_BEFORE, Trouble.KILLED_AFTER, Trouble.LOST])
async def test_a_daemon_is_killed_at_every_call(trouble: Trouble) -> None:
    number, hit = 0, True
    while hit:
        number += 1
        world, hit = await killed(trouble, number)
        await world.check()
        assert all(is_clean(world, site) for site in world.sites), number
        assert await world.id_store.documents(SEGMENTS, "") == {}, number
    assert number > 15, "there was something to be killed over"


async def test_routes_that_are_ours_are_told_by_their_next_hop() -> None:
    ours = "169.254.128.7", "169.254.131.231", "fd66:6564:6572:6174::7"
    others = (
        "169.254.131.232",
        "169.254.128.0",
        "169.254.144.1",
        "169.254.127.255",
        "fd66:6564:6572:6175::7",
        "10.0.0.1",
        "",
        "x",
    )
    assert all(is_over_transit({"nexthop": each}) for each in ours)
    assert not any(is_over_transit({"nexthop": each}) for each in others)


async def test_a_number_that_a_site_has_and_could_not_tell_of_is_nobody_elses() -> None:
    world = await World().start()
    router = await world.make("router", "paris", name="r")
    (subnet,) = await network(world, "paris", "10.1.0.0/24")
    plug(world, "paris", router, subnet)
    await world.share([("router", router)], "paris", ["tokyo"])

    def trouble(call: str) -> Trouble | None:
        return Trouble.KILLED_AFTER if call == "POST /v2.0/networks" else None

    for _ in range(3):
        await world.run("paris")
        if not carriers(world, "tokyo", "network"):
            await world.run("tokyo", Line(world.neutrons["tokyo"], trouble))
    (there,) = carriers(world, "tokyo", "network")
    vlan = there["provider:segmentation_id"]
    plug(world, "paris", router, subnet, "remove")
    for _ in range(6):
        await world.run("paris")
    assert is_clean(world, "paris")
    assert str(vlan) in await world.id_store.documents(SEGMENTS, "")
    await world.settle()
    assert is_clean(world, "tokyo")
    assert await world.id_store.documents(SEGMENTS, "") == {}
