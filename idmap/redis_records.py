"""Records in Redis.

Keys, all below one prefix; sites stand here as their numbers:
    rec:<site>:<kind>:<owner>  hash    local ID (16 bytes if it is a UUID, else its text) -> the record:
                                       4 bytes of seconds since 1970, then its content
    rec:<site>:<kind>          set     the owners there are
    rec:<site>                 hash    kind -> when its last reading began
    turn:<name>                string  whose turn it was lately

Redis keeps a hash of up to 512 records as one compact string as long as no record in it is longer than
`LONGEST_COMPACT`, which it is told at the first write.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from idmap.buckets import address
from idmap.ids import canonical, is_uuid
from idmap.records import CLOCKS_SECONDS, Record
from idmap.redis_store import connect, unavailable
from idmap.sites import SiteKey, check_sites

log = logging.getLogger(__name__)

LONGEST_COMPACT = 512
"""Bytes. Most records have some 200."""

_SEEN = 4


class RedisRecordStore:
    """See `idmap.records.RecordStore`. `redis` is a URL as the ID map takes it."""

    def __init__(self, redis: str, sites: Iterable[SiteKey], *, prefix: str = "federator:") -> None:
        # Loosely typed: the stubs of redis-py know neither bytes as fields nor what a pipeline answers.
        self._redis: Any = connect(redis)
        self._numbers = {site.name: site.number for site in check_sites(sites)}
        self._prefix = prefix
        self._tuned = False

    async def write(self, site: str, kind: str, records: Iterable[Record]) -> None:
        by_owner: defaultdict[str, dict[bytes, bytes]] = defaultdict(dict)
        for record in records:
            value = record.seen.to_bytes(_SEEN, "big") + record.content
            by_owner[record.owner][_field(record.local_id)] = value
        if not by_owner:
            return
        with unavailable():
            await self._tune()
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.sadd(self._owners(site, kind), *by_owner)
                for owner, fields in by_owner.items():
                    pipeline.hset(self._key(site, kind, owner), mapping=fields)
                await pipeline.execute()

    async def read(self, site: str, kind: str, owners: Collection[str] | None) -> list[Record]:
        asked = await self._asked(site, kind, owners)
        with unavailable():
            async with self._redis.pipeline(transaction=False) as pipeline:
                for owner in asked:
                    pipeline.hgetall(self._key(site, kind, owner))
                tables = await pipeline.execute()
        newest: dict[bytes, Record] = {}
        for owner, table in zip(asked, tables, strict=True):
            for field, value in table.items():
                record = _record(field, owner, value)
                # Whose it is may have changed since the last reading.
                if field not in newest or newest[field].seen < record.seen:
                    newest[field] = record
        return list(newest.values())

    async def find(
        self, site: str, kind: str, local_id: str, owners: Collection[str] | None
    ) -> Record | None:
        asked, field = await self._asked(site, kind, owners), _field(local_id)
        with unavailable():
            async with self._redis.pipeline(transaction=False) as pipeline:
                for owner in asked:
                    pipeline.hget(self._key(site, kind, owner), field)
                values = await pipeline.execute()
        found = [
            _record(field, owner, value)
            for owner, value in zip(asked, values, strict=True)
            if value is not None
        ]
        return max(found, key=lambda record: record.seen, default=None)

    async def drop(self, site: str, kind: str, owner: str, local_ids: Iterable[str]) -> None:
        fields = [_field(local_id) for local_id in local_ids]
        if fields:
            with unavailable():
                await self._redis.hdel(self._key(site, kind, owner), *fields)

    async def finish(self, site: str, kind: str, began: int) -> None:
        for owner in await self._asked(site, kind, None):
            key = self._key(site, kind, owner)
            with unavailable():
                table = await self._redis.hgetall(key)
                gone = [
                    field
                    for field, value in table.items()
                    if int.from_bytes(value[:_SEEN], "big") < began - CLOCKS_SECONDS
                ]
                if gone:
                    await self._redis.hdel(key, *gone)
                if len(gone) == len(table):
                    await self._redis.srem(self._owners(site, kind), owner)
        with unavailable():
            await self._redis.hset(self._readings(site), kind, began)

    async def readings(self, site: str) -> Mapping[str, int]:
        with unavailable():
            found = await self._redis.hgetall(self._readings(site))
        return {kind.decode(): int(began) for kind, began in found.items()}

    async def turn(self, name: str, seconds: float) -> bool:
        with unavailable():
            key, milliseconds = f"{self._prefix}turn:{name}", max(1, round(seconds * 1000))
            return bool(await self._redis.set(key, b"", nx=True, px=milliseconds))

    async def close(self) -> None:
        with unavailable():
            await self._redis.aclose()

    async def _asked(self, site: str, kind: str, owners: Collection[str] | None) -> list[str]:
        if owners is not None:
            return list(owners)
        with unavailable():
            members = await self._redis.smembers(self._owners(site, kind))
        return sorted(member.decode() for member in members)

    async def _tune(self) -> None:
        """Redis 7 calls the option hash-max-listpack-value and understands the old name."""
        if self._tuned:
            return
        option = "hash-max-ziplist-value"
        try:
            known = await self._redis.config_get(option)
            if int(known.get(option) or 0) < LONGEST_COMPACT:
                await self._redis.config_set(option, LONGEST_COMPACT)
        except Exception as error:
            # A Redis that lets nobody change its settings: more memory, nothing else.
            log.warning("cannot set %s of Redis to %d: %s", option, LONGEST_COMPACT, error)
        self._tuned = True

    def _key(self, site: str, kind: str, owner: str) -> str:
        return f"{self._prefix}rec:{self._numbers[site]}:{kind}:{owner}"

    def _owners(self, site: str, kind: str) -> str:
        return f"{self._prefix}rec:{self._numbers[site]}:{kind}"

    def _readings(self, site: str) -> str:
        return f"{self._prefix}rec:{self._numbers[site]}"


def _field(local_id: str) -> bytes:
    usual = is_uuid(local_id) and canonical(local_id) == local_id
    # What is no UUID is longer than one, so that it cannot be taken for one.
    return address(local_id) if usual else local_id.encode().ljust(17, b"\0")


def _record(field: bytes, owner: str, value: bytes) -> Record:
    local_id = canonical(field.hex()) if len(field) == 16 else field.rstrip(b"\0").decode()
    return Record(local_id, owner, value[_SEEN:], int.from_bytes(value[:_SEEN], "big"))
