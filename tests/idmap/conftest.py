"""The ID map in two forms, over which one suite runs, and a Redis that can be stopped."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest
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


@pytest.fixture
async def redis_world(redis_url: str) -> AsyncIterator[RedisWorld]:
    world = RedisWorld(redis_url)
    yield world
    for store in world.opened:
        await store.close()


@pytest.fixture(params=["memory", "redis"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "memory":
        return MemoryWorld()
    return request.getfixturevalue("redis_world")


@pytest.fixture
def store(world: World) -> IdStore:
    return world.store()


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


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.start()
    yield server
    server.stop()


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is so that other tasks bring about."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)
