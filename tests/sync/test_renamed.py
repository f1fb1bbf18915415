"""A site that gets another name goes on as it was: nothing at the sites changes, no address comes twice."""

from dataclasses import replace
from typing import Any

import pytest

from idmap.front import IdMap
from idmap.ledgers import LedgerStore
from idmap.memory_ledgers import MemoryLedgerStore
from idmap.redis_desired import RedisDesiredStore
from idmap.redis_ledgers import RedisLedgerStore
from idmap.redis_store import RedisIdStore
from idmap.sites import SiteKey
from sync.driver import Ground
from sync.ipam.form import dumped, loaded
from sync.ipam.ledger import Claim, Lease, Ledger, Member
from sync.ledgers import read
from sync.numbered import NumberedLedgers
from tests.sync.test_kills import state_of, subnet
from tests.sync.world import ALPHA, World

PARIS, TOKYO = SiteKey.of("paris"), SiteKey.of("tokyo")
EDO = SiteKey("edo", TOKYO.namespace, TOKYO.number)


def numbered(ledgers: LedgerStore, *keys: SiteKey) -> NumberedLedgers:
    return NumberedLedgers(ledgers, keys)


async def test_a_ledger_is_that_of_the_site_whatever_it_is_called() -> None:
    kept = MemoryLedgerStore()
    ledger = Ledger(
        "subnet",
        "epoch",
        3,
        "10.0.0.0/24",
        1,
        ((1, 9),),
        leases=(Lease(2, 3, "tokyo", 1, True, "paris"), Lease(4, 5, "paris", 1)),
        claims=(Claim(7, "tokyo", 2),),
        members=(Member("paris", 1, asked=("tokyo",)), Member("tokyo", 1)),
    )
    old, new = numbered(kept, PARIS, TOKYO), numbered(kept, PARIS, EDO)
    assert await old.write("subnet", dumped(ledger), None)
    there = await new.read("subnet")
    assert there is not None
    assert loaded(there.content) == replace(
        ledger,
        leases=(Lease(2, 3, "edo", 1, True, "paris"), Lease(4, 5, "paris", 1)),
        claims=(Claim(7, "edo", 2),),
        members=(Member("paris", 1, asked=("edo",)), Member("edo", 1)),
    )
    raw = await kept.read("subnet")
    assert raw is not None
    assert b"tokyo" not in raw.content
    # Who does not know a site loses nothing of it.
    poor = numbered(kept, PARIS)
    found = await poor.read("subnet")
    assert found is not None
    assert await poor.write("subnet", found.content, found)
    assert await read(old, "subnet") == ledger


def on_redis(world: World, url: str, *keys: SiteKey) -> None:
    """A world whose memory is a real Redis."""
    world.keys = {key.name: key for key in keys}
    held: Any = world
    held.store = RedisDesiredStore(url, keys)
    held.ledgers = numbered(RedisLedgerStore(url), *keys)
    held.id_store = RedisIdStore(url, keys, ())
    world.ids = IdMap(world.id_store)
    world.wanted = replace(world.wanted, store=world.store, ids=world.ids)


async def close(world: World) -> None:
    for each in (world.store, world.ledgers, world.id_store):
        await each.close()


async def test_under_its_new_name_all_goes_on(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = World()
    on_redis(before, redis_url, PARIS, TOKYO)
    await before.start()
    net = await before.make("network", "paris", name="net")
    behind = await subnet(before, net, 4, "10.9.0.0/24", name="v4")
    assert behind
    gids = await before.stretch("paris", "network", net, "tokyo")
    await before.settle()
    router = await before.make("router", "paris", name="r")
    (v4,) = (e.global_id for e in await before.store.all() if e.kind == "subnet")
    here = await before.local(v4, "paris")
    before.ask("paris", "PUT", f"/routers/{router}/add_router_interface", {"subnet_id": here})
    await before.stretch("paris", "router", router, "tokyo")
    await before.settle()
    there = await before.local(gids[0], "tokyo")
    port = {"network_id": there, "project_id": before.project(ALPHA, "tokyo")}
    before.ask("tokyo", "POST", "/ports", {"port": port})
    await before.settle()
    await before.check()
    state, book = state_of(before), await read(before.ledgers, v4)
    assert book is not None
    await close(before)

    after = World(("paris", "edo"), offset=before.offset)
    on_redis(after, redis_url, PARIS, EDO)
    after.neutrons = {"paris": before.neutrons["paris"], "edo": before.neutrons["tokyo"]}
    after.neutrons["edo"].name = "edo"
    ground = after.ground
    trunks = {"edo": "trunk-of-tokyo"}
    monkeypatch.setattr(
        after,
        "ground",
        lambda site: (
            Ground(trunks[site], drivers=ground(site).drivers) if site in trunks else ground(site)
        ),
    )
    await after.ids.refresh()
    for site in after.sites:
        done = await after.run(site)
        assert done is not None
        assert done.plan.changes == (), "nothing is to be done"
    await after.settle()
    await after.check()
    now = await read(after.ledgers, v4)
    assert now is not None
    assert now.epoch == book.epoch
    assert now.leased("edo") == book.leased("tokyo")
    # Only who stands for whom is called by the new name.
    shown = state_of(after)
    assert shown["paris"] != state["paris"]
    assert [_as_before(line) for line in shown["paris"]] == [
        _as_before(line) for line in state["paris"]
    ]
    assert [_as_before(line) for line in shown["edo"]] == [
        _as_before(line) for line in state["tokyo"]
    ]
    await close(after)


def _as_before(line: str) -> str:
    return line.replace("site/edo", "site/tokyo")
