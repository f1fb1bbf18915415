"""Desired state in Redis.

Keys, all below one prefix:
    desired              hash     global ID -> "<version>\\0<entry as JSON>"
    named:<global ID>    set      the global IDs of the entries in which this one stands
    replicas:<site>      hash     global ID -> status as JSON
    told:<name>          hash     site -> what its daemon tells the others
    wake:<site>          stream   wakes; nothing in them means anything, and only the last one counts
    lead:<site>          string   the lock of the site's daemon, with a word of its holder
    fence:<site>         string   the word of the site's last leader

Sites stand here by their numbers, ``#7``, which no new name changes (`idmap.sites`).
"""

import json
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, replace
from importlib.resources import files
from operator import attrgetter
from time import monotonic
from typing import Any
from uuid import uuid4

from idmap.desired import CONFIRMED, Desired, Leadership, NotLeading, State, Status
from idmap.lease import renewed
from idmap.redis_store import connect, unavailable
from idmap.sites import Numbering, SiteKey
from idmap.store import StoreUnavailable

_WAKES = 16
"""Wakes that are kept: one would do."""
_LOOK_SECONDS = 1.0
"""How long one blocking read of a stream waits: less than the connection's own patience."""
_SETS = ("sites", "unread", "drained", "gone")
"""The fields of an entry that are sets, which JSON has not."""


class RedisDesiredStore:
    """See `idmap.desired.DesiredStore`. `redis` is a URL as the ID map takes it."""

    def __init__(self, redis: str, sites: Iterable[SiteKey], *, prefix: str = "federator:") -> None:
        # Loosely typed: the stubs of redis-py do not know what its scripts and streams answer.
        self._redis: Any = connect(redis)
        self._prefix = prefix
        self._sites = Numbering(sites)
        lua = files("idmap") / "lua"
        self._table = [prefix + "desired", prefix + "named"]
        self._put = self._redis.register_script((lua / "desired.lua").read_text())
        self._naming = self._redis.register_script((lua / "naming.lua").read_text())
        self._fenced = self._redis.register_script((lua / "fenced.lua").read_text())

    async def all(self) -> list[Desired]:
        with unavailable():
            table = await self._redis.hgetall(self._prefix + "desired")
        return [self._load(raw) for _, raw in sorted(table.items())]

    async def get(self, global_ids: Iterable[str]) -> dict[str, Desired]:
        ids = list(global_ids)
        if not ids:
            return {}
        with unavailable():
            values = await self._redis.hmget(self._prefix + "desired", ids)
        return {
            gid: self._load(raw) for gid, raw in zip(ids, values, strict=True) if raw is not None
        }

    async def naming(self, global_ids: Iterable[str]) -> list[Desired]:
        ids = list(global_ids)
        with unavailable():
            found = await self._naming(keys=self._table, args=ids) if ids else []
        return sorted((self._load(raw) for raw in found), key=attrgetter("global_id"))

    async def put(self, desired: Desired) -> Desired | None:
        with unavailable():
            version = await self._put(
                keys=self._table,
                args=[desired.global_id, desired.version, self._dump(desired)],
            )
        return replace(desired, version=int(version)) if version else None

    async def drop(self, desired: Desired) -> bool:
        with unavailable():
            return bool(
                await self._put(keys=self._table, args=[desired.global_id, desired.version, ""])
            )

    async def statuses(
        self, site: str, global_ids: Iterable[str] | None = None
    ) -> dict[str, Status]:
        key = self._of("replicas", site)
        if global_ids is None:
            with unavailable():
                table = await self._redis.hgetall(key)
            return {gid.decode(): _status(raw) for gid, raw in table.items()}
        ids = list(global_ids)
        with unavailable():
            values = await self._redis.hmget(key, ids) if ids else []
        return {gid: _status(raw) for gid, raw in zip(ids, values, strict=True) if raw is not None}

    async def put_statuses(
        self, site: str, statuses: Mapping[str, Status | None], fence: str
    ) -> None:
        words: list[str | bytes] = []
        for gid, status in statuses.items():
            words += gid, "" if status is None else json.dumps(asdict(status))
        if words:
            await self._write(site, self._of("replicas", site), fence, words)

    async def publish(self, site: str, name: str, content: bytes, fence: str) -> bool:
        words: list[str | bytes] = [self._sites.kept(site), content]
        return await self._write(site, f"{self._prefix}told:{name}", fence, words) > 0

    async def published(self, name: str) -> Mapping[str, bytes]:
        with unavailable():
            table = await self._redis.hgetall(f"{self._prefix}told:{name}")
        return {self._sites.name(kept.decode()): content for kept, content in table.items()}

    async def confirm(self, site: str, digest: str) -> None:
        key = f"{self._prefix}told:{CONFIRMED}"
        with unavailable():
            await self._redis.hset(key, self._sites.kept(site), digest)

    async def wake(self, sites: Collection[str]) -> None:
        with unavailable():
            async with self._redis.pipeline(transaction=False) as pipeline:
                for site in sites:
                    pipeline.xadd(self._of("wake", site), {"": ""}, maxlen=_WAKES)
                await pipeline.execute()

    async def woken(self, site: str, last: str, seconds: float) -> str:
        key, end = self._of("wake", site), monotonic() + seconds
        if not last:
            with unavailable():
                newest = await self._redis.xrevrange(key, count=1)
            return newest[0][0].decode() if newest else "0-0"
        while (rest := end - monotonic()) > 0:
            block = max(1, round(1000 * min(rest, _LOOK_SECONDS)))
            with unavailable():
                found = await self._redis.xread({key: last}, block=block)
            if found:
                (_, entries), *_ = found.items() if isinstance(found, dict) else found
                return str(entries[-1][0].decode())
        return last

    @asynccontextmanager
    async def lead(self, site: str, ttl: float) -> AsyncIterator[Leadership | None]:
        lock, word = self._of("lead", site), uuid4().hex
        asked = monotonic()
        with unavailable():
            granted = await self._redis.set(lock, word, nx=True, px=round(1000 * ttl))
        if not granted:
            yield None
            return
        try:
            with unavailable():
                await self._redis.set(self._of("fence", site), word)
            leadership = Leadership(word, asked + ttl)

            async def renew() -> bool:
                with unavailable():
                    if await self._redis.get(lock) != word.encode():
                        return False
                    return bool(await self._redis.pexpire(lock, round(1000 * ttl)))

            async with renewed(leadership, renew, ttl):
                yield leadership
        finally:
            # What cannot be given back expires.
            with suppress(StoreUnavailable), unavailable():
                if await self._redis.get(lock) == word.encode():
                    await self._redis.delete(lock)

    async def ever_led(self, sites: Collection[str]) -> set[str]:
        names = list(sites)
        with unavailable():
            found = await self._redis.mget([self._of("fence", name) for name in names])
        return {name for name, fence in zip(names, found, strict=True) if fence is not None}

    async def led(self, site: str) -> bool:
        with unavailable():
            return bool(await self._redis.exists(self._of("lead", site)))

    async def forget(self, site: str) -> None:
        keys = [self._of(what, site) for what in ("replicas", "wake", "lead", "fence")]
        with unavailable():
            async for told in self._redis.scan_iter(match=f"{self._prefix}told:*", count=1000):
                await self._redis.hdel(told, self._sites.kept(site))
            await self._redis.delete(*keys)

    async def close(self) -> None:
        with unavailable():
            await self._redis.aclose()

    async def _write(self, site: str, key: str, fence: str, words: list[str | bytes]) -> int:
        with unavailable():
            changed = await self._fenced(keys=[self._of("fence", site), key], args=[fence, *words])
        if changed is None or int(changed) < 0:
            raise NotLeading(site)
        return int(changed)

    def _of(self, what: str, site: str) -> str:
        """The key of something of a site."""
        return f"{self._prefix}{what}:{self._sites.kept(site)}"

    def _dump(self, desired: Desired) -> str:
        fields = asdict(desired)
        del fields["version"]
        sets = {name: sorted(map(self._sites.kept, fields[name])) for name in _SETS}
        anchor = self._sites.kept(desired.anchor)
        return json.dumps({**fields, **sets, "anchor": anchor}, sort_keys=True)

    def _load(self, raw: bytes) -> Desired:
        version, _, text = raw.partition(b"\0")
        fields = json.loads(text)
        sets = {name: frozenset(map(self._sites.name, fields.get(name) or ())) for name in _SETS}
        anchor = self._sites.name(fields["anchor"])
        return Desired(**{**fields, **sets, "anchor": anchor, "version": int(version)})


def _status(raw: bytes) -> Status:
    fields = json.loads(raw)
    return Status(**{**fields, "state": State(fields["state"])})
