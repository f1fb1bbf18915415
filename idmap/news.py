"""What one gateway process tells all others: heard at once, or not at all.

Nothing is kept. Who was not listening, or has just lost the connection, never hears of it, so news
may only make things happen sooner that happen anyhow.
"""

from collections.abc import AsyncGenerator
from typing import Protocol, cast

from idmap.redis_store import LISTEN, connect, unavailable


class News(Protocol):
    """Both raise StoreUnavailable."""

    async def tell(self, message: bytes) -> None:
        """Tell everybody who listens, ourselves included."""
        ...

    def heard(self) -> AsyncGenerator[bytes]:
        """The messages from now on."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class RedisNews:
    """A channel of Redis pub/sub. `redis` is a URL."""

    def __init__(self, redis: str, *, channel: str = "federator:news") -> None:
        self._redis = connect(redis)
        self._channel = channel

    async def tell(self, message: bytes) -> None:
        with unavailable():
            await self._redis.publish(self._channel, message)

    async def heard(self) -> AsyncGenerator[bytes]:
        with unavailable():
            async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                await pubsub.subscribe(self._channel)
                while True:
                    message = await pubsub.get_message(timeout=LISTEN)
                    if message is not None:
                        yield cast(bytes, message["data"])

    async def close(self) -> None:
        """Close the connections."""
        with unavailable():
            await self._redis.aclose()
