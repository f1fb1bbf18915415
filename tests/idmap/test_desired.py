"""Desired state, and who may write it: one suite over all stores."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import redis

from idmap.desired import CONFIRMED, Desired, DesiredStore, NotLeading, State, Status
from idmap.memory_desired import MemoryDesiredStore
from idmap.redis_desired import RedisDesiredStore
from idmap.sites import SiteKey
from idmap.store import StoreUnavailable
from tests.idmap.worlds import Server

ONE, TWO = "0f0e0d0c-0b0a-4908-8706-050403020100", "1f0e0d0c-0b0a-4908-8706-050403020100"
SPEC = {"name": "Größe \N{SNOWMAN}\0", "routes": [{"nexthop": "fd00::1"}], "mtu": None, "up": True}
NET = Desired(ONE, "network", "a" * 32, "paris", frozenset({"paris", "tokyo"}), SPEC)
READY = Status(State.READY, 2, 2, "local", "", 0, 0, 12.5)
LONG = 60.0
KEYS = [SiteKey.of(name) for name in ("paris", "tokyo")]


@pytest.fixture
async def redis_desired(redis_url: str) -> AsyncIterator[RedisDesiredStore]:
    store = RedisDesiredStore(redis_url, KEYS)
    yield store
    await store.close()


@pytest.fixture(params=["memory", "redis"])
def desired(request: pytest.FixtureRequest) -> DesiredStore:
    if request.param == "memory":
        return MemoryDesiredStore()
    found: DesiredStore = request.getfixturevalue("redis_desired")
    return found


async def _word(store: DesiredStore, site: str = "tokyo") -> str:
    """The fence of a leader that has had its turn."""
    async with store.lead(site, LONG) as lead:
        assert lead is not None
        return lead.fence


async def test_an_entry_comes_back_as_it_was_written(desired: DesiredStore) -> None:
    sets = {name: frozenset({name}) for name in ("unread", "drained", "gone")}
    new = replace(NET, generation=3, deleted=True, changing=1.5, quarantined="alone", **sets)
    written = await desired.put(new)
    assert written == replace(new, version=1)
    assert await desired.all() == [written]
    assert await desired.get([ONE, TWO]) == {ONE: written}
    assert await desired.get([]) == {}


async def test_entries_come_in_the_order_of_their_ids(desired: DesiredStore) -> None:
    for gid in (TWO, ONE):
        await desired.put(replace(NET, global_id=gid))
    assert [each.global_id for each in await desired.all()] == [ONE, TWO]


async def test_who_names_an_id_is_found_by_it(desired: DesiredStore) -> None:
    a, b, c = (f"{n}a0e0d0c-0b0a-4908-8706-050403020100" for n in "123")
    rule = {"security_group_id": ONE, "remote_group_id": ONE, "tags": [], "of": {TWO: {"kbps": 1}}}
    both = await desired.put(replace(NET, global_id=b, spec=rule))
    one = await desired.put(replace(NET, global_id=a, spec={"network_id": ONE, "name": a}))
    await desired.put(replace(NET, global_id=c))
    assert both is not None
    assert one is not None

    assert await desired.naming([ONE]) == [one, both], "in the order of their IDs"
    assert await desired.naming([ONE, TWO, c]) == [one, both]
    assert await desired.naming([TWO]) == [both]
    assert await desired.naming([a]) == [], "itself"
    assert await desired.naming([]) == []

    moved = await desired.put(replace(both, spec={"network_id": TWO}))
    assert moved is not None
    assert await desired.naming([ONE]) == [one]
    assert await desired.naming([TWO]) == [moved]
    assert await desired.drop(moved)
    assert await desired.naming([TWO]) == []
    assert await desired.drop(one)
    again = await desired.put(replace(NET, global_id=a, spec={"network_id": ONE}))
    assert await desired.naming([ONE]) == [again]


async def test_only_who_knows_what_is_there_writes(desired: DesiredStore) -> None:
    first = await desired.put(NET)
    assert first is not None
    assert await desired.put(NET) is None
    second = await desired.put(replace(first, generation=2))
    assert second is not None
    assert await desired.put(replace(first, generation=7)) is None
    assert not await desired.drop(first)
    assert (await desired.all())[0].generation == 2
    assert await desired.drop(second)
    assert await desired.all() == []
    assert not await desired.drop(second)


async def test_what_was_dropped_is_not_written_again_by_who_does_not_know(
    desired: DesiredStore,
) -> None:
    first = await desired.put(NET)
    assert first is not None
    await desired.drop(first)
    assert await desired.put(replace(first, generation=2)) is None
    assert await desired.all() == []


async def test_of_many_writers_at_once_each_builds_on_the_last(desired: DesiredStore) -> None:
    await desired.put(NET)

    async def add(site: str) -> None:
        while True:
            known = (await desired.get([ONE]))[ONE]
            await asyncio.sleep(0)
            if await desired.put(replace(known, sites=known.sites | {site})):
                return

    await asyncio.gather(*(add(f"site-{n}") for n in range(10)))
    assert len((await desired.all())[0].sites) == 12


async def test_statuses_are_those_of_one_site(desired: DesiredStore) -> None:
    word = await _word(desired)
    odd = replace(
        READY, state=State.ERROR, error="ça ne va pas \N{SNOWMAN}", attempts=3, next_try=9.5
    )
    await desired.put_statuses("tokyo", {ONE: READY, TWO: odd}, word)
    assert await desired.statuses("tokyo") == {ONE: READY, TWO: odd}
    assert await desired.statuses("paris") == {}
    await desired.put_statuses("tokyo", {ONE: None}, word)
    await desired.put_statuses("tokyo", {}, word)
    assert await desired.statuses("tokyo") == {TWO: odd}


async def test_what_an_earlier_leader_writes_is_refused(desired: DesiredStore) -> None:
    old, new = await _word(desired), await _word(desired)
    assert old != new
    await desired.put_statuses("tokyo", {ONE: READY}, new)
    with pytest.raises(NotLeading):
        await desired.put_statuses("tokyo", {ONE: None}, old)
    with pytest.raises(NotLeading):
        await desired.publish("tokyo", "vlans", b"[]", old)
    assert await desired.statuses("tokyo") == {ONE: READY}
    assert await desired.published("vlans") == {}


async def test_a_leader_of_one_site_is_none_of_another(desired: DesiredStore) -> None:
    await _word(desired, "paris")
    word = await _word(desired, "tokyo")
    with pytest.raises(NotLeading):
        await desired.put_statuses("paris", {ONE: READY}, word)


async def test_there_is_one_leader(desired: DesiredStore) -> None:
    assert not await desired.led("tokyo")
    async with desired.lead("tokyo", LONG) as first, desired.lead("tokyo", LONG) as second:
        assert first is not None
        assert first.held
        assert second is None
        assert await desired.led("tokyo")
        async with desired.lead("paris", LONG) as other:
            assert other is not None
    assert not await desired.led("tokyo")
    async with desired.lead("tokyo", LONG) as third:
        assert third is not None


async def test_who_asks_in_vain_takes_nothing_from_the_leader(desired: DesiredStore) -> None:
    async with desired.lead("tokyo", LONG) as first:
        assert first is not None
        async with desired.lead("tokyo", LONG):
            pass
        await desired.put_statuses("tokyo", {ONE: READY}, first.fence)
        assert await desired.led("tokyo")


async def test_a_leader_stays_one_for_longer_than_its_time(desired: DesiredStore) -> None:
    async with desired.lead("tokyo", 0.3) as lead:
        assert lead is not None
        await asyncio.sleep(0.7)
        assert lead.held
        assert await desired.led("tokyo")


async def test_a_leader_that_stands_still_is_none(desired: DesiredStore) -> None:
    async with desired.lead("tokyo", 0.2) as frozen:
        assert frozen is not None
        time.sleep(0.4)  # noqa: ASYNC251 - the whole process stands still, and nothing is renewed
        assert not frozen.held
        async with desired.lead("tokyo", LONG) as next_one:
            assert next_one is not None
            await asyncio.sleep(0.3)
            assert not frozen.held
            with pytest.raises(NotLeading):
                await desired.put_statuses("tokyo", {ONE: READY}, frozen.fence)
            await desired.put_statuses("tokyo", {ONE: READY}, next_one.fence)
    assert not await desired.led("tokyo")


async def test_the_end_of_an_old_leader_is_not_that_of_the_new_one(desired: DesiredStore) -> None:
    first = desired.lead("tokyo", 0.1)
    assert await first.__aenter__() is not None
    time.sleep(0.2)  # noqa: ASYNC251 - as above
    async with desired.lead("tokyo", LONG) as second:
        assert second is not None
        await first.__aexit__(None, None, None)
        assert await desired.led("tokyo")
        assert second.held


async def test_what_is_told_is_news_once(desired: DesiredStore) -> None:
    word = await _word(desired)
    assert await desired.publish("tokyo", "vlans", b"[1]", word)
    assert not await desired.publish("tokyo", "vlans", b"[1]", word)
    assert await desired.publish("tokyo", "vlans", b"[1,2]", word)
    assert await desired.publish("paris", "vlans", b"[1,2]", await _word(desired, "paris"))
    assert await desired.published("vlans") == {"tokyo": b"[1,2]", "paris": b"[1,2]"}
    assert await desired.published("other") == {}


async def test_a_plan_is_confirmed_by_who_does_not_lead(desired: DesiredStore) -> None:
    await desired.confirm("tokyo", "4f1c0a9b2d3e")
    assert await desired.published(CONFIRMED) == {"tokyo": b"4f1c0a9b2d3e"}


async def test_a_wake_is_for_these_sites(desired: DesiredStore) -> None:
    tokyo, paris = [await desired.woken(site, "", 0) for site in ("tokyo", "paris")]
    await desired.wake(["tokyo"])
    assert await desired.woken("tokyo", tokyo, LONG) != tokyo
    assert await desired.woken("paris", paris, 0.05) == paris


async def test_a_wake_during_a_round_is_not_lost(desired: DesiredStore) -> None:
    last = await desired.woken("tokyo", "", 0)
    await desired.wake(["tokyo"])
    first = await desired.woken("tokyo", last, LONG)
    for _ in range(3):
        await desired.wake(["tokyo"])  # while a round runs
    second = await desired.woken("tokyo", first, LONG)
    assert second not in (last, first)
    assert await desired.woken("tokyo", second, 0.05) == second, "three wakes are one"


async def test_many_wakes_are_as_good_as_one(desired: DesiredStore) -> None:
    last = await desired.woken("tokyo", "", 0)
    for _ in range(200):
        await desired.wake(["tokyo"])
    newest = await desired.woken("tokyo", last, LONG)
    assert await desired.woken("tokyo", newest, 0.05) == newest


async def test_who_waits_is_woken(desired: DesiredStore) -> None:
    last = await desired.woken("tokyo", "", 0)
    waiting = asyncio.create_task(desired.woken("tokyo", last, LONG))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await desired.wake(["paris", "tokyo"])
    assert await asyncio.wait_for(waiting, 10) != last


async def test_after_a_loss_of_everything(redis_desired: RedisDesiredStore, redis_url: str) -> None:
    store = redis_desired
    written = await store.put(NET)
    assert written is not None
    before = await store.woken("tokyo", "", 0)
    async with store.lead("tokyo", 0.6) as lead:
        assert lead is not None
        for _ in range(3):
            await store.wake(["tokyo"])
        seen = await store.woken("tokyo", before, LONG)
        with redis.Redis.from_url(redis_url) as client:
            client.flushall()
        assert await store.all() == []
        assert await store.put(replace(written, generation=2)) is None, "nothing is resurrected"
        with pytest.raises(NotLeading):
            await store.put_statuses("tokyo", {ONE: READY}, lead.fence)
        await asyncio.sleep(0.5)
        assert not lead.held, "it finds out when it renews"
        async with store.lead("tokyo", LONG) as heir:
            assert heir is not None
            await store.put_statuses("tokyo", {ONE: READY}, heir.fence)
        # The stream began anew, with IDs by the clock: who slept through all of it is still woken.
        await store.wake(["tokyo"])
        assert await store.woken("tokyo", seen, 5) != seen


async def test_without_redis(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = Server(tmp_path_factory.mktemp("away"))
    server.start()
    store = RedisDesiredStore(server.url, KEYS)
    await store.put(NET)
    server.stop()
    with pytest.raises(StoreUnavailable):
        await store.all()
    with pytest.raises(StoreUnavailable):
        async with store.lead("tokyo", LONG):
            pass
    with pytest.raises(StoreUnavailable):
        await store.woken("tokyo", "0-0", 1)
    await store.close()


async def test_a_new_name_changes_nothing_of_what_is_kept(redis_url: str) -> None:
    old = RedisDesiredStore(redis_url, KEYS)
    tokyo = KEYS[1]
    new = RedisDesiredStore(redis_url, [KEYS[0], SiteKey("edo", tokyo.namespace, tokyo.number)])
    sets = {name: frozenset({"tokyo", "rome"}) for name in ("unread", "drained", "gone")}
    written = await old.put(replace(NET, anchor="tokyo", **sets))
    assert written is not None
    seen = await new.woken("edo", "", 0)
    async with old.lead("tokyo", LONG) as lead:
        assert lead is not None
        await old.put_statuses("tokyo", {ONE: READY}, lead.fence)
        assert await old.publish("tokyo", "ports", b"{}", lead.fence)
        assert await new.led("edo")
        async with new.lead("edo", LONG) as other:
            assert other is None, "there is one of this site, whatever he calls it"
        assert not await new.publish("edo", "ports", b"{}", lead.fence), "it is no news"
    await old.wake(["tokyo"])
    await old.confirm("tokyo", "4f1c")
    assert await new.woken("edo", seen, 5) != seen
    assert await new.statuses("edo") == {ONE: READY}
    assert await new.published("ports") == {"edo": b"{}"}
    assert await new.published(CONFIRMED) == {"edo": b"4f1c"}
    assert await new.ever_led(["paris", "edo"]) == {"edo"}
    # Of a site that it does not know it loses nothing.
    sets = {name: frozenset({"edo", "rome"}) for name in sets}
    renamed = replace(written, anchor="edo", sites=frozenset({"paris", "edo"}), **sets)
    assert await new.all() == [renamed]
    again = await new.put(replace(renamed, generation=2))
    assert again is not None
    assert (await old.all()) == [replace(written, generation=2, version=again.version)]
    await old.close()
    await new.close()


async def test_of_a_site_that_has_left_nothing_stays_and_all_of_the_others(
    desired: DesiredStore,
) -> None:
    for site in ("paris", "tokyo"):
        async with desired.lead(site, LONG) as lead:
            assert lead is not None
            await desired.put_statuses(site, {ONE: READY}, lead.fence)
            for name in ("ports", "vlans"):
                await desired.publish(site, name, b"[]", lead.fence)
    await desired.forget("tokyo")
    await desired.forget("tokyo")
    assert await desired.statuses("tokyo") == {}
    assert await desired.statuses("paris") == {ONE: READY}
    assert [await desired.published(name) for name in ("ports", "vlans")] == [{"paris": b"[]"}] * 2
    assert await desired.ever_led(["paris", "tokyo"]) == {"paris"}
