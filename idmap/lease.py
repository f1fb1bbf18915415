"""Keeping a lock by renewing it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic

from idmap.store import Lease, StoreUnavailable


@asynccontextmanager
async def renewed(
    lease: Lease, renew: Callable[[], Awaitable[bool]], ttl: float
) -> AsyncIterator[Lease]:
    """Call `renew` thrice per `ttl` seconds while the block runs.

    `renew` answers whether the lock is still ours.
    """
    keeper = asyncio.create_task(_keep(lease, renew, ttl))
    try:
        yield lease
    finally:
        # Until it has ended: a cancellation can get lost inside redis-py (seen with 8.1.0).
        while not keeper.done():
            keeper.cancel()
            await asyncio.wait([keeper], timeout=0.1)


async def _keep(lease: Lease, renew: Callable[[], Awaitable[bool]], ttl: float) -> None:
    while lease.held:
        await asyncio.sleep(ttl / 3)
        asked = monotonic()
        try:
            lease.expires = asked + ttl if await renew() else 0
        except StoreUnavailable:
            # Nobody else gets it before our time is up: go on trying until then.
            continue
