"""Where an ID map may be kept: in memory, in Redis, in a Redis that can be stopped."""

import asyncio
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import redis

from idmap.memory import MemoryIdStore
from idmap.redis_store import RedisIdStore
from idmap.sites import SiteKey
from idmap.store import IdStore
from tests.conftest import find_redis_server, wait_for_redis

PARIS, TOKYO = SiteKey.of("paris"), SiteKey.of("tokyo")
SITES = (PARIS, TOKYO)
STAMPS = (("paris", "server"), ("tokyo", "server"), ("paris", "image"))


class World(Protocol):
    """One place where the map is kept."""

    def store(self) -> IdStore:
        """A store as one more process would build it."""
        ...

    def lose_everything(self) -> None: ...


class MemoryWorld:
    def __init__(self) -> None:
        self._store = MemoryIdStore(SITES, STAMPS)
        self.lose_everything = self._store.lose_everything

    def store(self) -> IdStore:
        return self._store


class RedisWorld:
    def __init__(self, url: str) -> None:
        self.url = url
        self.opened: list[RedisIdStore] = []

    def store(
        self, sites: Iterable[SiteKey] = SITES, stamps: Iterable[tuple[str, str]] = STAMPS
    ) -> RedisIdStore:
        self.opened.append(RedisIdStore(self.url, sites, stamps))
        return self.opened[-1]

    def lose_everything(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def calls_of(self, command: str) -> int:
        """How often the server was asked this."""
        with redis.Redis.from_url(self.url) as client:
            return int(client.info("commandstats").get(f"cmdstat_{command}", {}).get("calls", 0))


class Server:
    """A Redis that keeps its data over a restart, as far as it has saved them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = f"unix://{folder}/socket"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [find_redis_server(), "--port", "0", "--unixsocket", "socket", "--save", ""]
        log = self._folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(command, stdout=output, cwd=self._folder)
        wait_for_redis(self.url, self._process, log)

    def save(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.save()

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Connections stay open and nobody answers."""
        assert self._process
        self._process.send_signal(19)
        try:
            yield
        finally:
            self._process.send_signal(18)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is so that other tasks bring about."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - any condition, not only those that announce themselves
            await asyncio.sleep(0.01)
