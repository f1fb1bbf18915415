"""A fair queue: so many at once, and whoever asks for much waits longer than who asks for little.

    with a free place     -> at once
    without               -> one line per user; a place that becomes free goes to the next line in turn
    a line that is full   -> Crowded

A login costs home a seventh of a second of one core. In one line for all, a tenant with two hundred
projects would keep everybody else waiting for half a minute; here others wait for one login of his.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import CancelledError
from contextlib import asynccontextmanager, contextmanager, suppress

from adapters.errors import Crowded

_LONGEST_LINE = 64
"""Logins of one user that may wait; one after the other they would take ten seconds."""

_MOST_WAITING = 2000
"""All lines together: beyond that nobody is served any more before he gives up."""

_CONSIDERATION = 5.0
"""Seconds after which a thread believes that nobody is left to answer it."""


class Turns:
    """`places` at once, `seconds` to wait at most. `what` is the name in errors."""

    def __init__(self, what: str, places: int, seconds: float) -> None:
        self._what = what
        self._free = places
        self._seconds = seconds
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return self._waiting

    @asynccontextmanager
    async def of(self, user_id: str) -> AsyncIterator[None]:
        """A place, as long as the block runs. Raises Crowded."""
        await self._enter(user_id)
        try:
            yield
        finally:
            self._leave()

    @contextmanager
    def in_thread(self, user_id: str, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """The same for a thread, which waits; `loop` is the one that these turns belong to."""
        taken = False

        async def enter() -> None:
            nonlocal taken
            await self._enter(user_id)
            taken = True

        def give_back() -> None:
            if taken:
                self._leave()

        entering = asyncio.run_coroutine_threadsafe(enter(), loop)
        try:
            entering.result(self._seconds + _CONSIDERATION)
        except (CancelledError, TimeoutError):
            # A loop that was busy for so long may have given us the place, or would do so yet.
            entering.cancel()
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(give_back)
            raise Crowded(f"{self._what} is asked no more: the gateway stops") from None
        try:
            yield
        finally:
            with suppress(RuntimeError):  # the loop has ended before us
                loop.call_soon_threadsafe(self._leave)

    async def _enter(self, user_id: str) -> None:
        if self._free:
            self._free -= 1
            return
        line = self._lines.get(user_id)
        if self._waiting >= _MOST_WAITING or (line and len(line) >= _LONGEST_LINE):
            raise Crowded(f"too many logins wait for {self._what}")
        mine = asyncio.get_running_loop().create_future()
        self._lines.setdefault(user_id, deque()).append(mine)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._seconds):
                await mine
        except BaseException as error:
            if mine.done() and not mine.cancelled():
                # It came to us in the moment in which we gave up.
                self._leave()
            else:
                self._drop(user_id, mine)
            if isinstance(error, TimeoutError):
                raise Crowded(f"too many logins wait for {self._what}") from None
            raise

    def _leave(self) -> None:
        """Give the place to the first in the line whose turn it is, which is then the last in turn."""
        while self._lines:
            user_id, line = self._lines.popitem(last=False)
            first = line.popleft()
            self._waiting -= 1
            if line:
                self._lines[user_id] = line
            if not first.done():  # else he has just given up
                first.set_result(None)
                return
        self._free += 1

    def _drop(self, user_id: str, mine: asyncio.Future[None]) -> None:
        line = self._lines.get(user_id, deque())
        if mine in line:
            line.remove(mine)
            self._waiting -= 1
            if not line:
                del self._lines[user_id]
