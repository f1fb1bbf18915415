"""A router is drained at a site: all of its interfaces or none, for as long as it is to be, whoever dies."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.marks import marks_of
from idmap.desired import State
from sync.cloud import Cloud, Refused
from sync.draining import Draining, Undrainable
from sync.guard import guarded
from sync.plan import told
from sync.registry import all_kinds
from tests.sync.neutron import Item
from tests.sync.test_interfaces import interfaces
from tests.sync.world import Line, Trouble, World


class Scene:
    """A router with three interfaces and a route over one of them, at paris and tokyo."""

    world: World
    router: str
    """Its global ID."""

    @classmethod
    async def new(cls, *sites: str) -> "Scene":
        self = cls()
        self.world = world = await World().start()
        at_paris = await world.make("router", "paris", name="r")
        for number in range(3):
            net = await self._network(number)
            body = {"subnet_id": net}
            world.ask("paris", "PUT", f"/routers/{at_paris}/add_router_interface", body)
        route = {"destination": "10.99.0.0/16", "nexthop": "10.10.0.9"}
        body: Item = {"router": {"routes": [route]}}
        world.ask("paris", "PUT", f"/routers/{at_paris}/add_extraroutes", body)
        await world.stretch("paris", "router", at_paris, *(sites or ("tokyo",)))
        await world.settle()
        await world.check()
        self.router = await world.global_id("paris", at_paris)
        return self

    async def _network(self, number: int) -> str:
        vlan = {"network_type": "vlan", "physical_network": "trunk-of-paris"}
        vlan |= {"segmentation_id": 2000 + number}  # type: ignore[dict-item]
        fields = {f"provider:{name}": each for name, each in vlan.items()}
        net = await self.world.make("network", "paris", name=f"net{number}", **fields)
        new: Item = {"network_id": net, "ip_version": 4, "cidr": f"10.1{number}.0.0/24"}
        return await self.world.make("subnet", "paris", name=f"sub{number}", **new)

    def draining(self, site: str) -> Draining:
        line = Line(self.world.neutrons[site])
        return Draining(self.world.store, self.world.ids, Cloud(line))  # type: ignore[arg-type]

    async def drain(self, site: str) -> None:
        there = self.draining(site)
        await there.drain(await there.router("r"))

    async def restore(self, site: str) -> None:
        there = self.draining(site)
        await there.restore(await there.router(self.router))

    def alike(self, site: str) -> list[Any]:
        """What of the interfaces is the same at all sites."""
        return sorted(
            (each["mac_address"], each["fixed_ips"][0]["ip_address"])
            for each in interfaces(self.world, site)
        )

    async def states(self, site: str) -> list[State]:
        entries = [e for e in await self.world.store.all() if e.kind == "router_interface"]
        statuses = await self.world.store.statuses(site)
        return [statuses[each.global_id].state for each in entries]

    async def at(self, site: str) -> Item:
        """The router there."""
        local_id = await self.world.local(self.router, site)
        return self.world.neutrons[site].kept["router"][local_id]


@pytest.mark.parametrize("site", ["tokyo", "paris"])
async def test_its_interfaces_go_as_a_set_and_come_back_as_they_were(site: str) -> None:
    scene = await Scene.new()
    (other,) = {"paris", "tokyo"} - {site}
    before = scene.alike(site)
    assert before == scene.alike(other)
    assert len(before) == 3
    await scene.drain(site)
    for _ in range(2):
        await scene.world.settle()
        assert scene.alike(site) == []
        assert scene.alike(other) == before
    assert await scene.states(site) == [State.DRAINED] * 3
    assert await scene.states(other) == [State.READY] * 3
    assert (await scene.at(site))["routes"] == []
    assert len((await scene.at(other))["routes"]) == 1
    marks = marks_of(await scene.at(site))
    assert marks is not None
    assert marks.drained
    plan = await (await scene.world.round(Line(scene.world.neutrons[site]))).plan()
    assert sum(": drained router_interface " in line for line in told(plan)) == 3
    assert await scene.draining(site).wait(scene.router, State.DRAINED, 0) == 3

    await scene.restore(site)
    for _ in range(2):
        await scene.world.run(site)
        status = (await scene.world.store.statuses(site))[scene.router]
        assert status.state is State.READY, "nothing is tried before it can be"
    await scene.world.settle()
    await scene.world.check()
    assert scene.alike(site) == before
    assert len((await scene.at(site))["routes"]) == 1
    assert await scene.draining(site).wait(scene.router, State.READY, 0) == 3


async def test_what_is_changed_at_a_drained_anchor_loses_none_of_its_routes() -> None:
    scene = await Scene.new()
    await scene.drain("paris")
    await scene.world.settle()
    assert await scene.world.change(scene.router, {"description": "neu"})
    # ... nor by a change of which nobody knows how it ended.
    assert await scene.world.change(scene.router, {"name": "r"}, dies_after=2)
    await scene.world.settle()
    assert (await scene.at("tokyo"))["description"] == "neu"
    assert len((await scene.at("tokyo"))["routes"]) == 1
    await scene.restore("paris")
    await scene.world.settle()
    await scene.world.check()
    assert len((await scene.at("paris"))["routes"]) == 1


async def test_a_change_that_was_forgotten_while_it_was_drained_deletes_nothing() -> None:
    scene = await Scene.new()
    before = scene.alike("tokyo")
    await scene.drain("paris")
    await scene.world.settle()
    for entry in await scene.world.store.all():
        if entry.kind == "router_interface":
            assert await scene.world.wanted.begin_change(entry.global_id)
    await scene.world.settle()
    assert scene.alike("tokyo") == before
    await scene.restore("paris")
    await scene.world.settle()
    await scene.world.check()
    assert scene.alike("paris") == before


async def test_a_new_interface_stays_away_while_it_is_drained() -> None:
    scene = await Scene.new()
    await scene.drain("tokyo")
    await scene.world.settle()
    sub = await scene._network(3)
    at_paris = await scene.world.local(scene.router, "paris")
    body = {"subnet_id": sub}
    scene.world.ask("paris", "PUT", f"/routers/{at_paris}/add_router_interface", body)
    await scene.world.stretch("paris", "router", at_paris, "tokyo")
    await scene.world.settle()
    assert (len(scene.alike("paris")), scene.alike("tokyo")) == (4, [])
    await scene.restore("tokyo")
    await scene.world.settle()
    await scene.world.check()
    assert scene.alike("paris") == scene.alike("tokyo")


async def test_what_is_refused_one_interface_keeps_all() -> None:
    scene = await Scene.new()
    before, asked = scene.alike("tokyo"), []

    def needed(call: str) -> Trouble | None:
        # A floating IP came after it was looked whether there is any.
        if "remove_router_interface" in call:
            asked.append(call)
            return Trouble.BUSY if len(asked) == 2 else None
        return None

    await scene.drain("tokyo")
    line = Line(scene.world.neutrons["tokyo"], needed)
    await scene.world.run("tokyo", line)
    assert len(asked) == 2, "the third was not even tried"
    await scene.world.settle()
    await scene.world.check()
    assert scene.alike("tokyo") == before
    with pytest.raises(Undrainable, match="nothing was drained"):
        await scene.draining("tokyo").wait(scene.router, State.DRAINED, 0)


async def test_a_daemon_that_dies_over_it_is_followed_by_one_that_goes_on() -> None:
    for number in range(1, 5):
        scene, calls = await Scene.new(), []
        await scene.drain("tokyo")

        def dies(call: str, calls: list[str] = calls, number: int = number) -> Trouble | None:
            changes = not call.startswith("GET")
            calls += [call] if changes else []
            return Trouble.KILLED_AFTER if changes and len(calls) == number else None

        await scene.world.run("tokyo", Line(scene.world.neutrons["tokyo"], dies))
        assert len(calls) == number
        await scene.world.settle()
        assert (len(scene.alike("paris")), scene.alike("tokyo")) == (3, [])


async def test_floating_ips_keep_it_and_the_error_says_which() -> None:
    scene = await Scene.new()
    there = scene.draining("tokyo")
    local_id = await scene.world.local(scene.router, "tokyo")
    asked: list[str] = []

    async def call(method: str, path: str, *args: Any, **options: Any) -> Any:
        asked.append(path)
        return {"floatingips": [{"floating_ip_address": "198.51.100.7"}]}

    there.cloud.call = call  # type: ignore[method-assign]
    with pytest.raises(Undrainable, match=r"198\.51\.100\.7; take them off"):
        await there.drain(await there.router("r"))
    assert asked == [f"/v2.0/floatingips?router_id={local_id}"]
    assert not (await there.router("r")).drained


async def test_the_only_site_left_is_not_drained() -> None:
    scene = await Scene.new()
    await scene.drain("tokyo")
    await scene.drain("tokyo")
    with pytest.raises(Undrainable, match="paris is the only site left"):
        await scene.drain("paris")
    with pytest.raises(Undrainable, match="no router that spans sites is called x"):
        await scene.draining("paris").router("x")


async def test_a_guard_lets_pass_what_an_operator_has_asked_for() -> None:
    scene = await Scene.new()
    await scene.drain("tokyo")
    round_ = await scene.world.round(Line(scene.world.neutrons["tokyo"]))
    plan = await round_.plan()
    many = replace(plan, changes=tuple(plan.changes[-1:] * 50), alike=())
    assert guarded(many, all_kinds(), {}, {}).changes == many.changes


async def test_a_site_that_refuses_to_look_is_not_drained() -> None:
    scene = await Scene.new()
    there = scene.draining("tokyo")

    async def call(method: str, path: str, *args: Any, **options: Any) -> Any:
        raise Refused(403, "no")

    there.cloud.call = call  # type: ignore[method-assign]
    with pytest.raises(Refused):
        await there.drain(await there.router("r"))
    assert not (await there.router("r")).drained


async def test_it_stays_where_it_leads_to_what_no_other_site_has() -> None:
    scene = await Scene.new()
    net = await scene.world.make("network", "tokyo", name="stays")
    new: Item = {"network_id": net, "ip_version": 4, "cidr": "10.77.0.0/24"}
    sub = await scene.world.make("subnet", "tokyo", **new)
    router = (await scene.at("tokyo"))["id"]
    scene.world.ask("tokyo", "PUT", f"/routers/{router}/add_router_interface", {"subnet_id": sub})
    await scene.world.settle()
    with pytest.raises(Undrainable, match=r"it leads to 10\.77\.0\.0/24 at tokyo, where no other"):
        await scene.drain("tokyo")
    await scene.drain("paris")
    await scene.world.settle()
    await scene.restore("paris")
    await scene.world.settle()
    await scene.world.check()
