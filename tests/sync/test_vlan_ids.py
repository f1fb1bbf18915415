"""VLAN IDs are given to networks that span sites, one each, and given back with them."""

import pytest

from idmap.desired import READ, Desired
from idmap.memory import MemoryIdStore
from sync.numbers import SEGMENTS
from tests.sync.world import LEAD_SECONDS, POOL, Killed, Line, World


async def given(world: World) -> dict[str, str]:
    claims = await world.id_store.documents(SEGMENTS, "")
    return {number: gid.decode() for number, gid in claims.items()}


async def two_stretched() -> tuple[World, list[str]]:
    """Two networks at both sites, and their global IDs."""
    world = await World().start()
    gids = []
    for name in ("one", "two"):
        net = await world.make("network", "paris", name=name)
        gids += await world.stretch("paris", "network", net, "tokyo")
    await world.settle()
    return world, gids


async def test_a_number_comes_back_when_its_network_is_gone_everywhere_and_no_other_does() -> None:
    world, gids = await two_stretched()
    before = await given(world)
    assert sorted(before.values()) == sorted(gids)
    assert await world.remove(gids[0])
    await world.run("tokyo")
    assert (await given(world)) == before, "paris has not said yet that it is gone there"
    await world.settle()
    await world.check()
    assert (await given(world)) == {n: gid for n, gid in before.items() if gid == gids[1]}


async def test_a_number_that_was_claimed_and_never_used_comes_back_too() -> None:
    world = await World().start()
    net = await world.make("network", "paris")
    (gid,) = await world.stretch("paris", "network", net, "tokyo")
    await world.id_store.claim_document(SEGMENTS, "", str(POOL[-1]), gid.encode())
    await world.settle()
    assert len(await given(world)) == 2
    assert await world.remove(gid)
    await world.settle()
    assert await given(world) == {}


async def test_a_small_pool_serves_one_network_after_the_other() -> None:
    world = await World().start()
    for number in POOL[1:]:
        await world.id_store.claim_document(SEGMENTS, "", str(number), b"another")
    for _ in range(3):
        net = await world.make("network", "paris")
        (gid,) = await world.stretch("paris", "network", net, "tokyo")
        await world.settle()
        await world.check()
        assert (await given(world))[str(POOL[0])] == gid
        assert await world.remove(gid)
        await world.settle()


async def starts(world: World, site: str) -> None:
    """Another daemon leads from now on, as `sync.daemon` has it."""
    each = await world.round(Line(world.neutrons[site]))
    async with world.store.lead(site, LEAD_SECONDS) as lead:
        assert lead is not None
        await each.reserve(lead)


async def test_who_dies_before_he_gives_a_number_back_leaves_it_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, gids = await two_stretched()
    before = await given(world)
    assert await world.remove(gids[0])
    drop = world.store.drop

    async def dies(entry: Desired) -> bool:
        assert await drop(entry)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "drop", dies)
        while await world.entry(gids[0]) is not None:
            for site in world.sites:
                await world.run(site)
                world.offset += 40
    await world.settle()
    assert (await given(world)) == before, "nobody knows whose it is"
    await starts(world, "tokyo")
    assert (await given(world)) == {n: gid for n, gid in before.items() if gid == gids[1]}
    await world.check()


async def test_a_number_that_was_just_taken_stays_whoever_starts() -> None:
    world = await World().start()
    net = await world.make("network", "paris")
    (gid,) = await world.stretch("paris", "network", net, "tokyo")
    # Its daemon has claimed it, and has not written yet that it is the network's.
    await world.id_store.claim_document(SEGMENTS, "", str(POOL[0]), gid.encode())
    await starts(world, "tokyo")
    assert await given(world) == {str(POOL[0]): gid}


async def test_while_sites_are_not_read_no_number_is_nobodys() -> None:
    world = await World().start()
    world.id_store = MemoryIdStore(world.keys.values(), [("paris", READ)])
    await world.id_store.claim_document(SEGMENTS, "", str(POOL[0]), b"not restored yet")
    await starts(world, "tokyo")
    assert len(await given(world)) == 1
    await world.id_store.mark_complete(
        [("paris", READ)], epoch=(await world.id_store.state()).epoch
    )
    await starts(world, "tokyo")
    assert await given(world) == {}
