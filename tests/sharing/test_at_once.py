"""Requests of tenants beside each other: what one of them was told stays true whatever another one does."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from federator.asker import Question
from federator.plan import NOWHERE, Whereabouts
from federator.sharing.anchor import Anchor
from federator.sharing.fitness import Fitness
from idmap.desired import State
from tests.sharing.test_fitness import WHO, Reader, fitness, members, network, wanted, with_daemons
from tests.sync.world import World


async def test_what_another_one_was_told_is_fine_is_not_taken_back() -> None:
    world = await World().start()
    some = await members(world, (await network(world, "paris", "10.1.0.0/24", port=True))[0])

    class Slow(Fitness):
        """When it is told no, and before it takes that back, the port is gone and another one told yes."""

        async def _unfit(self, *asked: Any) -> Mapping[str, str]:
            unfit = await super()._unfit(*asked)
            for gid in unfit:
                for port in world.neutrons["paris"].all("port"):
                    world.ask("paris", "DELETE", f"/ports/{port['id']}")
                for _ in range(500):
                    await asyncio.sleep(0.01)
                    if (await world.store.statuses("paris"))[gid].state is not State.ERROR:
                        break
                await fitness(world).first(some, ["tokyo"])
            return unfit

    base = fitness(world)
    slow = Slow(base.wanted, base.reader, base.apart, base.seconds)

    await with_daemons(world, slow.first(some, ["tokyo"]), "paris", "tokyo")
    assert set(map(frozenset, (await wanted(world)).values())) == {frozenset({"paris", "tokyo"})}


async def test_what_is_plugged_in_meanwhile_and_cannot_go_stays_where_it_is() -> None:
    world = await World().start()
    router = await world.make("router", "paris", name="r")
    net, _ = await network(world, "paris", "10.1.0.0/24")
    await world.stretch("paris", "network", net, "tokyo")
    await world.settle()
    # It has been plugged into what can go to tokyo; and by somebody else, who was allowed to, into what cannot.
    busy, _ = await network(world, "paris", "10.2.0.0/24", port=True)
    for each in world.neutrons["paris"].all("subnet"):
        path, body = f"/routers/{router}/add_router_interface", {"subnet_id": each["id"]}
        made = world.ask("paris", "PUT", path, body)
        await world.ids.register("paris", [busy, each["id"], made["port_id"]])
    await world.ids.refresh()
    anchor = Anchor(world.wanted, cast(Any, Reader(world)), cast(Any, None), fitness(world), 20)
    question = Question(cast(Any, None), None, WHO, NOWHERE, "req")
    gid = await world.global_id("paris", router)
    question = replace(
        question, where=Whereabouts(anchors={await world.global_id("paris", net): "paris"})
    )
    await with_daemons(world, anchor.care.follow(question, "router", gid), "paris", "tokyo")
    sites = await wanted(world)
    assert sites["r"] == {"paris", "tokyo"}
    assert sites.get("10.2.0.0/24", {"paris"}) == {"paris"}
