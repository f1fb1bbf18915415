"""A site leaves the federation: what spans sites goes on at the others, wherever its anchor was."""

from dataclasses import replace

import pytest

from adapters.marks import marks_of
from idmap.desired import READ, Desired
from idmap.ids import global_uuid
from idmap.pins import PinTable
from sync.driver import SEGMENT
from sync.ipam.ledger import Ledger
from sync.kinds.router_interface import OWNERS
from sync.leaver import Leaver
from sync.leaving import Departure, departure
from sync.ledgers import read
from sync.registry import all_kinds
from sync.restored import NO_ANCHOR, Reading, restored
from tests.sync.world import ALPHA, World, placeholders_of

SITES = ("denver", "paris", "tokyo")
STAY = ("paris", "tokyo")


def leaver(world: World, site: str = "denver") -> Leaver:
    others = [each for each in world.sites if each != site]
    return Leaver(world.keys[site], others, world.store, world.ids, world.ledgers)


async def whole() -> tuple[World, dict[str, str]]:
    """A net with a subnet and a router, a policy and a group of denver, at all three, with a port at each."""
    world = await World(SITES).start()
    policy = await world.make("policy", "denver", name="slow")
    net = await world.make("network", "denver", name="net", qos_policy_id=policy)
    new = {"network_id": net, "ip_version": 4, "cidr": "10.9.0.0/24", "name": "v4"}
    behind = await world.make("subnet", "denver", **new)
    router = await world.make("router", "denver", name="r")
    world.ask("denver", "PUT", f"/routers/{router}/add_router_interface", {"subnet_id": behind})
    addresses = await world.make("address_group", "denver", name="ag", addresses=["10.1.0.0/16"])
    group = await world.make("security_group", "denver", name="sg")
    for fields in ({"remote_group_id": group}, {"remote_address_group_id": addresses}):
        made = {"security_group_id": group, "direction": "ingress", "ethertype": "IPv4", **fields}
        await world.make("security_group_rule", "denver", **made)
    await world.stretch("denver", "network", net, *STAY)
    await world.stretch("denver", "security_group", group, *STAY)
    await world.settle()
    named = {str(e.spec.get("name") or e.kind): e.global_id for e in await world.store.all()}
    for site in SITES:
        local = await world.local(named["net"], site)
        port = {"network_id": local, "project_id": world.project(ALPHA, site)}
        world.ask(site, "POST", "/ports", {"port": port})
    await world.settle()
    await world.check()
    return world, named


async def book(world: World, named: dict[str, str]) -> Ledger:
    ledger = await read(world.ledgers, named["v4"])
    assert ledger is not None
    return ledger


async def test_what_had_its_anchor_there_gets_another_one_and_can_be_changed_and_deleted() -> None:
    world, named = await whole()
    left = {kind: dict(items) for kind, items in world.neutrons["denver"].kept.items()}
    before = {each.global_id: each for each in await world.store.all()}
    assert (await book(world, named)).leased("denver")
    await leaver(world).leave()
    world.sites = STAY
    await world.settle()
    await world.check()
    after = {each.global_id: each for each in await world.store.all()}
    assert after.keys() == before.keys()
    for entry in after.values():
        assert (entry.anchor, entry.sites) == ("paris", frozenset(STAY))
        was = before[entry.global_id]
        assert (entry.spec, entry.generation) == (was.spec, was.generation)
    for kind in ("network", "subnet", "router", "security_group", "policy"):
        for site in STAY:
            marks = [marks_of(item) for item in world.neutrons[site].all(kind)]
            anchors = [each.anchor for each in marks if each is not None]
            assert anchors == [site == "paris"], (kind, site)
    assert world.neutrons["denver"].kept == left, "nothing is asked of who leaves"
    # Nobody stands for its ports any more, and others have its addresses.
    assert len(placeholders_of(world, "paris")) == len(placeholders_of(world, "tokyo")) == 1
    ledger = await book(world, named)
    assert {each.site for each in ledger.members} == set(STAY)
    assert not ledger.leased("denver")
    assert await world.change(named["net"], {"name": "netz"})
    assert await world.change(named["sg"], {"description": "neu"})
    await world.settle()
    await world.check()
    assert await world.remove(named["router_interface"])
    assert await world.remove(named["r"])
    for site in STAY:
        for port in world.neutrons[site].all("port"):
            if not port["device_owner"]:
                world.ask(site, "DELETE", f"/ports/{port['id']}")
    await world.settle()
    assert await world.remove(named["net"])
    assert await world.remove(named["sg"])
    await world.settle()
    await world.check()
    assert {each.kind for each in await world.store.all()} == {"policy", "address_group"}
    assert await world.ledgers.names() == set()


def reading(world: World, site: str) -> Reading:
    """A site as `federator.upkeep.restoring` reads it."""
    neutron, objects = world.neutrons[site], {}
    for kind in all_kinds():
        there = neutron.all(kind.resource.kind)
        if kind.name == "router_interface":
            there = [each for each in there if each["device_owner"] in OWNERS]
        objects[kind.name] = [neutron.shown(kind.resource.kind, each) for each in there]
    return Reading(world.tongue(site), f"trunk-of-{site}", objects)


async def test_one_that_comes_back_with_its_replicas_takes_them_up_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, named = await whole()
    there = {gid: await world.local(gid, "denver") for gid in named.values()}
    await leaver(world).leave()
    world.sites = STAY
    await world.settle()
    assert await world.change(named["net"], {"name": "netz"})
    world.sites = SITES
    group = await world.local(named["sg"], "paris")
    new = {"security_group_id": group, "direction": "ingress", "protocol": "udp"}
    late = await world.make("security_group_rule", "paris", **new)
    await world.share([("security_group_rule", late)], "paris", ["tokyo"])
    for site in STAY:
        await world.run(site)
    left = {kind: dict(items) for kind, items in world.neutrons["denver"].kept.items()}

    async def unread() -> set[tuple[str, str]]:
        return {("denver", READ)}

    with monkeypatch.context() as patch:
        patch.setattr(world.id_store, "missing_stamps", unread)
        done = await world.run("denver")
    assert done is not None
    assert {each.global_id for each in done.plan.odd} >= set(named.values()) - {named["ag"]}
    assert world.neutrons["denver"].kept == left, "before it is read nothing is done to it"
    known = {each.global_id: each for each in await world.store.all()}
    readings = [reading(world, site) for site in SITES]
    found = restored(all_kinds(), readings, (), world.ids.pins, known)
    for each in found.entries:
        assert await world.store.put(each), each
    assert await world.id_store.put_pins(found.pins)
    await world.ids.refresh()
    await world.settle()
    await world.check()
    assert {gid: await world.local(gid, "denver") for gid in there} == there
    assert {each.anchor for each in await world.store.all()} == {"paris"}
    assert {each.site for each in (await book(world, named)).members} == set(SITES)
    assert len(placeholders_of(world, "denver")) == 2


async def test_after_a_loss_of_the_store_it_is_known_where_the_anchor_is_now() -> None:
    world, named = await whole()
    await leaver(world).leave()
    world.sites = STAY
    await world.settle()
    readings = [reading(world, site) for site in STAY]
    projects = [pin for pin in world.ids.pins if pin.origin == "mapping"]
    found = restored(all_kinds(), readings, (), PinTable(projects), {})
    known = {each.global_id: each for each in found.entries}
    for name in ("net", "v4", "r", "router_interface", "sg", "slow"):
        entry = known[named[name]]
        assert (entry.anchor, entry.sites, entry.quarantined) == ("paris", frozenset(STAY), "")
    # An address group knows no tags: which of them is the anchor nobody can tell.
    assert known[named["ag"]].quarantined == NO_ANCHOR
    rules = [each for each in known.values() if each.kind == "security_group_rule"]
    assert {(each.anchor, each.sites) for each in rules} == {("paris", frozenset(STAY))}


async def test_one_with_replicas_only_goes_and_the_last_one_keeps_all() -> None:
    world, named = await whole()
    own = await world.local(named["net"], "tokyo")
    await leaver(world, "tokyo").leave()
    world.sites = ("denver", "paris")
    await world.settle()
    await world.check()
    # The ID that it had as one of tokyo's own leads to it.
    former = world.ids.pins.places(None, global_uuid(world.keys["tokyo"].namespace, own))
    assert former == world.ids.pins.places(None, named["net"])
    assert former is not None
    assert {each.anchor for each in await world.store.all()} == {"denver"}
    there = await world.local(named["v4"], "paris")
    await leaver(world, "denver").leave()
    world.sites = ("paris",)
    await world.settle()
    await world.check()
    # All the addresses of its subnet are to be had at the one that is left.
    network = await world.local(named["net"], "paris")
    port = {"network_id": network, "project_id": world.project(ALPHA, "paris")}
    free = 253 - 1 - len(world.neutrons["paris"].all("port"))
    for _ in range(free):
        try:
            world.ask("paris", "POST", "/ports", {"port": port})
        except Exception:
            await world.settle()
            world.ask("paris", "POST", "/ports", {"port": port})
    addresses = [
        a["ip_address"]
        for p in world.neutrons["paris"].all("port")
        for a in p["fixed_ips"]
        if a["subnet_id"] == there
    ]
    assert len(addresses) == len(set(addresses)) == 252


@pytest.mark.parametrize("steps", range(6))
async def test_who_dies_over_it_is_finished_by_the_next(
    monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    world, _ = await whole()
    left = steps

    class Died(Exception):
        pass

    def dying(store: object, name: str) -> None:
        real = getattr(store, name)

        async def call(*args: object, **words: object) -> object:
            nonlocal left
            left -= 1
            if left < 0:
                raise Died
            return await real(*args, **words)

        monkeypatch.setattr(store, name, call)

    with monkeypatch.context():
        for store, name in (
            (world.ledgers, "write"),
            (world.id_store, "put_pins"),
            (world.store, "put"),
        ):
            dying(store, name)
        with pytest.raises(Died):
            await leaver(world).leave()
        monkeypatch.undo()
    for site in STAY:  # they go on meanwhile
        await world.run(site)
    await leaver(world).leave()
    assert await leaver(world).look() == Departure()
    world.sites = STAY
    await world.settle()
    await world.check()


def entry(gid: str, *sites: str, kind: str = "network", **fields: object) -> Desired:
    return replace(Desired(gid, kind, ALPHA, sites[0], frozenset(sites), {}), **fields)  # type: ignore[arg-type]


def left(*entries: Desired, **places: list[str]) -> Departure:
    """What follows if denver leaves; site -> what is there."""

    def there(gid: str) -> dict[str, str]:
        return {site: "local" for site, gids in places.items() if gid in gids}

    return departure("denver", entries, there, STAY)


def test_what_is_nowhere_else_goes_with_it_and_what_should_be_is_lost() -> None:
    alone, wanted, other = entry("a", "denver"), entry("b", "denver", "tokyo"), entry("c", "paris")
    found = left(alone, wanted, other)
    assert found.dropped == [alone]
    assert found.kept == []
    assert [(each.global_id, site) for each, site in found.lost] == [("b", "tokyo")]


def test_a_family_goes_to_where_all_of_it_is() -> None:
    router = entry("r", *SITES, kind="router")
    plug = entry("i", *SITES, kind="router_interface", spec={"device_id": "r", "network_id": "n"})
    net = entry("n", *SITES)
    found = left(router, plug, net, paris=["r", "n"], tokyo=["r", "n", "i"])
    assert {each.global_id: each.anchor for each in found.kept} == dict.fromkeys("rin", "tokyo")
    # Half of it at each: what is missing where most of it is would be lost.
    found = left(router, plug, net, paris=["r", "n"], tokyo=["i"])
    assert {each.global_id: each.anchor for each in found.kept} == {"r": "paris", "n": "paris"}
    assert [(each.global_id, site) for each, site in found.lost] == [("i", "paris")]


def test_graves_and_what_is_in_quarantine_wait_for_nobody_who_has_left() -> None:
    grave = entry("g", "denver", "tokyo", deleted=True, gone=frozenset({"denver"}))
    (kept,) = left(grave).kept
    assert (kept.anchor, kept.sites, kept.gone) == ("tokyo", {"tokyo"}, frozenset())
    waits = entry(
        "q", "denver", "paris", quarantined="may be at denver", unread=frozenset({"denver"})
    )
    (kept,) = left(waits, paris=["q"]).kept
    assert (kept.anchor, kept.quarantined, kept.unread) == ("paris", "", frozenset())
    (kept,) = left(replace(waits, unread=frozenset({"denver", "tokyo"})), paris=["q"]).kept
    assert (kept.anchor, kept.quarantined) == ("tokyo", "may be at denver")
    lost = entry("l", "denver", "paris", quarantined=NO_ANCHOR)
    (kept,) = left(lost, paris=["l"]).kept
    assert (kept.anchor, kept.quarantined) == ("paris", NO_ANCHOR)
    assert SEGMENT not in kept.spec
