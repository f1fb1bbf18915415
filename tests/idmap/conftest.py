"""One suite runs over the ID map in memory and in Redis."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from idmap.store import IdStore
from tests.idmap.worlds import MemoryWorld, RedisWorld, Server, World


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


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.start()
    yield server
    server.stop()
