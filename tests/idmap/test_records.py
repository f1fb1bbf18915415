"""What is remembered of objects: one suite over all stores."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from idmap.memory_records import MemoryRecordStore
from idmap.records import CLOCKS_SECONDS, EVERYBODYS, Record, RecordStore
from idmap.redis_records import RedisRecordStore
from idmap.store import StoreUnavailable
from tests.idmap.worlds import SITES, Server

ONE, TWO, THREE = (f"0f0e0d0c-0b0a-4908-8706-05040302010{n}" for n in range(3))
ALPHA, BETA = "a" * 32, "b" * 32


@pytest.fixture
async def redis_records(redis_url: str) -> AsyncIterator[RedisRecordStore]:
    store = RedisRecordStore(redis_url, SITES)
    yield store
    await store.close()


@pytest.fixture(params=["memory", "redis"])
def records(request: pytest.FixtureRequest) -> RecordStore:
    if request.param == "memory":
        return MemoryRecordStore(site.name for site in SITES)
    found: RecordStore = request.getfixturevalue("redis_records")
    return found


def _record(local_id: str, owner: str = ALPHA, content: bytes = b"x", seen: int = 10) -> Record:
    return Record(local_id, owner, content, seen)


async def _ids(records: RecordStore, owners: list[str] | None, site: str = "paris") -> set[str]:
    return {each.local_id for each in await records.read(site, "server", owners)}


async def test_a_record_comes_back_as_it_was_written(records: RecordStore) -> None:
    written = [_record(ONE, content=bytes(range(256))), _record("flavor \N{SNOWMAN}", BETA)]
    await records.write("paris", "server", written)
    assert sorted(await records.read("paris", "server", None), key=lambda r: r.owner) == written


@pytest.mark.parametrize(
    "local_id", ["1", "a", "sixteen-letters!", "x" * 300, ONE.upper(), "f" * 32]
)
async def test_any_id_comes_back_as_it_is_spelt(records: RecordStore, local_id: str) -> None:
    await records.write("paris", "server", [_record(local_id)])
    assert await _ids(records, [ALPHA]) == {local_id}
    assert await records.find("paris", "server", local_id, [ALPHA]) == _record(local_id)


async def test_owners_see_their_own(records: RecordStore) -> None:
    mine, theirs, everybodys = _record(ONE), _record(TWO, BETA), _record(THREE, EVERYBODYS)
    await records.write("paris", "server", [mine, theirs, everybodys])
    assert await _ids(records, [ALPHA, EVERYBODYS]) == {ONE, THREE}
    assert await _ids(records, None) == {ONE, TWO, THREE}
    assert await records.find("paris", "server", TWO, [ALPHA, EVERYBODYS]) is None
    assert await records.find("paris", "server", TWO, None) == theirs


async def test_sites_and_kinds_are_apart(records: RecordStore) -> None:
    await records.write("paris", "server", [_record(ONE)])
    assert await _ids(records, None, site="tokyo") == set()
    assert await records.read("paris", "port", None) == []
    with pytest.raises(KeyError):
        await records.read("atlantis", "server", [ALPHA])


async def test_a_new_record_takes_the_place_of_the_old_one(records: RecordStore) -> None:
    await records.write("paris", "server", [_record(ONE, content=b"old", seen=10)])
    await records.write("paris", "server", [_record(ONE, content=b"new", seen=20)])
    assert await records.read("paris", "server", [ALPHA]) == [_record(ONE, content=b"new", seen=20)]


async def test_what_changed_hands_is_there_once(records: RecordStore) -> None:
    await records.write("paris", "server", [_record(ONE, ALPHA, seen=10)])
    await records.write("paris", "server", [_record(ONE, EVERYBODYS, seen=20)])
    assert await records.read("paris", "server", None) == [_record(ONE, EVERYBODYS, seen=20)]


async def test_what_is_gone_is_forgotten_by_its_owner_only(records: RecordStore) -> None:
    await records.write("paris", "server", [_record(ONE), _record(TWO, BETA)])
    await records.drop("paris", "server", ALPHA, [ONE, TWO])
    assert await _ids(records, None) == {TWO}


async def test_a_reading_forgets_what_it_did_not_see(records: RecordStore) -> None:
    await records.write("paris", "server", [_record(ONE, seen=10), _record(TWO, BETA, seen=10)])
    await records.write("paris", "server", [_record(ONE, seen=90), _record(THREE, seen=91)])
    assert await records.readings("paris") == {}
    await records.finish("paris", "server", 90)
    assert await _ids(records, None) == {ONE, THREE}
    assert await records.readings("paris") == {"server": 90}
    assert await records.readings("tokyo") == {}


async def test_what_a_process_whose_clock_is_behind_has_seen_survives_a_reading(
    records: RecordStore,
) -> None:
    began = 1000
    behind = [_record(ONE, seen=began - CLOCKS_SECONDS), _record(TWO, BETA, seen=began - 1)]
    await records.write("paris", "server", [*behind, _record(THREE, seen=900)])
    await records.finish("paris", "server", began)
    assert await _ids(records, None) == {ONE, TWO}


async def test_a_reading_of_nothing_is_a_reading(records: RecordStore) -> None:
    await records.finish("paris", "server", 20)
    assert await records.readings("paris") == {"server": 20}


async def test_a_turn_is_one_callers_until_its_time_is_over(records: RecordStore) -> None:
    assert await records.turn("paris", 0.2)
    assert not await records.turn("paris", 0.2)
    assert await records.turn("tokyo", 0.2)
    await asyncio.sleep(0.3)
    assert await records.turn("paris", 0.2)


async def test_a_redis_that_is_away_is_an_error_and_no_answer(server: Server) -> None:
    store = RedisRecordStore(server.url, SITES)
    await store.write("paris", "server", [_record(ONE)])
    server.stop()
    with pytest.raises(StoreUnavailable):
        await store.read("paris", "server", [ALPHA])
    with pytest.raises(StoreUnavailable):
        await store.write("paris", "server", [_record(TWO)])
    await store.close()
