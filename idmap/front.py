"""The ID map as a process of ours uses it: what is known here is not asked again.

    located      LRU: global ID -> Location. Computed facts, true as long as the object lives
    unknown      IDs that nobody knew, for a second, and only if the store was complete
    registered   local IDs that are surely in the store, so a page seen again writes nothing
    pins         the whole table, followed by listening to the store

Every round trip brings the state of the store along. A new epoch means that the store may have lost
something. Then `registered` is dropped, so that everything seen again is written again, and the
pins we had stay in force beside those the store has now, until a rebuild has made it complete: they
came from the sites and are still true. We never write them back: the rebuild does, from the sites.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import aclosing

from cachetools import LRUCache, TTLCache

from idmap.ids import canonical, is_uuid
from idmap.pins import PinTable
from idmap.recent import RecentSet
from idmap.store import IdStore, Location, Lookup, Pin, StoreState, StoreUnavailable

log = logging.getLogger(__name__)

UNKNOWN_SECONDS = 1.0
RECONNECT_SECONDS = 0.1, 10.0
"""First and longest pause before listening is tried again."""


class IdMap:
    """`located` and `registered` are how many IDs are kept; `poll` seconds lie between two looks at
    the store for what a lost message would have told.

    Who writes (pins, stamps, documents, a rebuild) uses `store`, and `refresh` after new pins.
    """

    def __init__(
        self,
        store: IdStore,
        *,
        located: int = 100_000,
        registered: int = 500_000,
        poll: float = 60.0,
    ) -> None:
        self.store = store
        self._located: LRUCache[str, Location] = LRUCache(located)
        self._unknown: TTLCache[str, bool] = TTLCache(located, UNKNOWN_SECONDS)
        self._registered = RecentSet(registered)
        self._poll = poll
        self._state: StoreState | None = None
        self._pins: PinTable | None = None
        self._survivors: tuple[Pin, ...] = ()
        self._reading = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def pins(self) -> PinTable:
        """The pins as last read. Raises StoreUnavailable if they never were."""
        if self._pins is None:
            raise StoreUnavailable("the pins have not been read yet")
        return self._pins

    @property
    def state(self) -> StoreState | None:
        """The state of the store in which `pins` were read; None if they never were."""
        return self._state

    @property
    def complete(self) -> bool:
        """Whether the last round trip found all stamps set."""
        return self._state is not None and self._state.complete

    async def start(self) -> None:
        """Read the pins and follow their changes. A store that is down is tried again later."""
        try:
            await self.refresh()
        except StoreUnavailable as error:
            log.warning("starting without the ID map: %s", error)
        jobs = self._listen, self._look
        self._tasks = [asyncio.create_task(_again_and_again(job)) for job in jobs]

    async def stop(self) -> None:
        """End what `start` began. The store is left open."""
        # Until they have ended: a cancellation can get lost inside redis-py (seen with 8.1.0).
        while running := [task for task in self._tasks if not task.done()]:
            for task in running:
                task.cancel()
            await asyncio.wait(running, timeout=0.1)
        self._tasks = []

    async def locate(self, ids: Collection[str]) -> Lookup:
        """Where these IDs live: no round trip if all are known here, else one.

        Names are never found here: ask `pins` with their kind. Raises StoreUnavailable.
        """
        await self._catch_up(self._state)
        uuids = {given: canonical(given) for given in ids if is_uuid(given)}
        places = {
            key: self._located.get(key) for key in uuids.values() if not self.pins.pin(None, key)
        }
        asked = [key for key, place in places.items() if not place and key not in self._unknown]
        complete = self.complete
        if asked:
            lookup = await self.store.locate(asked)
            await self._catch_up(lookup.state)
            complete = lookup.complete
            places.update(lookup.found)
            self._located.update(lookup.found)
            if complete and lookup.state == self._state:
                self._unknown.update(dict.fromkeys(set(asked) - lookup.found.keys(), True))
        pinned, found = {}, {}
        for given, key in uuids.items():
            if pin := self.pins.pin(None, key):
                pinned[given] = pin
            elif place := places.get(key) or self.pins.location(key):
                # The store first: a site must not take over an ID by calling a thing of its own so.
                found[given] = place
        return Lookup(found, complete, pinned, self._state, len(asked))

    async def register(self, site: str, local_ids: Iterable[str]) -> None:
        """See that these local IDs are in the store: one round trip, none if they surely are.

        Raises StoreUnavailable, and KeyError for an unknown site.
        """
        await self._catch_up(self._state)
        new = self._registered.missing((site, local_id) for local_id in local_ids)
        if not new:
            return
        state = await self.store.register(site, [local_id for _, local_id in new])
        await self._catch_up(state)
        self._unknown.clear()
        if self._state and self._state.epoch == state.epoch:
            self._registered.add(new)

    def forget(self, global_id: str) -> None:
        """Ask the store about this ID next time: its site answered 404 at the Location we had."""
        self._located.pop(canonical(global_id), None)

    async def missing_stamps(self) -> set[tuple[str, str]]:
        """The (site, kind) of which something may be missing. Raises StoreUnavailable."""
        return await self.store.missing_stamps()

    async def refresh(self) -> None:
        """Read the state and the pins now. Raises StoreUnavailable."""
        async with self._reading:
            await self._read()

    async def _catch_up(self, state: StoreState | None) -> None:
        """Read what has changed if `state`, seen just now, is news."""
        if state is None or state != self._state:
            async with self._reading:
                if self._state is None or state != self._state:
                    await self._read()

    async def _read(self) -> None:
        while True:
            state = await self.store.state()
            pins = await self.store.pins()
            # Else an epoch that ended between the two would pass for a table that became empty.
            if await self.store.state() == state:
                break
        if self._state is not None and self._state.epoch != state.epoch:
            log.warning("the ID map may have lost something; it has to be rebuilt")
            self._registered.clear()
            self._survivors = tuple(self.pins)
        if state.complete:
            self._survivors = ()
        self._unknown.clear()
        self._pins = PinTable([*pins, *self._survivors])
        self._state = state

    async def _listen(self) -> None:
        async with aclosing(self.store.changes()) as changes:
            async for _ in changes:
                await self.refresh()

    async def _look(self) -> None:
        await asyncio.sleep(self._poll)
        await self._catch_up(await self.store.state())


async def _again_and_again(job: Callable[[], Awaitable[None]]) -> None:
    """Repeat a job for ever, with longer and longer pauses while it keeps failing."""
    clock = asyncio.get_running_loop().time
    first, longest = RECONNECT_SECONDS
    pause = first
    while True:
        begun = clock()
        try:
            await job()
        except StoreUnavailable as error:
            log.warning("cannot follow the ID map: %s", error)
        except Exception:
            # What was just a message we cannot read must not end the following of all others.
            log.exception("cannot follow the ID map")
        pause = first if clock() - begun > longest else min(2 * pause, longest)
        await asyncio.sleep(pause)
