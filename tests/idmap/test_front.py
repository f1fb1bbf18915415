"""What a gateway sees of the ID map: warm, cold, lost, down and back again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from idmap import front
from idmap.front import IdMap
from idmap.ids import global_uuid
from idmap.redis_store import RedisIdStore
from idmap.store import IdStore, Location, Pin, StoreUnavailable
from tests.idmap.worlds import PARIS, SITES, STAMPS, RedisWorld, Server, World, eventually

IMAGE = Pin("a" * 32, "image", "equal", {"paris": "b" * 32, "tokyo": "c" * 32})
OTHER = Pin("d" * 32, "image", "equal", {"paris": "e" * 32})


@asynccontextmanager
async def running(store: IdStore, poll: float = 60) -> AsyncIterator[IdMap]:
    idmap = IdMap(store, poll=poll)
    await idmap.start()
    try:
        yield idmap
    finally:
        await idmap.stop()


def server(local_id: str) -> str:
    """The global ID of a server in Paris."""
    return global_uuid(PARIS.namespace, local_id)


async def test_what_is_known_is_not_asked_again(redis_world: RedisWorld) -> None:
    idmap = IdMap(redis_world.store())
    locals_ = [str(uuid4()) for _ in range(100)]
    asked = [server(local) for local in locals_] + locals_
    await idmap.register("paris", locals_)
    first = await idmap.locate(asked)
    before = redis_world.calls_of("evalsha")

    await idmap.register("paris", locals_)
    again = await idmap.locate([one.upper() for one in asked])

    assert redis_world.calls_of("evalsha") == before
    assert len(first.found) == 200
    assert again.found == {one.upper(): place for one, place in first.found.items()}


async def test_only_new_ids_are_written_and_in_one_trip(redis_world: RedisWorld) -> None:
    idmap = IdMap(redis_world.store())
    old, new = [[str(uuid4()) for _ in range(50)] for _ in range(2)]
    await idmap.register("paris", old)
    before = redis_world.calls_of("evalsha"), redis_world.calls_of("hset")

    await idmap.register("paris", old + new)

    after = redis_world.calls_of("evalsha"), redis_world.calls_of("hset")
    assert after == (before[0] + 1, before[1] + 50)


async def test_an_empty_question_has_an_answer(world: World) -> None:
    idmap = IdMap(world.store())

    await idmap.register("paris", [])

    assert (await idmap.locate([])).found == {}


async def test_more_ids_than_are_kept(world: World) -> None:
    idmap = IdMap(world.store(), located=10, registered=10)
    locals_ = [str(uuid4()) for _ in range(50)]
    for _ in range(2):
        await idmap.register("paris", locals_)

        found = (await idmap.locate([*map(server, locals_[:5]), *map(server, locals_)])).found

        assert found == {server(local): Location("paris", local) for local in locals_}


async def test_an_unknown_id_is_asked_again_while_the_map_is_incomplete(world: World) -> None:
    idmap, local = IdMap(world.store()), str(uuid4())
    assert not (await idmap.locate([server(local)])).complete

    await world.store().register("paris", [local])

    assert server(local) in (await idmap.locate([server(local)])).found


async def test_an_unknown_id_is_remembered_for_a_moment(
    redis_world: RedisWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "UNKNOWN_SECONDS", 0.5)
    idmap, store, local = IdMap(redis_world.store()), redis_world.store(), str(uuid4())
    await store.mark_complete(STAMPS)
    lookup = await idmap.locate([local])
    assert (lookup.found, lookup.complete) == ({}, True)
    before = redis_world.calls_of("evalsha")
    assert (await idmap.locate([local])).complete
    assert redis_world.calls_of("evalsha") <= before + 1

    await store.register("paris", [local])

    async with asyncio.timeout(20):
        while not (await idmap.locate([local])).found:  # noqa: ASYNC110 - time is the event
            await asyncio.sleep(0.05)


async def test_what_we_register_ourselves_is_known_at_once(world: World) -> None:
    idmap, local = IdMap(world.store()), str(uuid4())
    await world.store().mark_complete(STAMPS)
    assert not (await idmap.locate([local])).found

    await idmap.register("paris", [local])

    assert (await idmap.locate([local])).found == {local: Location("paris", local)}


async def test_a_forgotten_location_is_asked_again(redis_world: RedisWorld) -> None:
    idmap, local = IdMap(redis_world.store()), str(uuid4())
    await idmap.register("paris", [local])
    await idmap.locate([server(local)])
    before = redis_world.calls_of("evalsha")

    idmap.forget(server(local).upper())
    await idmap.locate([server(local)])

    assert redis_world.calls_of("evalsha") == before + 1
    idmap.forget("never seen")


async def test_pins_go_before_computed_ids(world: World) -> None:
    store = world.store()
    await store.register("paris", ["b" * 32])
    await store.put_pins([IMAGE])
    idmap = IdMap(store)

    lookup = await idmap.locate(["A" * 32, "b" * 32])

    assert lookup.pinned == {"A" * 32: IMAGE}
    assert lookup.found == {"b" * 32: Location("paris", "b" * 32)}
    assert idmap.pins.global_of("image", "tokyo", "c" * 32) == "a" * 32


async def test_the_pins_of_one_process_reach_all_others(world: World) -> None:
    async with running(world.store()) as first, running(world.store()) as second:
        await world.store().put_pins([IMAGE])
        await eventually(lambda: [*first.pins] == [*second.pins] == [IMAGE])

        await first.store.put_pins([OTHER], replace_origin="equal")
        await eventually(lambda: [*first.pins] == [*second.pins] == [OTHER])


async def test_a_lost_message_is_made_up_for_by_looking(world: World) -> None:
    store = world.store()
    idmap = IdMap(store, poll=0.05)
    idmap._listen = asyncio.Event().wait  # type: ignore[assignment,method-assign]
    await idmap.start()
    await store.put_pins([IMAGE])

    await eventually(lambda: [*idmap.pins] == [IMAGE])
    await idmap.stop()


async def test_any_round_trip_brings_new_pins(world: World) -> None:
    idmap = IdMap(world.store())
    await idmap.refresh()
    await world.store().put_pins([IMAGE])

    assert (await idmap.locate([str(uuid4()), "a" * 32])).pinned == {"a" * 32: IMAGE}


async def test_after_a_loss_all_that_is_seen_is_written_again(world: World) -> None:
    idmap, other = IdMap(world.store()), world.store()
    local, known = str(uuid4()), str(uuid4())
    await idmap.register("paris", [local, known])
    await idmap.store.mark_complete(STAMPS)
    assert (await idmap.locate([server(known), local])).complete

    world.lose_everything()
    lookup = await idmap.locate([server(known), str(uuid4())])
    await idmap.register("paris", [local])

    assert not lookup.complete
    assert not idmap.complete
    assert await idmap.missing_stamps() == set(STAMPS)
    # A fact stays a fact.
    assert lookup.found == {server(known): Location("paris", known)}
    assert (await other.locate([local])).found == {local: Location("paris", local)}


async def test_a_loss_noticed_while_writing_is_made_good(world: World) -> None:
    idmap = IdMap(world.store())
    first, second = str(uuid4()), str(uuid4())
    await idmap.register("paris", [first])

    world.lose_everything()
    await idmap.register("paris", [second])
    await idmap.register("paris", [first, second])

    assert len((await world.store().locate([first, second])).found) == 2


async def test_lost_pins_stay_in_force_until_the_map_is_complete(world: World) -> None:
    store = world.store()
    await store.put_pins([IMAGE, OTHER])
    idmap = IdMap(store)
    await idmap.refresh()

    world.lose_everything()
    await idmap.refresh()
    assert {*map(repr, idmap.pins)} == {repr(IMAGE), repr(OTHER)}
    assert list(await store.pins()) == []

    # What the rebuild finds goes first ...
    moved = Pin("a" * 32, "image", "moved", {"tokyo": "f" * 32})
    await store.put_pins([moved])
    await idmap.refresh()
    assert idmap.pins.pin(None, "a" * 32) == moved
    assert idmap.pins.pin(None, "d" * 32) == OTHER

    # ... and in the end it is all there is.
    await store.mark_complete(STAMPS)
    await idmap.refresh()
    assert list(idmap.pins) == [moved]


async def test_pins_that_were_never_read_are_not_taken_for_none() -> None:
    store = RedisIdStore("unix:///nowhere", SITES, STAMPS)
    async with running(store) as idmap:
        with pytest.raises(StoreUnavailable):
            _ = idmap.pins
        with pytest.raises(StoreUnavailable):
            await idmap.locate([str(uuid4())])
        with pytest.raises(StoreUnavailable):
            await idmap.register("paris", ["x"])


async def test_many_requests_share_one_front(world: World) -> None:
    async with running(world.store()) as idmap:

        async def request() -> None:
            locals_ = [str(uuid4()) for _ in range(3)]
            await idmap.register("paris", locals_)
            found = (await idmap.locate([server(local) for local in locals_])).found
            assert [place.local_id for place in found.values()] == locals_

        async def change_pins() -> None:
            await asyncio.sleep(0)
            await idmap.store.put_pins([IMAGE])

        async with asyncio.TaskGroup() as tasks:
            for _ in range(100):
                tasks.create_task(request())
            tasks.create_task(change_pins())


async def test_redis_may_go_and_come_back(server: Server) -> None:
    store, writer = (RedisIdStore(server.url, SITES, STAMPS) for _ in range(2))
    known, unseen = str(uuid4()), str(uuid4())
    async with running(store) as idmap:
        await store.put_pins([IMAGE])
        await eventually(lambda: [*idmap.pins] == [IMAGE])
        await idmap.register("paris", [known, unseen])
        await idmap.locate([known])
        await store.mark_complete(STAMPS)

        server.stop()
        # What is known needs no Redis; what is not must not be called unknown.
        assert known in (await idmap.locate([known, "a" * 32])).found
        with pytest.raises(StoreUnavailable):
            await idmap.locate([unseen])
        with pytest.raises(StoreUnavailable):
            await idmap.register("paris", [str(uuid4())])

        server.start()
        assert not (await idmap.locate([unseen])).complete
        await idmap.register("paris", [unseen])
        assert (await idmap.locate([unseen])).found == {unseen: Location("paris", unseen)}
        assert [*idmap.pins] == [IMAGE]

        # The listener is back too: nobody asks anything here.
        await writer.put_pins([OTHER])
        await eventually(lambda: idmap.pins.pin(None, "d" * 32) == OTHER)
    await store.close()
    await writer.close()


async def test_a_front_started_without_redis_finds_it_later(server: Server) -> None:
    server.stop()
    store = RedisIdStore(server.url, SITES, STAMPS)
    async with running(store) as idmap:
        server.start()
        await store.put_pins([IMAGE])
        await eventually(lambda: idmap._pins is not None and [*idmap.pins] == [IMAGE])
    await store.close()
