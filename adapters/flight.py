"""Many ask for the same thing at once; one goes and gets it for all."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SingleFlight(Generic[K, V]):
    """At most one run per key at a time. Nothing is remembered when it has ended, failures least.

    The run is a task of its own: a caller that is cancelled leaves the others undisturbed.
    """

    def __init__(self) -> None:
        self._running: dict[K, asyncio.Task[V]] = {}

    def __contains__(self, key: K) -> bool:
        """Whether a caller would now get the outcome of a run that another one started."""
        return key in self._running

    async def run(self, key: K, start: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """The outcome of the run for `key`, started by `start` if there is none. Raises what it does."""
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(start())
            task.add_done_callback(lambda done: self._ended(key, done))
        return await asyncio.shield(task)

    def _ended(self, key: K, task: asyncio.Task[V]) -> None:
        del self._running[key]
        if not task.cancelled():
            # All callers may have gone; asyncio complains of exceptions that nobody looked at.
            task.exception()
