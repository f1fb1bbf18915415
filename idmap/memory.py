"""The ID map in the memory of one process: the reference for other stores, and good for a first try.

Here an object passes for a whole Redis: fronts that share it see each other's pins.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from uuid import uuid4

from idmap.ids import canonical, global_uuid, is_uuid
from idmap.pins import Key, identity
from idmap.sites import SiteKey, check_sites
from idmap.store import Lease, Location, Lookup, Pin, StoreState


class MemoryIdStore:
    """See `idmap.store.IdStore`. `stamps` are the (site, kind) that make the map complete."""

    def __init__(self, sites: Iterable[SiteKey], stamps: Iterable[tuple[str, str]]) -> None:
        self._namespaces = {site.name: site.namespace for site in check_sites(sites)}
        self._expected = frozenset(stamps)
        self._news = asyncio.Condition()
        self._rebuilding = False
        self.lose_everything()

    def lose_everything(self) -> None:
        """What FLUSHALL is to Redis."""
        self._epoch = uuid4().hex
        self._version = 0
        self._located: dict[str, Location] = {}
        self._pins: dict[Key, Pin] = {}
        self._stamps: set[tuple[str, str]] = set()
        self._documents: defaultdict[tuple[str, ...], dict[str, bytes]] = defaultdict(dict)

    async def locate(self, global_ids: Collection[str]) -> Lookup:
        state = await self.state()
        found = {}
        for given in filter(is_uuid, global_ids):
            candidates = [canonical(given)]
            candidates += [global_uuid(space, given) for space in self._namespaces.values()]
            places = (self._located.get(candidate) for candidate in candidates)
            if location := next(filter(None, places), None):
                found[given] = location
        return Lookup(found, state.complete, state=state)

    async def register(self, site: str, local_ids: Iterable[str]) -> StoreState:
        namespace = self._namespaces[site]
        for local_id in local_ids:
            self._located[global_uuid(namespace, local_id)] = Location(site, local_id)
        return await self.state()

    async def state(self) -> StoreState:
        return StoreState(self._epoch, self._version, self._expected <= self._stamps)

    async def pins(self) -> Collection[Pin]:
        return [self._pins[key] for key in sorted(self._pins)]

    async def put_pins(
        self,
        pins: Iterable[Pin],
        *,
        replace_origin: str | None = None,
        seen: StoreState | None = None,
    ) -> bool:
        if seen is not None and (seen.epoch, seen.pins) != (self._epoch, self._version):
            return False
        table = {k: pin for k, pin in self._pins.items() if pin.origin != replace_origin}
        for pin in pins:
            table[identity(pin)] = pin
            if not (pin.places or pin.aliases):
                del table[identity(pin)]
        if table != self._pins:
            self._pins = table
            self._version += 1
            async with self._news:
                self._news.notify_all()
        return True

    async def changes(self) -> AsyncGenerator[None]:
        while True:
            seen = self._epoch, self._version
            yield
            async with self._news:
                while seen == (self._epoch, self._version):
                    await self._news.wait()

    async def mark_complete(
        self, stamps: Iterable[tuple[str, str]], *, epoch: str | None = None
    ) -> bool:
        if epoch not in (None, self._epoch):
            return False
        self._stamps.update(stamps)
        return True

    async def missing_stamps(self) -> set[tuple[str, str]]:
        return set(self._expected - self._stamps)

    @asynccontextmanager
    async def rebuild_lock(self, ttl: float = 30) -> AsyncIterator[Lease | None]:
        if self._rebuilding:
            yield None
            return
        self._rebuilding = True
        try:
            yield Lease(self._epoch)
        finally:
            self._rebuilding = False

    async def documents(
        self, kind: str, owner: str, *, site: str | None = None
    ) -> Mapping[str, bytes]:
        return dict(self._documents.get(self._drawer(kind, owner, site), {}))

    async def put_documents(
        self,
        kind: str,
        owner: str,
        documents: Mapping[str, bytes | None],
        *,
        site: str | None = None,
    ) -> None:
        kept = self._documents[self._drawer(kind, owner, site)]
        for name, content in documents.items():
            if content is None:
                kept.pop(name, None)
            else:
                kept[name] = content

    async def claim_document(self, kind: str, owner: str, name: str, content: bytes) -> bool:
        return self._documents[kind, owner].setdefault(name, content) is content

    async def disclaim_document(self, kind: str, owner: str, name: str, content: bytes) -> bool:
        kept = self._documents[kind, owner]
        return kept.get(name) == content and kept.pop(name, None) is not None

    def _drawer(self, kind: str, owner: str, site: str | None) -> tuple[str, ...]:
        return (kind, owner) if site is None else (kind, owner, str(self._namespaces[site]))

    async def close(self) -> None:
        pass
