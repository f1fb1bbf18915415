"""Keeping a lock by renewing it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Protocol, TypeVar

from idmap.store import StoreUnavailable


class Expiring(Protocol):
    """A right that ends; `expires` is on the clock of `time.monotonic`."""

    expires: float

    @property
    def held(self) -> bool: ...


_Right = TypeVar("_Right", bound=Expiring)


@asynccontextmanager
async def renewed(
    lease: _Right, renew: Callable[[], Awaitable[bool]], ttl: float
) -> AsyncIterator[_Right]:
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


async def _keep(lease: Expiring, renew: Callable[[], Awaitable[bool]], ttl: float) -> None:
    # Also for one who is about to give it up: until he has, he is at something.
    while monotonic() < lease.expires:
        await asyncio.sleep(ttl / 3)
        asked = monotonic()
        try:
            lease.expires = asked + ttl if await renew() else 0
        except StoreUnavailable:
            # Nobody else gets it before our time is up: go on trying until then.
            continue
