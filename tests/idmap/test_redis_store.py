"""What only Redis has: bytes, restarts, hangs, other processes with another configuration."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idmap.ids import global_uuid
from idmap.memory import MemoryIdStore
from idmap.redis_store import RedisIdStore, connect
from idmap.sites import SiteKey
from idmap.store import IdStore, Location, Pin, StoreUnavailable
from tests.idmap.worlds import PARIS, SITES, STAMPS, TOKYO, RedisWorld, Server, eventually


async def test_one_call_is_one_round_trip(redis_world: RedisWorld) -> None:
    store = redis_world.store()
    locals_ = [str(uuid4()) for _ in range(1000)]
    await store.register("paris", locals_)
    await store.locate(locals_)
    before = redis_world.calls_of("evalsha")

    await store.register("paris", locals_)
    await store.locate([*locals_[:500], *(str(uuid4()) for _ in range(500))])

    assert redis_world.calls_of("evalsha") == before + 2


async def test_a_full_bucket_stays_compact(redis_world: RedisWorld) -> None:
    await redis_world.store().state()
    with redis.Redis.from_url(redis_world.url) as client:
        client.hset(
            "bucket", mapping={random.randbytes(14): random.randbytes(18) for _ in range(512)}
        )

        assert client.object("encoding", "bucket") in (b"listpack", b"ziplist")


async def test_another_order_of_sites_changes_nothing(redis_world: RedisWorld) -> None:
    local = str(uuid4())
    await redis_world.store().register("tokyo", [local])
    await redis_world.store().mark_complete(STAMPS)
    osaka = SiteKey.of("osaka")

    other = redis_world.store((TOKYO, osaka, PARIS), STAMPS)
    lookup = await other.locate([local, global_uuid(TOKYO.namespace, local)])

    assert set(lookup.found.values()) == {Location("tokyo", local)}
    assert lookup.complete


async def test_a_renamed_site_keeps_its_ids_and_stamps(redis_world: RedisWorld) -> None:
    local = str(uuid4())
    await redis_world.store().register("tokyo", [local])
    await redis_world.store().mark_complete(STAMPS)
    edo = SiteKey("edo", TOKYO.namespace, TOKYO.number)

    lookup = await redis_world.store([edo], [("edo", "server")]).locate([local])

    assert lookup.found == {local: Location("edo", local)}
    assert lookup.complete


@pytest.mark.parametrize(
    "other",
    [
        SiteKey("osaka", uuid4(), TOKYO.number),
        SiteKey("tokyo", TOKYO.namespace, TOKYO.number % 999 + 1),
    ],
    ids=["number of a former site", "new number"],
)
async def test_a_place_is_believed_only_if_it_proves_right(
    redis_world: RedisWorld, other: SiteKey
) -> None:
    local = str(uuid4())
    await redis_world.store().register("tokyo", [local])
    await redis_world.store().mark_complete(STAMPS)

    store = redis_world.store([other], [(other.name, "server")])
    lookup = await store.locate([local, global_uuid(TOKYO.namespace, local)])

    assert (lookup.found, lookup.complete) == ({}, False)


async def test_two_processes_may_wait_for_different_stamps(redis_world: RedisWorld) -> None:
    old, new = redis_world.store(), redis_world.store(stamps=[*STAMPS, ("tokyo", "volume")])
    await old.mark_complete(STAMPS)

    assert (await old.state()).complete
    assert await new.missing_stamps() == {("tokyo", "volume")}


Step = tuple[str, str, list[str]]
few = st.lists(st.sampled_from([*"123", *(str(UUID(int=n)) for n in range(4)), UUID(int=2).hex]))
steps = st.tuples(
    st.sampled_from(["register", "locate", "lose"]), st.sampled_from(["paris", "tokyo"]), few
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(steps))
def test_redis_answers_as_memory_does(redis_url: str, story: list[Step]) -> None:
    async def play() -> None:
        world, memory = RedisWorld(redis_url), MemoryIdStore(SITES, STAMPS)
        world.lose_everything()
        store = world.store()
        try:
            await compare(world, store, memory)
        finally:
            await store.close()

    async def compare(world: RedisWorld, store: IdStore, memory: MemoryIdStore) -> None:
        for what, site, ids in story:
            if what == "lose":
                world.lose_everything()
                memory.lose_everything()
            elif what == "register":
                await store.register(site, ids)
                await memory.register(site, ids)
            else:
                asked = [*ids, *(global_uuid(key.namespace, one) for one in ids for key in SITES)]
                assert (await store.locate(asked)).found == (await memory.locate(asked)).found

    asyncio.run(play())


CALLS: dict[str, Callable[[RedisIdStore], Awaitable[object]]] = {
    "locate": lambda store: store.locate([str(uuid4())]),
    "register": lambda store: store.register("paris", ["x"]),
    "state": lambda store: store.state(),
    "pins": lambda store: store.pins(),
    "put_pins": lambda store: store.put_pins([Pin("1", "flavor", "equal", {})]),
    "changes": lambda store: anext(store.changes()),
    "mark_complete": lambda store: store.mark_complete(STAMPS),
    "missing_stamps": lambda store: store.missing_stamps(),
    "rebuild_lock": lambda store: store.rebuild_lock().__aenter__(),
    "documents": lambda store: store.documents("keypair", "alice"),
    "put_documents": lambda store: store.put_documents("keypair", "alice", {"a": b"b"}),
    "disclaim_document": lambda store: store.disclaim_document("keypair", "alice", "a", b"b"),
}


@pytest.mark.parametrize(
    "url", ["unix:///nowhere", "redis://127.0.0.1:1", "redis+sentinel://[::1]:1/m"]
)
@pytest.mark.parametrize("call", CALLS)
async def test_without_redis_every_call_says_unavailable(call: str, url: str) -> None:
    store = RedisIdStore(url, SITES, STAMPS)

    with pytest.raises(StoreUnavailable) as caught:
        await CALLS[call](store)

    assert caught.value.__cause__ is not None
    await store.close()


async def test_a_redis_that_hangs_is_unavailable_until_it_wakes(server: Server) -> None:
    store = RedisIdStore(server.url, SITES, STAMPS)
    local = str(uuid4())
    await store.register("paris", [local])

    with server.frozen(), pytest.raises(StoreUnavailable):
        await store.locate([local])

    assert (await store.locate([local])).found == {local: Location("paris", local)}
    await store.close()


async def test_a_restart_ends_the_epoch_though_the_data_are_there(server: Server) -> None:
    """Nobody knows whether the last writes were saved."""
    store = RedisIdStore(server.url, SITES, STAMPS)
    local = str(uuid4())
    await store.register("paris", [local])
    await store.mark_complete(STAMPS)
    before = await store.state()
    server.save()

    server.stop()
    with pytest.raises(StoreUnavailable):
        await store.locate([local])
    server.start()
    lookup = await store.locate([local])

    assert lookup.found == {local: Location("paris", local)}
    assert not lookup.complete
    assert lookup.state is not None
    assert lookup.state.epoch != before.epoch
    await store.close()


async def test_what_was_written_in_two_epochs_is_written_again(
    redis_world: RedisWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = redis_world.store()
    run, turns = store._run, iter([False, True])

    async def lose_before_the_second_chunk(*args: object) -> object:
        if next(turns, False):
            redis_world.lose_everything()
        return await run(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "_run", lose_before_the_second_chunk)
    locals_ = [str(uuid4()) for _ in range(1500)]
    await store.register("paris", locals_)

    assert (await store.locate(locals_)).found.keys() == set(locals_)


async def test_the_lock_of_a_holder_that_died_expires(redis_world: RedisWorld) -> None:
    with redis.Redis.from_url(redis_world.url) as client:
        client.lock("federator:rebuild", timeout=0.5).acquire()
    store = redis_world.store()

    async with asyncio.timeout(20):
        while True:
            async with store.rebuild_lock() as lease:
                if lease:
                    return
            await asyncio.sleep(0.02)


async def test_a_lease_is_renewed_while_it_is_held(redis_world: RedisWorld) -> None:
    async with redis_world.store().rebuild_lock(ttl=0.6) as lease:
        assert lease is not None
        expires = lease.expires
        await eventually(lambda: lease.expires > expires + 0.6)
        assert lease.held


async def test_who_lost_the_lock_can_see_it(redis_world: RedisWorld) -> None:
    async with redis_world.store().rebuild_lock(ttl=0.6) as lease:
        assert lease is not None
        redis_world.lose_everything()
        await eventually(lambda: not lease.held)


async def test_a_bad_bucket_is_an_error_and_not_unknown(redis_world: RedisWorld) -> None:
    asked = UUID(int=0)
    with redis.Redis.from_url(redis_world.url) as client:
        client.set(b"federator:b:\0\0", "of another program")

    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        await redis_world.store().locate([str(asked)])


def test_sentinel_urls_are_understood() -> None:
    client = connect("redis+sentinel://user:p%40ss@one:1,two:2,[::3]/service/4")
    pool = client.connection_pool

    known = [s.connection_pool.connection_kwargs for s in pool.sentinel_manager.sentinels]
    assert [(one["host"], one["port"]) for one in known] == [("one", 1), ("two", 2), ("::3", 26379)]
    assert pool.service_name == "service"
    assert {
        "username": "user",
        "password": "p@ss",
        "db": 4,
    }.items() <= pool.connection_kwargs.items()
