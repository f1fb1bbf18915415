"""Ledgers as they are kept: one suite over all stores, and what a Redis of its own life does to them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from idmap.ledgers import Kept, LedgerStore
from idmap.memory_ledgers import MemoryLedgerStore
from idmap.redis_ledgers import RedisLedgerStore
from idmap.store import StoreUnavailable
from tests.idmap.worlds import Server


@pytest.fixture
async def redis_ledgers(redis_url: str) -> AsyncIterator[RedisLedgerStore]:
    store = RedisLedgerStore(redis_url)
    yield store
    await store.close()


@pytest.fixture(params=["memory", "redis"])
def ledgers(request: pytest.FixtureRequest) -> LedgerStore:
    if request.param == "memory":
        return MemoryLedgerStore()
    found: LedgerStore = request.getfixturevalue("redis_ledgers")
    return found


async def _there(ledgers: LedgerStore, name: str) -> Kept:
    kept = await ledgers.read(name)
    assert kept is not None
    return kept


async def test_a_ledger_comes_back_as_it_was_written(ledgers: LedgerStore) -> None:
    content = bytes(range(256))
    assert await ledgers.read("one") is None
    assert await ledgers.write("one", content, None)

    kept = await _there(ledgers, "one")

    assert (kept.content, kept.sure) == (content, True)
    assert await ledgers.names() == {"one"}
    assert await ledgers.read("two") is None


async def test_of_two_who_write_at_once_one_loses_and_reads_again(ledgers: LedgerStore) -> None:
    assert await ledgers.write("one", b"first", None)
    seen = await _there(ledgers, "one")
    assert await ledgers.write("one", b"mine", seen)
    assert not await ledgers.write("one", b"theirs", seen)
    assert not await ledgers.write("one", b"theirs", None)

    kept = await _there(ledgers, "one")

    assert kept.content == b"mine"
    assert await ledgers.write("one", b"theirs, then", kept)


async def test_a_content_that_was_there_before_is_another_writing(ledgers: LedgerStore) -> None:
    await ledgers.write("one", b"a", None)
    first = await _there(ledgers, "one")
    await ledgers.write("one", b"b", first)
    await ledgers.write("one", b"a", await _there(ledgers, "one"))
    assert not await ledgers.write("one", b"c", first)


async def test_a_ledger_that_was_dropped_is_a_new_one_next_time(ledgers: LedgerStore) -> None:
    await ledgers.write("one", b"a", None)
    first = await _there(ledgers, "one")
    await ledgers.write("one", b"b", first)
    assert not await ledgers.drop("one", first)
    assert await ledgers.drop("one", await _there(ledgers, "one"))
    assert await ledgers.read("one") is None
    assert await ledgers.names() == set()
    assert not await ledgers.write("one", b"late", first)
    assert await ledgers.write("one", b"new", None)


async def test_many_writers_lose_nothing(ledgers: LedgerStore) -> None:
    await ledgers.write("one", b"0", None)

    async def count() -> None:
        for _ in range(10):
            while True:
                kept = await _there(ledgers, "one")
                if await ledgers.write("one", b"%d" % (int(kept.content) + 1), kept):
                    break

    await asyncio.gather(*(count() for _ in range(5)))
    assert (await _there(ledgers, "one")).content == b"50"


async def test_after_a_restart_of_redis_no_ledger_is_sure(server: Server) -> None:
    store = RedisLedgerStore(server.url)
    await store.write("one", b"a", None)
    before = await _there(store, "one")
    server.save()
    server.stop()
    with pytest.raises(StoreUnavailable):
        await store.read("one")
    server.start()

    kept = await _there(store, "one")
    assert (kept.content, kept.sure) == (b"a", False)
    assert not await store.write("one", b"by what was read before", before)
    assert not await store.drop("one", before)
    assert await store.write("one", b"read anew", kept)
    assert (await _there(store, "one")).sure
    await store.close()


async def test_a_writing_that_was_sent_twice_counts_once(
    redis_ledgers: RedisLedgerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it happens when the connection breaks before the answer: redis-py sends once more."""
    await redis_ledgers.write("one", b"a", None)
    run = redis_ledgers._run

    async def twice(name: str, *words: bytes) -> object:
        await run(name, *words)
        return await run(name, *words)

    monkeypatch.setattr(redis_ledgers, "_run", twice)
    assert await redis_ledgers.write("one", b"b", await _there(redis_ledgers, "one"))
    assert (await _there(redis_ledgers, "one")).content == b"b"
