"""A site that is away is looked at again and again, and soon after it is back all is as it should be."""

import asyncio

from sync.daemon import Daemon
from tests.sync.world import Line, Trouble, World


async def test_many_wakes_while_a_site_is_away_are_no_reason_to_look_at_it_later() -> None:
    world = await World().start()
    group = await world.make("security_group", "paris", name="web")
    ids = await world.stretch("paris", "security_group", group, "tokyo")
    await world.run("paris")
    looked = asyncio.Event()

    def away(_: str) -> Trouble | None:
        looked.set()
        return Trouble.SILENT

    line = Line(world.neutrons["tokyo"], away)
    daemon = Daemon(await world.round(line), world.store, 300)
    task = asyncio.create_task(daemon.run())
    for _ in range(12):
        await world.store.wake(["tokyo"])
        await asyncio.wait_for(looked.wait(), 10)
        # So that it rests again.
        await asyncio.sleep(0.02)
        looked.clear()

    line.trouble = lambda call: None

    async with asyncio.timeout(20):
        await world.wanted.wait(ids, ["tokyo"], 20)
    daemon.stopping.set()
    await asyncio.wait_for(task, 10)
    await world.settle()
    await world.check()
