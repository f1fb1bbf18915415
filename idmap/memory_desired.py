"""Desired state in the memory of one process: the reference for other stores."""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from time import monotonic

from idmap.desired import CONFIRMED, Desired, Leadership, NotLeading, Status
from idmap.lease import renewed

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class MemoryDesiredStore:
    """See `idmap.desired.DesiredStore`."""

    def __init__(self) -> None:
        self._desired: dict[str, Desired] = {}
        self._statuses: defaultdict[str, dict[str, Status]] = defaultdict(dict)
        self._told: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
        self._wakes: defaultdict[str, int] = defaultdict(int)
        self._woken = asyncio.Condition()
        self._leaders: dict[str, Leadership] = {}
        self._fences: dict[str, str] = {}
        self._words = count(1)

    async def all(self) -> list[Desired]:
        return [entry for _, entry in sorted(self._desired.items())]

    async def get(self, global_ids: Iterable[str]) -> dict[str, Desired]:
        return {gid: self._desired[gid] for gid in global_ids if gid in self._desired}

    async def naming(self, global_ids: Iterable[str]) -> list[Desired]:
        ids = set(global_ids)
        return [entry for entry in await self.all() if not ids.isdisjoint(_named(entry))]

    async def put(self, desired: Desired) -> Desired | None:
        if not self._is_current(desired):
            return None
        written = replace(desired, version=desired.version + 1)
        self._desired[desired.global_id] = written
        return written

    async def drop(self, desired: Desired) -> bool:
        if not self._is_current(desired):
            return False
        del self._desired[desired.global_id]
        return True

    async def statuses(
        self, site: str, global_ids: Iterable[str] | None = None
    ) -> dict[str, Status]:
        all_ = self._statuses[site]
        return dict(all_) if global_ids is None else {g: all_[g] for g in global_ids if g in all_}

    async def put_statuses(
        self, site: str, statuses: Mapping[str, Status | None], fence: str
    ) -> None:
        self._check(site, fence)
        for gid, status in statuses.items():
            if status is None:
                self._statuses[site].pop(gid, None)
            else:
                self._statuses[site][gid] = status

    async def publish(self, site: str, name: str, content: bytes, fence: str) -> bool:
        self._check(site, fence)
        news = self._told[name].get(site) != content
        self._told[name][site] = content
        return news

    async def published(self, name: str) -> Mapping[str, bytes]:
        return dict(self._told[name])

    async def confirm(self, site: str, digest: str) -> None:
        self._told[CONFIRMED][site] = digest.encode()

    async def wake(self, sites: Collection[str]) -> None:
        async with self._woken:
            for site in sites:
                self._wakes[site] += 1
            self._woken.notify_all()

    async def woken(self, site: str, last: str, seconds: float) -> str:
        if last:
            try:
                async with asyncio.timeout(seconds), self._woken:
                    await self._woken.wait_for(lambda: str(self._wakes[site]) != last)
            except TimeoutError:
                return last
        return str(self._wakes[site])

    @asynccontextmanager
    async def lead(self, site: str, ttl: float) -> AsyncIterator[Leadership | None]:
        if await self.led(site):
            yield None
            return
        fence = str(next(self._words))
        mine = self._leaders[site] = Leadership(fence, monotonic() + ttl)
        self._fences[site] = fence

        async def renew() -> bool:
            return self._leaders.get(site) is mine

        try:
            async with renewed(mine, renew, ttl):
                yield mine
        finally:
            if self._leaders.get(site) is mine:
                del self._leaders[site]

    async def ever_led(self, sites: Collection[str]) -> set[str]:
        return set(sites) & self._fences.keys()

    async def led(self, site: str) -> bool:
        leader = self._leaders.get(site)
        return leader is not None and monotonic() < leader.expires

    async def forget(self, site: str) -> None:
        for table in (self._statuses, self._wakes, self._leaders, self._fences):
            table.pop(site, None)
        for told in self._told.values():
            told.pop(site, None)

    async def close(self) -> None:
        pass

    def _is_current(self, desired: Desired) -> bool:
        known = self._desired.get(desired.global_id)
        return (known.version if known else 0) == desired.version

    def _check(self, site: str, fence: str) -> None:
        if self._fences.get(site) != fence:
            raise NotLeading(site)


def _named(entry: Desired) -> set[str]:
    return set(_UUID.findall(json.dumps(dict(entry.spec)))) - {entry.global_id}
