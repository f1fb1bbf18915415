"""Short-lived notes that all gateway processes can read: bytes under a name, gone after their time.

They are no part of the ID map: nothing depends on one being there, and no rebuild brings one back.
What is secret is sealed before it comes here.
"""

from typing import Protocol, cast

from idmap.redis_store import connect, unavailable


class Notes(Protocol):
    """All raise StoreUnavailable."""

    async def put(self, name: str, content: bytes, seconds: int) -> None:
        """Keep this for so long, in place of what was there."""
        ...

    async def claim(self, name: str, content: bytes, seconds: int) -> bool:
        """Keep this for so long, unless there is something; False if there is."""
        ...

    async def get(self, name: str) -> bytes | None:
        """What is kept under this name."""
        ...

    async def delete(self, name: str) -> None:
        """Keep it no longer."""
        ...


class RedisNotes:
    """Notes in Redis, as strings ``federator:note:<name>`` with an expiry. `redis` is a URL."""

    def __init__(self, redis: str, *, prefix: str = "federator:note:") -> None:
        self._redis = connect(redis)
        self._prefix = prefix

    async def put(self, name: str, content: bytes, seconds: int) -> None:
        with unavailable():
            await self._redis.set(self._prefix + name, content, ex=seconds)

    async def claim(self, name: str, content: bytes, seconds: int) -> bool:
        with unavailable():
            return bool(await self._redis.set(self._prefix + name, content, ex=seconds, nx=True))

    async def get(self, name: str) -> bytes | None:
        with unavailable():
            # Text only for a client that decodes, and we have none.
            return cast(bytes | None, await self._redis.get(self._prefix + name))

    async def delete(self, name: str) -> None:
        with unavailable():
            await self._redis.delete(self._prefix + name)

    async def close(self) -> None:
        """Close the connections."""
        with unavailable():
            await self._redis.aclose()
