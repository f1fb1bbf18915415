"""The life of the house: what goes on in the background from start to stop."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from federator.house import House
from federator.upkeep.acquaintance import keep_acquainted
from federator.upkeep.numbers import keep_numbers
from federator.upkeep.readings import keep_reading
from federator.upkeep.rebuild import keep_map

HOUSE = web.AppKey("house", House)


async def running(app: web.Application) -> AsyncIterator[None]:
    """Around all requests: starts what runs beside them, and ends it (for ``cleanup_ctx``)."""
    house = app[HOUSE]
    house.audit.lines.open()
    await house.client.open()
    await house.ids.start()
    tasks = [
        asyncio.create_task(house.endings.listen()),
        asyncio.create_task(house.breakers.run()),
        asyncio.create_task(keep_acquainted(house.acquaintance)),
        asyncio.create_task(house.notice.run()),
        asyncio.create_task(keep_reading(house.readings)),
        asyncio.create_task(keep_numbers(house.numbers)),
        asyncio.create_task(
            keep_map(house.rebuild, house.settings.namesakes_seconds, house.map_wanted)
        ),
    ]
    yield
    # Until they have ended: a cancellation can get lost inside redis-py.
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=0.1)
    await house.ids.stop()
    await house.ids.store.close()
    await house.records.close()
    await house.notes.close()
    await house.news.close()
    house.sessions.close()
    for account in (*house.accounts.values(), house.home_account):
        account.close()
    await house.client.close()
    house.audit.lines.close()
