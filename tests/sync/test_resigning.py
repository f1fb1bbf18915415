"""A daemon that is told to stop ends what it is at, begins nothing more, and leaves its place to the next."""

import asyncio

import pytest

from idmap.store import StoreUnavailable
from sync.daemon import Daemon
from tests.sync.world import Line, World


async def running(world: World, line: Line) -> tuple[Daemon, "asyncio.Task[None]"]:
    """The daemon of a site, at work."""
    daemon = Daemon(await world.round(line), world.store, 300)
    task = asyncio.create_task(daemon.run())
    for _ in range(3):
        await asyncio.sleep(0)
    assert await world.store.led(line.site)
    return daemon, task


async def test_one_that_waits_for_a_wake_ends() -> None:
    world = await World().start()
    daemon, task = await running(world, Line(world.neutrons["tokyo"]))

    daemon.stopping.set()

    await asyncio.wait_for(task, 10)
    assert not await world.store.led("tokyo"), "the next one need not wait"


async def test_one_that_is_at_work_ends_though_redis_was_away_when_it_was_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = await World().start()
    line = Line(world.neutrons["tokyo"])
    daemon = Daemon(await world.round(line), world.store, 300)

    async def away(sites: object) -> None:
        monkeypatch.undo()
        raise StoreUnavailable("for a moment")

    def told(call: str) -> None:
        line.trouble = lambda call: None
        monkeypatch.setattr(world.store, "wake", away)
        daemon.stopping.set()

    line.trouble = told

    await asyncio.wait_for(daemon.run(), 10)
    assert not await world.store.led("tokyo")


async def test_the_call_under_way_is_ended_and_no_other_begun() -> None:
    world = await World().start()
    for name in ("one", "two"):
        group = await world.make("security_group", "paris", name=name)
        await world.stretch("paris", "security_group", group, "paris", "tokyo")
    tokyo = world.neutrons["tokyo"]
    line = Line(tokyo, frozen=asyncio.Event())
    calls, makes = list[str](), asyncio.Event()

    def heard(call: str) -> None:
        calls.append(call)
        if call.startswith("POST"):
            makes.set()

    line.trouble = heard
    await world.run("paris")
    daemon, task = await running(world, line)
    await asyncio.wait_for(makes.wait(), 10)

    daemon.stopping.set()
    await asyncio.sleep(0.05)
    assert not task.done()
    assert await world.store.led("tokyo"), "a second one would not see what is being made"
    begun = len(calls)
    assert line.frozen is not None
    line.frozen.set()

    await asyncio.wait_for(task, 10)
    assert len(calls) == begun
    assert not await world.store.led("tokyo")
    await world.settle()
    await world.check()
