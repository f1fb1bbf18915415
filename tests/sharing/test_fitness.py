"""Whether networks can be stretched is found out before anything else of theirs goes to other sites."""

import asyncio
import re
from collections.abc import Awaitable, Collection, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapters.registry import all_services
from federator.asker import Question
from federator.faults import Conflict, Unavailable
from federator.plan import Whereabouts
from federator.sharing.apart import Apart
from federator.sharing.closure import Member
from federator.sharing.fitness import Fit, Fitness
from federator.sharing.wanted import Wanted
from sync.driver import SEGMENT
from sync.pools import Unread
from sync.transit.words import NAME, Word, dumped
from tests.sync.world import ALPHA, Line, World

WHO: Any = SimpleNamespace(project_id=ALPHA)


@dataclass
class Reader:
    """Shows a tenant what is his at the sites of a world."""

    world: World
    network = all_services()["network"]

    @property
    def locator(self) -> "Reader":
        return self

    def anchors(self, kind: str, ids: Sequence[str]) -> dict[str, str]:
        pins = {each: self.world.ids.pins.pin(None, each) for each in ids}
        return {each: pin.anchor for each, pin in pins.items() if pin is not None}

    async def places(self, kind: str, ids: Sequence[str], who: Any) -> dict[str, dict[str, str]]:
        found = (await self.world.ids.locate(ids)).found
        return {each: {place.site: place.local_id} for each, place in found.items()}

    async def body(self, path: str, site: str, who: Any, request_id: str) -> Any:
        for each in re.findall(r"[0-9a-f-]{36}", path):
            here = await self.world.local(each, site)
            found = (await self.world.ids.locate([each])).found
            path = path.replace(each, here or found[each].local_id)
        body = self.world.ask(site, "GET", path.partition("&limit=")[0])
        pins, (key, shown) = self.world.ids.pins, next(iter(body.items()))
        resource = next(each for each in self.network.resources if key in (each.key, each.keys))
        tongue = self.world.tongue(site)
        if isinstance(shown, list):
            return {key: [tongue.outward(resource, each, pins) for each in shown]}
        return {key: tongue.outward(resource, shown, pins)}


async def with_daemons(world: World, asked: Awaitable[None], *sites: str) -> None:
    """Ask, while the daemons of these sites are at work."""
    async with AsyncExitStack() as stack:
        leads = {
            site: await stack.enter_async_context(world.store.lead(site, 1000)) for site in sites
        }
        task = asyncio.ensure_future(asked)
        while not task.done():
            for site, lead in leads.items():
                assert lead is not None
                with suppress(Unread):
                    await (await world.round(Line(world.neutrons[site]))).run(lead)
            await asyncio.sleep(0.01)
        await task


async def network(world: World, site: str, cidr: str, *, port: bool = False) -> tuple[str, str]:
    """The local IDs of a network and its subnet."""
    net = await world.make("network", site, name=cidr)
    fields: dict[str, Any] = {"network_id": net, "ip_version": 4, "cidr": cidr}
    first = cidr.removesuffix("0/24")
    pools = [{"start": f"{first}2", "end": f"{first}254"}]
    sub = await world.make("subnet", site, **fields, gateway_ip=f"{first}1", allocation_pools=pools)
    if port:
        owner = {"project_id": world.project(ALPHA, site), "device_owner": "compute:nova"}
        world.ask(site, "POST", "/ports", {"port": {"network_id": net, **owner}})
    return net, sub


async def members(world: World, *networks: str) -> list[Any]:
    found = [each for net in networks for each in world.family("paris", "network", net)]
    await world.ids.refresh()
    return [world.member(kind, "paris", local_id) for kind, local_id in found]


def fitness(world: World, seconds: float = 20, max_routes: int = 30) -> Fitness:
    apart = Apart(world.store, dict.fromkeys(world.sites, max_routes), world.numbers)
    return Fitness(world.wanted, cast(Any, Reader(world)), apart, seconds)


async def wanted(world: World) -> dict[str, set[str]]:
    """The desired state: names, or kinds without, and where they are wanted."""
    return {e.spec.get("name") or e.kind: set(e.sites) for e in await world.store.all()}


async def tell(world: World, site: str, word: Word) -> None:
    async with world.store.lead(site, 1000) as lead:
        assert lead is not None
        await world.store.publish(site, NAME, dumped(word), lead.fence)


async def test_what_can_be_stretched_is_when_all_else_is_brought() -> None:
    world = await World().start()
    net, _ = await network(world, "paris", "10.1.0.0/24")
    some = await members(world, net)
    await with_daemons(world, fitness(world).first(some, ["tokyo"]), "paris", "tokyo")
    entry = await world.entry(some[0].global_id)
    assert entry is not None
    assert SEGMENT in entry.spec
    # Nobody has to be asked again.
    await fitness(world).first(some, ["tokyo"])
    await world.settle()
    await world.check()
    assert set(map(frozenset, (await wanted(world)).values())) == {frozenset({"paris", "tokyo"})}


async def test_what_cannot_is_wanted_nowhere_else_whatever_is_asked_for_with_it() -> None:
    world = await World().start()
    free, _ = await network(world, "paris", "10.1.0.0/24")
    busy, _ = await network(world, "paris", "10.2.0.0/24", port=True)
    some = await members(world, free, busy)
    for _ in range(2):
        with pytest.raises(Conflict, match=r"with ports cannot be stretched at this site"):
            await with_daemons(world, fitness(world).first(some, ["tokyo"]), "paris", "tokyo")
    await world.settle()
    await world.check()
    sites = await wanted(world)
    assert sites["10.2.0.0/24"] == {"paris"}
    assert sites["10.1.0.0/24"] == {"paris", "tokyo"}
    assert len(world.neutrons["tokyo"].all("subnet")) == 1
    # When its port is gone it can be.
    for port in world.neutrons["paris"].all("port"):
        world.ask("paris", "DELETE", f"/ports/{port['id']}")
    await with_daemons(world, fitness(world).first(some, ["tokyo"]), "paris", "tokyo")
    await world.settle()
    await world.check()
    assert (await wanted(world))["10.2.0.0/24"] == {"paris", "tokyo"}


async def test_two_who_want_it_at_once_leave_nothing_behind_either() -> None:
    world = await World().start()
    some = await members(world, (await network(world, "paris", "10.1.0.0/24", port=True))[0])

    async def ask() -> None:
        with pytest.raises(Conflict):
            await fitness(world).first(some, ["tokyo"])

    async def both() -> None:
        await asyncio.gather(ask(), ask())

    await with_daemons(world, both(), "paris", "tokyo")
    assert set(map(frozenset, (await wanted(world)).values())) == {frozenset({"paris"})}
    # Nor does one who died before he was told.
    await world.wanted.at(some, ["tokyo"])
    await with_daemons(world, ask(), "paris", "tokyo")
    assert set(map(frozenset, (await wanted(world)).values())) == {frozenset({"paris"})}


async def test_who_finds_it_taken_back_before_he_was_answered_asks_again() -> None:
    world = await World().start()
    some = await members(world, (await network(world, "paris", "10.1.0.0/24", port=True))[0])

    class TakenBackOnce(Wanted):
        """Somebody else had his answer, and took the network back before the daemon's was seen here."""

        async def at(self, members: Iterable[Member], sites: Collection[str]) -> list[str]:
            first = not await self.store.all()
            ids = await super().at(members, sites)
            for entry in await self.store.all() if first else ():
                await self.store.put(replace(entry, sites=frozenset({"paris"})))
            return ids

    asked = replace(fitness(world, 5), wanted=TakenBackOnce(world.store, world.ids))
    with pytest.raises(Conflict, match=r"with ports cannot be stretched at this site"):
        await with_daemons(world, asked.first(some, ["tokyo"]), "paris", "tokyo")
    assert set(map(frozenset, (await wanted(world)).values())) == {frozenset({"paris"})}


async def test_without_the_daemon_of_the_anchor_nobody_can_tell() -> None:
    world = await World().start()
    some = await members(world, (await network(world, "paris", "10.1.0.0/24"))[0])
    with pytest.raises(Unavailable, match="no daemon of paris is running"):
        await with_daemons(world, fitness(world).first(some, ["tokyo"]), "tokyo")
    with pytest.raises(Unavailable, match="not known yet"):
        # The other site has not said which VLAN IDs are free.
        await with_daemons(world, fitness(world, 0.2).first(some, ["denver"]), "paris")


async def test_a_router_is_plugged_into_nothing_that_takes_it_where_its_networks_cannot_go() -> (
    None
):
    world = await World().start()
    busy, near = await network(world, "paris", "10.1.0.0/24", port=True)
    far_net, far = await network(world, "tokyo", "10.2.0.0/24")
    router = await world.make("router", "paris", name="r")
    world.ask("paris", "PUT", f"/routers/{router}/add_router_interface", {"subnet_id": near})
    ports = [port["id"] for port in world.neutrons["paris"].all("port")]
    await world.ids.register("paris", [busy, near, *ports])
    await world.ids.register("tokyo", [far_net, far])
    ids = {
        each: await world.global_id(site, each)
        for site, each in (("paris", router), ("paris", near), ("tokyo", far))
    }

    def plug(subnet: str, site: str, max_routes: int = 30) -> Awaitable[Fit]:
        where = Whereabouts(
            path={ids[router]: {"paris": router}},
            body={ids[subnet]: {site: subnet}},
            kinds={ids[subnet]: "subnet"},
        )
        asked = fitness(world, max_routes=max_routes)
        return asked.for_router(Question(cast(Any, None), None, WHO, where, "req"))

    # At one site there is nothing to ask.
    await plug(near, "paris")
    assert await wanted(world) == {}
    # The network of tokyo comes to paris; that of paris, which cannot go, is reached from tokyo.
    fits: list[Fit] = []

    async def plugged() -> None:
        fits.append(await plug(far, "tokyo"))

    await with_daemons(world, plugged(), "paris", "tokyo")
    (fit,) = fits
    assert (fit.stay, fit.at) == ({await world.global_id("paris", busy)}, "")
    assert {each.kind.name for each in fit.going} == {"router", "network", "subnet"}
    sites = await wanted(world)
    assert "r" not in sites
    assert sites["10.1.0.0/24"] == {"paris"}
    # A site without VLANs cannot lead there, and a router has not room for every route.
    for limit, unfit in ((0, ""), (30, "no VLAN leads there")):
        await tell(world, "tokyo", Word(unfit=unfit))
        why = unfit or r"would need 1 routes at tokyo, where it may have 0 \(max_routes\)"
        with pytest.raises(Conflict, match=f"with all its networks.*with ports cannot.*{why}"):
            await plug(far, "tokyo", limit)
    assert "r" not in await wanted(world)
    assert world.neutrons["tokyo"].all("router") == []
