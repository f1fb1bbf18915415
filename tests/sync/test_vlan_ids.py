"""VLAN IDs are given to networks that span sites, one each, and given back with them."""

from sync.anchor import SEGMENTS
from tests.sync.world import POOL, World


async def given(world: World) -> dict[str, str]:
    claims = await world.id_store.documents(SEGMENTS, "")
    return {number: gid.decode() for number, gid in claims.items()}


async def test_a_number_comes_back_when_its_network_is_gone_everywhere_and_no_other_does() -> None:
    world = await World().start()
    gids = []
    for name in ("one", "two"):
        net = await world.make("network", "paris", name=name)
        gids += await world.stretch("paris", "network", net, "tokyo")
    await world.settle()
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
