"""One suite for every store."""

import asyncio
from uuid import uuid4

import pytest

from idmap.ids import global_uuid
from idmap.store import IdStore, Location, Pin
from tests.idmap.worlds import PARIS, STAMPS, TOKYO, World


def uuids(count: int) -> list[str]:
    return [str(uuid4()) for _ in range(count)]


async def test_a_registered_id_is_found(store: IdStore) -> None:
    local = str(uuid4())
    await store.register("paris", [local])

    shown = global_uuid(PARIS.namespace, local)

    assert (await store.locate([shown])).found == {shown: Location("paris", local)}


async def test_a_local_uuid_is_an_alias(store: IdStore) -> None:
    local = str(uuid4())
    await store.register("tokyo", [local])

    assert (await store.locate([local])).found == {local: Location("tokyo", local)}


async def test_of_two_sites_with_one_local_uuid_the_first_is_found(store: IdStore) -> None:
    local = str(uuid4())
    await store.register("tokyo", [local])
    await store.register("paris", [local])
    tokyo = global_uuid(TOKYO.namespace, local)

    found = (await store.locate([local, tokyo])).found

    assert found == {local: Location("paris", local), tokyo: Location("tokyo", local)}


async def test_ids_are_answered_as_they_are_asked(store: IdStore) -> None:
    local = str(uuid4())
    await store.register("paris", [local])
    shown = global_uuid(PARIS.namespace, local)
    asked = [
        spelt for uuid in (shown, local) for spelt in (uuid, uuid.upper(), uuid.replace("-", ""))
    ]

    found = (await store.locate(asked)).found

    assert found == dict.fromkeys(asked, Location("paris", local))


async def test_a_local_id_comes_back_as_its_site_spells_it(store: IdStore) -> None:
    project, shouted = uuid4().hex, str(uuid4()).upper()
    await store.register("paris", [project, shouted])

    asked = [global_uuid(PARIS.namespace, project), global_uuid(PARIS.namespace, shouted)]
    found = (await store.locate(asked)).found

    assert [found[one].local_id for one in asked] == [project, shouted]


@pytest.mark.parametrize(
    "local", ["1", "m1.petit café ☕", "x" * 5000, "", "0" * 33, "a\0b\n", "\U0001d518" * 99]
)
async def test_local_ids_may_be_any_text(store: IdStore, local: str) -> None:
    await store.register("paris", [local])
    shown = global_uuid(PARIS.namespace, local)

    assert (await store.locate([shown])).found == {shown: Location("paris", local)}


async def test_what_is_no_uuid_is_never_found(store: IdStore) -> None:
    await store.register("paris", ["m1.tiny"])

    assert (await store.locate(["m1.tiny", "", "ü" * 32])).found == {}


async def test_nothing_asked_tells_the_state(store: IdStore) -> None:
    lookup = await store.locate([])

    assert (lookup.found, lookup.state) == ({}, await store.state())
    assert await store.register("paris", []) == lookup.state
    await store.put_pins([])
    assert await store.state() == lookup.state


async def test_ten_thousand_ids_in_one_call(store: IdStore) -> None:
    locals_ = uuids(10_000)
    await store.register("paris", iter(locals_))
    asked = {global_uuid(PARIS.namespace, local): Location("paris", local) for local in locals_}

    assert (await store.locate([*asked, *uuids(500)])).found == asked


async def test_a_site_nobody_told_of_is_an_error(store: IdStore) -> None:
    with pytest.raises(KeyError):
        await store.register("atlantis", uuids(1))


async def test_many_tasks_at_once(world: World) -> None:
    stores = [world.store() for _ in range(4)]

    async def write_and_read(turn: int) -> None:
        store, site = stores[turn % 4], (PARIS, TOKYO)[turn % 2]
        locals_ = uuids(5)
        await store.register(site.name, locals_)
        asked = [global_uuid(site.namespace, local) for local in locals_]
        found = (await stores[(turn + 1) % 4].locate([*asked, *uuids(2)])).found
        assert found == {a: Location(site.name, b) for a, b in zip(asked, locals_, strict=True)}

    async with asyncio.TaskGroup() as tasks:
        for turn in range(200):
            tasks.create_task(write_and_read(turn))


async def test_the_map_is_complete_when_all_stamps_are_set(world: World) -> None:
    store, other = world.store(), world.store()
    assert await store.missing_stamps() == set(STAMPS)

    assert await store.mark_complete(STAMPS[:2])
    assert await other.missing_stamps() == set(STAMPS[2:])
    assert not (await other.locate(uuids(1))).complete

    assert await other.mark_complete(STAMPS[2:])
    assert (await store.locate(uuids(1))).complete
    assert (await store.register("paris", uuids(1))).complete
    assert await store.missing_stamps() == set()


async def test_a_stamp_nobody_waits_for_completes_nothing(store: IdStore) -> None:
    await store.mark_complete([("tokyo", "volume")])

    assert await store.missing_stamps() == set(STAMPS)


async def test_a_loss_ends_the_epoch_and_all_stamps(world: World) -> None:
    store = world.store()
    local = str(uuid4())
    await store.register("paris", [local])
    await store.mark_complete(STAMPS)
    before = await store.state()

    world.lose_everything()
    lookup = await store.locate([local])

    assert (lookup.found, lookup.complete) == ({}, False)
    assert lookup.state is not None
    assert lookup.state.epoch != before.epoch
    assert await store.missing_stamps() == set(STAMPS)


async def test_who_worked_in_an_epoch_that_is_over_earns_no_stamp(world: World) -> None:
    store = world.store()
    async with store.rebuild_lock() as lease:
        assert lease is not None
        world.lose_everything()

        assert not await store.mark_complete(STAMPS, epoch=lease.epoch)
        assert await store.missing_stamps() == set(STAMPS)
        assert await store.mark_complete(STAMPS, epoch=(await store.state()).epoch)


IMAGE = Pin("a" * 32, "image", "equal", {"paris": "b" * 32, "tokyo": "c" * 32})
PROJECT = Pin("d" * 32, "project", "mapping", {"paris": "é"}, frozenset({Location("paris", "u")}))
FLAVOR = Pin("1", "flavor", "equal", {"paris": "1"})


async def test_pins_are_kept(world: World) -> None:
    await world.store().put_pins([IMAGE, PROJECT, FLAVOR])

    pins = list(await world.store().pins())

    assert sorted(pins, key=lambda pin: pin.global_id) == [FLAVOR, IMAGE, PROJECT]


async def test_a_pin_is_replaced_by_its_id_in_any_spelling(store: IdStore) -> None:
    await store.put_pins([IMAGE, FLAVOR])
    newer = Pin("A" * 32, "volume", "moved", {"tokyo": "x"})
    namesake = Pin("1", "volume_type", "equal", {"tokyo": "1"})

    await store.put_pins([newer, namesake])

    assert {*map(repr, await store.pins())} == {*map(repr, [newer, FLAVOR, namesake])}


async def test_all_pins_of_one_origin_are_replaced_in_one_step(store: IdStore) -> None:
    await store.put_pins([IMAGE, PROJECT, FLAVOR, Pin("2", "flavor", "equality", {"paris": "2"})])

    await store.put_pins([FLAVOR], replace_origin="equal")

    assert {pin.global_id for pin in await store.pins()} == {"1", "2", "d" * 32}


async def test_only_a_change_of_pins_makes_a_new_version(store: IdStore) -> None:
    await store.put_pins([IMAGE, FLAVOR])
    before = await store.state()

    await store.put_pins([FLAVOR, IMAGE], replace_origin="equal")
    assert await store.state() == before

    await store.put_pins([FLAVOR], replace_origin="equal")
    assert (await store.state()).pins > before.pins


async def test_a_pin_that_cannot_be_told_from_others_is_refused(store: IdStore) -> None:
    with pytest.raises(ValueError, match="must have a kind"):
        await store.put_pins([Pin("1", "", "equal", {})])


async def test_a_listener_is_told_once_at_first_and_then_of_changes(world: World) -> None:
    changes = world.store().changes()
    await anext(changes)
    told = asyncio.create_task(anext(changes))
    await asyncio.sleep(0)

    await world.store().put_pins([IMAGE])

    await asyncio.wait_for(told, 20)
    await changes.aclose()


async def test_one_rebuilds_at_a_time(world: World) -> None:
    first, second = world.store(), world.store()
    async with first.rebuild_lock() as lease:
        assert lease is not None
        assert lease.held
        async with second.rebuild_lock() as refused:
            assert refused is None

    async with second.rebuild_lock() as granted:
        assert granted is not None


async def test_a_failed_rebuild_gives_the_lock_back(store: IdStore) -> None:
    with pytest.raises(ZeroDivisionError):
        async with store.rebuild_lock():
            raise ZeroDivisionError

    async with store.rebuild_lock() as lease:
        assert lease is not None


async def test_documents_belong_to_an_owner(store: IdStore) -> None:
    large = b"\0\xff" * 500_000
    await store.put_documents("keypair", "alice", {"köy": b"ssh-rsa", "old": b"", "large": large})
    await store.put_documents("keypair", "bob", {"his": b"x"})

    await store.put_documents(
        "keypair", "alice", {"köy": b"ssh-ed25519", "old": None, "none": None}
    )

    assert await store.documents("keypair", "alice") == {"köy": b"ssh-ed25519", "large": large}
    assert await store.documents("keypair", "nobody") == {}
    await store.put_documents("keypair", "alice", {})


async def test_pins_built_on_what_has_changed_since_are_not_written(world: World) -> None:
    store = world.store()
    seen = await store.state()
    first = Pin("a" * 32, "project", "mapping", {PARIS.name: "b" * 32})
    second = Pin("a" * 32, "project", "mapping", {TOKYO.name: "c" * 32})

    assert await store.put_pins([first], seen=seen)
    assert not await store.put_pins([second], seen=seen)
    assert list(await store.pins()) == [first]
    assert await store.put_pins([second], seen=await store.state())
    assert list(await store.pins()) == [second]


async def test_only_one_can_claim_a_document(store: IdStore) -> None:
    assert await store.claim_document("keypair", "alice", "key", b"first one")
    assert not await store.claim_document("keypair", "alice", "key", b"second one")
    assert await store.claim_document("keypair", "bob", "key", b"his own")
    assert await store.documents("keypair", "alice") == {"key": b"first one"}


async def test_only_what_is_still_the_same_is_disclaimed(store: IdStore) -> None:
    await store.claim_document("segment", "", "2000", b"a network")
    assert not await store.disclaim_document("segment", "", "2000", b"another one")
    assert await store.disclaim_document("segment", "", "2000", b"a network")
    assert not await store.disclaim_document("segment", "", "2000", b"a network")
    assert await store.claim_document("segment", "", "2000", b"another one")
    assert await store.documents("segment", "") == {"2000": b"another one"}
