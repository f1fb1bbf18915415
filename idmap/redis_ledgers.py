"""Ledgers of addresses in Redis.

Keys, all below one prefix:
    ledger:<name>   hash   token, run (run_id of the server that wrote it), content (lua/ledger.lua)
    ledgers         set    the names

Under Sentinel set `min-replicas-to-write 1`: a master that is cut off must not go on taking leases that are
lost when it comes back as a replica.
"""

from importlib.resources import files
from typing import Any
from uuid import uuid4

from idmap.ledgers import Kept
from idmap.redis_store import connect, unavailable

_TOKEN = 16


class RedisLedgerStore:
    """See `idmap.ledgers.LedgerStore`. `redis` is a URL as the ID map takes it."""

    def __init__(self, redis: str, *, prefix: str = "federator:") -> None:
        # Loosely typed: the stubs of redis-py do not know what a script answers.
        self._redis: Any = connect(redis)
        self._prefix = prefix
        source = (files("idmap") / "lua" / "ledger.lua").read_text()
        self._script = self._redis.register_script(source)

    async def read(self, name: str) -> Kept | None:
        found = await self._run(name, b"")
        if not found:
            return None
        token, content, sure, run = found
        return Kept(content, token + run, bool(sure))

    async def write(self, name: str, content: bytes, before: Kept | None) -> bool:
        # A connection that breaks in between is tried once more: the second writing then finds the token of the
        # first, which looks as if it were another one's. So it is looked whose it is.
        token = uuid4().bytes
        if await self._replace(name, before, token, content):
            return True
        now = await self.read(name)
        return now is not None and now.token[:_TOKEN] == token

    async def drop(self, name: str, before: Kept) -> bool:
        return await self._replace(name, before, b"", b"")

    async def names(self) -> set[str]:
        with unavailable():
            members = await self._redis.smembers(self._prefix + "ledgers")
        return {member.decode() for member in members}

    async def close(self) -> None:
        with unavailable():
            await self._redis.aclose()

    async def _replace(self, name: str, before: Kept | None, token: bytes, content: bytes) -> bool:
        known = before.token if before else b""
        return bool(await self._run(name, b"=" + known[:_TOKEN], token, content, known[_TOKEN:]))

    async def _run(self, name: str, *words: bytes) -> Any:
        args: list[str | bytes] = [name, *words, *[b""] * (4 - len(words))]
        with unavailable():
            return await self._script(
                keys=[f"{self._prefix}ledger:{name}", self._prefix + "ledgers"], args=args
            )
