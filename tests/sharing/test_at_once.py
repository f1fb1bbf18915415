"""Requests of tenants beside each other: what one of them was told stays true whatever another one does."""

import asyncio
from collections.abc import Mapping
from typing import Any

from federator.sharing.fitness import Fitness
from idmap.desired import State
from tests.sharing.test_fitness import fitness, members, network, wanted, with_daemons
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
