"""The connections to all hosts: kept for a while after use, and so many to each host at most."""

import asyncio
import socket
from collections import deque
from dataclasses import dataclass, field
from ssl import SSLContext

from aiohappyeyeballs import start_connection

from adapters.http.connection import Connection
from adapters.http.head import Origin

KEPT_SECONDS = 15.0
"""How long a connection is kept that nobody uses."""
_NEXT_ADDRESS_SECONDS = 0.25
"""How long one address of a host may take before the next one is tried beside it (RFC 8305)."""


@dataclass(eq=False)
class _Host:
    idle: list[Connection] = field(default_factory=list)
    """The one used last at the end."""
    open: set[Connection] = field(default_factory=set)
    connecting: int = 0
    waiters: deque[asyncio.Future[None]] = field(default_factory=deque)

    def wake_one(self) -> None:
        """There may be room for one more of those who wait."""
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def gone(self, connection: Connection) -> None:
        """A connection can be used no more."""
        self.open.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)
        self.wake_one()


class ConnectionPool:
    """At most `most` connections to each host; who comes after them waits."""

    def __init__(self, most: int, connect_seconds: float, silence_seconds: float) -> None:
        self._most = most
        self._connect_seconds = connect_seconds
        self._silence_seconds = silence_seconds
        self._hosts: dict[tuple[Origin, SSLContext | None], _Host] = {}
        self._tidying: asyncio.TimerHandle | None = None

    async def take(
        self, origin: Origin, tls: SSLContext | None, *, fresh: bool = False
    ) -> tuple[Connection, bool]:
        """A connection, and whether it was used before; never so if it has to be `fresh`.

        Raises OSError (of which TimeoutError is one), or UnicodeError, if there is none to be had.
        """
        host = self._hosts.get((origin, tls))
        if host is None:
            host = self._hosts[origin, tls] = _Host()
        while True:
            now = asyncio.get_running_loop().time()
            while host.idle:
                connection = host.idle.pop()
                if connection.open and not fresh and now - connection.idle_since < KEPT_SECONDS:
                    return connection, True
                connection.close()
            if len(host.open) + host.connecting < self._most:
                return await self._connected(host, origin, tls), False
            await self._room(host)

    def give_back(self, origin: Origin, tls: SSLContext | None, connection: Connection) -> None:
        """The exchange is over."""
        host = self._hosts[origin, tls]
        if connection.end():
            host.idle.append(connection)
            host.wake_one()
            if self._tidying is None:
                loop = asyncio.get_running_loop()
                self._tidying = loop.call_later(KEPT_SECONDS, self._tidy)

    async def close(self) -> None:
        """Close all connections."""
        if self._tidying is not None:
            self._tidying.cancel()
        for host in self._hosts.values():
            for connection in list(host.open):
                connection.close()
        # Until the transports know it.
        await asyncio.sleep(0)

    async def _connected(self, host: _Host, origin: Origin, tls: SSLContext | None) -> Connection:
        loop = asyncio.get_running_loop()
        host.connecting += 1
        try:
            async with asyncio.timeout(self._connect_seconds):
                found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
                plain = await start_connection(
                    found, happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS, interleave=1
                )
                try:
                    _, connection = await loop.create_connection(
                        lambda: Connection(self._silence_seconds, host.gone),
                        sock=plain,
                        ssl=tls,
                        server_hostname=origin.host if tls is not None else None,
                    )
                except BaseException:
                    plain.close()
                    raise
        finally:
            host.connecting -= 1
            host.wake_one()
        if not connection.open:
            raise ConnectionResetError
        host.open.add(connection)
        return connection

    async def _room(self, host: _Host) -> None:
        """Wait until there may be room."""
        waiter = asyncio.get_running_loop().create_future()
        host.waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                # The turn was ours; it is the next one's now.
                host.wake_one()
            raise

    def _tidy(self) -> None:
        """Close what nobody has used for long."""
        loop = asyncio.get_running_loop()
        self._tidying = None
        for host in self._hosts.values():
            for connection in list(host.idle):
                if loop.time() - connection.idle_since >= KEPT_SECONDS:
                    connection.close()
        if any(host.idle for host in self._hosts.values()):
            self._tidying = loop.call_later(KEPT_SECONDS, self._tidy)
