"""The life of the house: what goes on in the background from start to stop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import structlog
from aiohttp import web

from federator.house import House
from federator.upkeep.acquaintance import keep_acquainted
from federator.upkeep.numbers import keep_numbers
from federator.upkeep.readings import keep_reading
from federator.upkeep.rebuild import keep_map

log = structlog.get_logger(__name__)

HOUSE = web.AppKey("house", House)

_PAUSE_SECONDS = 5.0
"""Between the end of what should have gone on for ever, and its new beginning."""


async def kept_going(work: Callable[[], Awaitable[None]], pause: float = _PAUSE_SECONDS) -> None:
    """Do what goes on for ever, and begin it again if it ends by an error that nobody expected."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("the upkeep failed, and is begun again", pause=pause)
        await asyncio.sleep(pause)


async def running(app: web.Application) -> AsyncIterator[None]:
    """Around all requests: starts what runs beside them, and ends it (for ``cleanup_ctx``)."""
    house = app[HOUSE]
    house.audit.lines.open()
    await house.client.open()
    await house.ids.start()
    await house.pauses.start()
    works: list[Callable[[], Awaitable[None]]] = [
        house.endings.listen,
        house.pauses.listen,
        house.pauses.look,
        house.breakers.run,
        partial(keep_acquainted, house.acquaintance),
        house.notice.run,
        partial(keep_reading, house.readings),
        partial(keep_numbers, house.numbers),
        partial(keep_map, house.rebuild, house.settings.namesakes_seconds, house.map_wanted),
    ]
    tasks = [asyncio.create_task(kept_going(work)) for work in works]
    yield
    # Until they have ended: a cancellation can get lost inside redis-py.
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=0.1)
    await house.ids.stop()
    await house.ids.store.close()
    await house.records.close()
    await house.desired.close()
    await house.ledgers.close()
    await house.notes.close()
    await house.news.close()
    await house.pauses.close()
    house.sessions.close()
    for account in (*house.accounts.values(), house.home_account):
        account.close()
    await house.client.close()
    house.audit.lines.close()
