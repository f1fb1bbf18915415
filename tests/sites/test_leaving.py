"""What Redis keeps of a site: it outlives a new name, and goes when the site leaves, with nothing of others."""

import pytest

from adapters.names import Site as SiteNames
from adapters.registry import all_services
from federator.sites.inheritance import after_leaving
from federator.upkeep.lookout import Lookout
from federator.upkeep.namesakes import LEFT, ORIGIN, equal_pins
from idmap.front import IdMap
from idmap.ids import global_uuid
from idmap.memory import MemoryIdStore
from idmap.pins import PinTable
from idmap.records import Record
from idmap.redis_leaving import Leaving, Remains
from idmap.redis_records import RedisRecordStore
from idmap.redis_store import RedisIdStore
from idmap.sites import SiteKey
from idmap.store import Location, Pin

PARIS, TOKYO, DENVER = (SiteKey.of(name) for name in ("paris", "tokyo", "denver"))
KEYS = (PARIS, TOKYO, DENVER)
STAMPS = [(key.name, "image") for key in KEYS]
IMAGE = all_services()["image"].resource("image")
FLAVOR = all_services()["compute"].resource("flavor")
A, B, C = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abc")
OLD = global_uuid(PARIS.namespace, A)
"""What tenants call an image that is A at paris, B at tokyo and C at denver."""


def image(*sites: SiteKey, origin: str = ORIGIN) -> Pin:
    local = {"paris": A, "tokyo": B, "denver": C}
    places = {key.name: local[key.name] for key in sites}
    first = sites[0]
    return Pin(global_uuid(first.namespace, local[first.name]), "image", origin, places)


def names(*keys: SiteKey) -> list[SiteNames]:
    return [SiteNames(key.name, key.namespace, key.number) for key in keys]


def found(**ids: str) -> dict[str, list[dict[str, object]]]:
    fields = {"os_hash_value": "x", "os_hash_algo": "y", "name": "cirros", "visibility": "public"}
    return {site: [{"id": each, **fields}] for site, each in ids.items()}


def test_an_id_that_came_from_the_site_stays_with_its_last_replica_for_good() -> None:
    (kept,), dropped = after_leaving([image(PARIS, TOKYO)], PARIS)
    assert not dropped
    assert kept.global_id == OLD
    # Look after look, though nothing at tokyo has anything to do with this ID.
    (pin,) = equal_pins(IMAGE, names(TOKYO, DENVER), found(tokyo=B), [kept])
    table = PinTable([pin])
    assert table.global_of("image", "tokyo", B) == OLD
    assert table.places(None, OLD) == {"tokyo": B}
    # Another site gets the same image: one thing, and still of that ID.
    (pin,) = equal_pins(IMAGE, names(TOKYO, DENVER), found(tokyo=B, denver=C), [pin])
    assert (pin.global_id, pin.places) == (OLD, {"tokyo": B, "denver": C})
    # And they are made to differ: it stays with the first of them.
    other = found(tokyo=B, denver=C)
    other["denver"][0]["os_hash_value"] = "z"
    (pin,) = equal_pins(IMAGE, names(TOKYO, DENVER), other, [pin])
    assert (pin.global_id, pin.places) == (OLD, {"tokyo": B})
    # What cannot be seen any more, being private now, is not taken for another.
    (pin,) = equal_pins(IMAGE, names(TOKYO, DENVER), found(denver=C), [pin])
    assert (pin.global_id, pin.places) == (OLD, {"tokyo": B})


def test_the_id_of_a_replica_at_the_site_goes_on_to_lead_to_the_others() -> None:
    former = global_uuid(TOKYO.namespace, B)
    (kept,), _ = after_leaving([image(PARIS, TOKYO)], TOKYO)
    (pin,) = equal_pins(IMAGE, names(PARIS, DENVER), found(paris=A), [kept])
    table = PinTable([pin])
    assert table.places(None, former) == {"paris": A}
    assert table.global_of("image", "paris", A) == OLD
    # The next one leaves, too.
    both = PinTable(equal_pins(IMAGE, names(PARIS, DENVER), found(paris=A, denver=C), [pin]))
    (last,), _ = after_leaving(both, PARIS)
    assert PinTable([last]).places(None, former) == {"denver": C}
    assert PinTable([last]).global_of("image", "denver", C) == OLD


def test_two_ids_of_before_that_come_to_mean_one_thing_both_stay_valid() -> None:
    one = Pin(OLD, "image", LEFT, {"tokyo": B})
    other = Pin("12345678-0000-4000-8000-000000000000", "image", LEFT, {"denver": C})
    pins = equal_pins(IMAGE, names(TOKYO, DENVER), found(tokyo=B, denver=C), [one, other])
    table = PinTable(pins)
    assert table.places(None, one.global_id) == table.places(None, other.global_id)
    shown = {table.global_of("image", "tokyo", B), table.global_of("image", "denver", C)}
    assert len(shown) == 1


def test_a_flavor_id_of_before_is_not_given_to_another_flavor() -> None:
    kept = Pin("1", "flavor", LEFT, {"tokyo": "42"})

    def flavor(own: str, ram: int) -> dict[str, object]:
        return {"id": own, "name": f"ram{ram}", "ram": ram}

    items = {"tokyo": [flavor("42", 512), flavor("1", 1024)], "denver": []}
    table = PinTable(equal_pins(FLAVOR, names(TOKYO, DENVER), items, [kept]))
    assert table.places("flavor", "1") == {"tokyo": "42"}
    assert table.global_of("flavor", "tokyo", "1") == "1@tokyo"


async def test_an_id_of_before_outlives_a_loss_of_redis_with_a_process_that_knows_it() -> None:
    store = MemoryIdStore(KEYS, STAMPS)
    kept = Pin(OLD, "image", LEFT, {"tokyo": B}, former=frozenset({A}))
    await store.put_pins([kept])
    ids = IdMap(store)
    await ids.refresh()
    store.lose_everything()
    await ids.refresh()
    # The look of the rebuild that follows; that no site can be asked just now makes no difference.
    await Lookout({"image": all_services()["image"]}, {}, ids).look()
    assert list(await store.pins()) == [kept]


async def test_a_look_of_a_process_that_lacks_a_site_drops_nothing() -> None:
    store = MemoryIdStore(KEYS, STAMPS)
    await store.put_pins([image(PARIS, TOKYO)])
    ids = IdMap(store)
    await ids.refresh()
    # It was restarted without the site, which has not been removed yet.
    await Lookout({"image": all_services()["image"]}, {}, ids).look()
    assert list(await store.pins()) == [image(PARIS, TOKYO)]


def test_projects_and_users_lose_the_site_and_go_with_their_last_place() -> None:
    project = Pin("a" * 32, "project", "mapping", {"paris": A, "tokyo": B})
    lonely = Pin("b" * 32, "project", "mapping", {"tokyo": C})
    shadows = frozenset({Location("paris", "x" * 64), Location("tokyo", "y" * 64)})
    user = Pin("c" * 32, "user", "mapping", {}, shadows)
    elsewhere = Pin("d" * 32, "project", "mapping", {"paris": C})
    kept, dropped = after_leaving([project, lonely, user, elsewhere], TOKYO)
    assert [pin.places for pin in kept] == [{"paris": A}, {}]
    assert {pin.origin for pin in kept} == {"mapping"}
    assert kept[1].aliases == {Location("paris", "x" * 64)}
    assert dropped == [lonely]


async def _filled(url: str) -> RedisIdStore:
    store = RedisIdStore(url, KEYS, STAMPS)
    records = RedisRecordStore(url, KEYS)
    for key, local in zip(KEYS, (A, B, C), strict=True):
        await store.register(key.name, [local, f"{key.name} has names for IDs"])
        await store.put_documents("numbers", "project", {"limits": b"[1,{}]"}, site=key.name)
        await records.write(key.name, "image", [Record(local, "", b"kept", 1_700_000_000)])
        await records.finish(key.name, "image", 1_700_000_000)
    await store.put_pins([image(PARIS, TOKYO), Pin("b" * 32, "project", "mapping", {"tokyo": C})])
    await store.mark_complete(STAMPS)
    await records.close()
    return store


async def test_a_new_name_changes_nothing_of_what_is_kept(redis_url: str) -> None:
    before = await _filled(redis_url)
    edo = SiteKey("edo", TOKYO.namespace, TOKYO.number)
    store = RedisIdStore(redis_url, (PARIS, edo, DENVER), [("edo", "image")])
    records = RedisRecordStore(redis_url, (PARIS, edo, DENVER))
    ids = IdMap(store)
    await ids.refresh()

    assert ids.complete
    computed = global_uuid(TOKYO.namespace, B)
    assert (await ids.locate([computed])).found == {computed: Location("edo", B)}
    assert ids.pins.places(None, OLD) == {"paris": A, "edo": B}
    assert await store.documents("numbers", "project", site="edo") == {"limits": b"[1,{}]"}
    assert [each.local_id for each in await records.read("edo", "image", None)] == [B]
    # A process that knows the site by its old name yet does no harm.
    await before.put_pins(await before.pins())
    await ids.refresh()
    assert ids.pins.places(None, OLD) == {"paris": A, "edo": B}
    for each in (before, store, records):
        await each.close()


async def test_a_process_that_does_not_know_a_site_loses_nothing_of_it(redis_url: str) -> None:
    full = await _filled(redis_url)
    poor = RedisIdStore(redis_url, (PARIS,), [])
    await poor.put_pins(await poor.pins())
    assert {pin.global_id: pin.places for pin in await full.pins()}[OLD] == {"paris": A, "tokyo": B}
    await poor.close()
    await full.close()


@pytest.mark.parametrize("keep", [False, True])
async def test_all_of_a_site_goes_and_nothing_of_the_others(redis_url: str, keep: bool) -> None:
    store = await _filled(redis_url)
    leaving = Leaving(redis_url, TOKYO)
    assert await leaving.count() == Remains(mappings=2, stamps=1, records=1, documents=1)
    await leaving.drop(records=not keep)
    assert await leaving.count() == Remains(0, 0, int(keep), 0)
    # Once more: nothing to do, nothing wrong.
    await leaving.drop(records=not keep)
    for key in (PARIS, DENVER):
        others = Leaving(redis_url, key)
        assert await others.count() == Remains(2, 1, 1, 1)
        await others.close()
    # Whoever still has the site sees that he does not know it any more.
    assert await store.missing_stamps() == {("tokyo", "image")}
    records = RedisRecordStore(redis_url, KEYS)
    assert (await records.readings("tokyo") == {}) != keep
    await records.close()
    await leaving.close()
    await store.close()


async def test_a_number_that_was_anothers_before_empties_nothing_of_it(redis_url: str) -> None:
    store = await _filled(redis_url)
    twin = Leaving(redis_url, SiteKey("rome", SiteKey.of("rome").namespace, TOKYO.number))
    assert (await twin.count()).mappings == 0
    await twin.drop(records=False)
    computed = global_uuid(TOKYO.namespace, B)
    assert (await store.locate([computed])).found
    await twin.close()
    await store.close()
