"""All that Redis keeps of one site, for when it leaves the federation: counted, and dropped.

Pins are not among it: what becomes of them is not a matter of one site.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from idmap.buckets import unpack
from idmap.ids import canonical, global_uuid
from idmap.redis_store import connect, unavailable
from idmap.sites import SiteKey

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Remains:
    """How much there is of one site."""

    mappings: int
    """IDs whose way back is known."""
    stamps: int
    """Kinds that are completely in the map."""
    records: int
    """Objects that are remembered."""
    documents: int
    """Sets of documents: versions, URLs, numbers."""


class Leaving:
    """One site's part of Redis. `redis` is a URL as the ID map takes it. All raise StoreUnavailable."""

    def __init__(self, redis: str, site: SiteKey, *, prefix: str = "federator:") -> None:
        self._redis: Any = connect(redis)
        self._site = site
        self._prefix = prefix

    async def count(self) -> Remains:
        """What there is."""
        with unavailable():
            mappings = 0
            async for _, fields in self._mappings():
                mappings += len(fields)
            records = 0
            async for key in self._keys(f"rec:{self._site.number}:*:*"):
                records += await self._redis.hlen(key)
            documents = [key async for key in self._keys(f"sitedoc:{self._site.number}:*")]
            return Remains(mappings, len(await self._stamps()), records, len(documents))

    async def drop(self, *, records: bool) -> None:
        """Drop all of it, `records` of objects only if wanted.

        The stamps go first: a process that still knows the site then sees that its map is not complete.
        """
        patterns = [f"sitedoc:{self._site.number}:*"]
        if records:
            patterns += [f"rec:{self._site.number}", f"rec:{self._site.number}:*"]
        with unavailable():
            source = (files("idmap") / "lua/unstamp.lua").read_text()
            keys = [self._prefix + "state", self._prefix + "stamps"]
            await self._redis.eval(source, len(keys), *keys, *await self._stamps())
            for pattern in patterns:
                async for key in self._keys(pattern):
                    await self._redis.unlink(key)
            async for key, fields in self._mappings():
                await self._redis.hdel(key, *fields)

    async def close(self) -> None:
        """Let go of connections."""
        with unavailable():
            await self._redis.aclose()

    async def _stamps(self) -> list[bytes]:
        start = f"{self._site.namespace}:{self._site.number}:".encode()
        members: Iterable[bytes] = await self._redis.smembers(self._prefix + "stamps")
        return [member for member in members if member.startswith(start)]

    async def _mappings(self) -> AsyncIterator[tuple[bytes, list[bytes]]]:
        """(key of a bucket, its fields that lead to this site)."""
        keys: list[bytes] = []
        async for key in self._keys("b:*"):
            keys.append(key)
            if len(keys) == _AT_ONCE:
                for each in await self._of_buckets(keys):
                    yield each
                keys = []
        for each in await self._of_buckets(keys):
            yield each

    async def _of_buckets(self, keys: list[bytes]) -> list[tuple[bytes, list[bytes]]]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.hgetall(key)
            buckets = await pipeline.execute() if keys else []
        found = []
        for key, bucket in zip(keys, buckets, strict=True):
            start = key.removeprefix(f"{self._prefix}b:".encode())
            own = [field for field, value in bucket.items() if self._is_ours(start + field, value)]
            if own:
                found.append((key, own))
        return found

    def _is_ours(self, address: bytes, value: bytes) -> bool:
        """Whether a mapping leads to this site. The number alone proves nothing: it may have been another's."""
        number, local_id = unpack(value)
        if number != self._site.number:
            return False
        return global_uuid(self._site.namespace, local_id) == canonical(address.hex())

    async def _keys(self, pattern: str) -> AsyncIterator[bytes]:
        async for key in self._redis.scan_iter(match=self._prefix + pattern, count=1000):
            yield key
