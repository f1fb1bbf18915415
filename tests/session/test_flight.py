"""One goes, all get it."""

import asyncio

import pytest

from adapters.flight import SingleFlight


class Work:
    """Runs until it is let go; counts how often it was started."""

    def __init__(self) -> None:
        self.started = 0
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> int:
        self.started += 1
        await self.go.wait()
        if self.error:
            raise self.error
        return self.started


async def test_callers_at_the_same_time_share_one_run() -> None:
    work, flight = Work(), SingleFlight[str, int]()
    callers = [asyncio.create_task(flight.run("k", work)) for _ in range(10)]
    await asyncio.sleep(0)
    assert "k" in flight
    work.go.set()
    assert await asyncio.gather(*callers) == [1] * 10
    assert "k" not in flight
    assert await flight.run("k", work) == 2


async def test_other_keys_run_beside_it() -> None:
    slow, quick, flight = Work(), Work(), SingleFlight[str, int]()
    waiting = asyncio.create_task(flight.run("slow", slow))
    quick.go.set()
    assert await flight.run("quick", quick) == 1
    slow.go.set()
    await waiting


async def test_a_failure_reaches_all_who_wait_and_nobody_after_them() -> None:
    work, flight = Work(), SingleFlight[str, int]()
    work.error = ValueError("no")
    callers = [asyncio.create_task(flight.run("k", work)) for _ in range(3)]
    await asyncio.sleep(0)
    work.go.set()
    assert [type(e) for e in await asyncio.gather(*callers, return_exceptions=True)] == [
        ValueError
    ] * 3
    work.error = None
    assert await flight.run("k", work) == 2


async def test_a_cancelled_caller_leaves_the_others_undisturbed() -> None:
    work, flight = Work(), SingleFlight[str, int]()
    first, second = (asyncio.create_task(flight.run("k", work)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    work.go.set()
    assert await second == 1
    assert work.started == 1


async def test_a_failure_that_nobody_waits_for_is_no_noise(
    caplog: pytest.LogCaptureFixture,
) -> None:
    work, flight = Work(), SingleFlight[str, int]()
    work.error = ValueError("no")
    caller = asyncio.create_task(flight.run("k", work))
    await asyncio.sleep(0)
    caller.cancel()
    work.go.set()
    for _ in range(5):
        await asyncio.sleep(0)
    del caller
    assert not caplog.records
