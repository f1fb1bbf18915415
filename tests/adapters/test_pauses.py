"""Pauses are the same in all processes, and outlive what may happen to Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from adapters.account import Account
from adapters.breakers import Breakers
from adapters.errors import SitePaused
from adapters.pause import Pause
from adapters.pauses import CHANNEL, DOCUMENTS, Pauses
from adapters.sites import Site
from idmap.memory import MemoryIdStore
from idmap.news import RedisNews
from idmap.redis_store import RedisIdStore
from idmap.sites import SiteKey
from tests.idmap.worlds import eventually

PARIS, TOKYO = SiteKey.of("paris"), SiteKey.of("tokyo")
KEYS = (PARIS, TOKYO)


class Deaf:
    """News that nobody hears."""

    async def tell(self, message: bytes) -> None:
        pass

    async def heard(self) -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    async def close(self) -> None:
        pass


@pytest.fixture
def store() -> MemoryIdStore:
    return MemoryIdStore(KEYS, [])


def process(store: MemoryIdStore, keys: tuple[SiteKey, ...] = KEYS) -> Pauses:
    return Pauses(store, Deaf(), keys)  # type: ignore[arg-type]


@asynccontextmanager
async def listening(redis_url: str) -> AsyncIterator[Pauses]:
    """One more process. It never looks by itself, it only hears what is told."""
    store, news = RedisIdStore(redis_url, KEYS, []), RedisNews(redis_url, channel=CHANNEL)
    pauses = Pauses(store, news, KEYS)
    await pauses.start()
    task = asyncio.create_task(pauses.listen())
    try:
        yield pauses
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=0.1)
        await pauses.close()
        await store.close()


async def test_what_one_process_pauses_and_resumes_the_others_hear(redis_url: str) -> None:
    async with listening(redis_url) as one, listening(redis_url) as other:
        await one.pause("tokyo", "new switches")
        while "tokyo" not in other.paused():
            # Whoever does not listen yet hears nothing: told again, as somebody would who changes the reason.
            await one.pause("tokyo", "new switches")
            await asyncio.sleep(0.01)
        assert other.paused() == one.paused()
        assert one.paused()["tokyo"].reason == "new switches"
        assert await other.resume("tokyo")
        assert not other.paused()
        await eventually(lambda: not one.paused())
        assert not await one.resume("tokyo")


async def test_a_second_pause_changes_the_reason_alone(store: MemoryIdStore) -> None:
    pauses = process(store)
    await store.put_documents(DOCUMENTS, "", {str(TOKYO.number): b'[1700000000,"new switches"]'})
    await pauses.pause("tokyo", "new disks")
    assert pauses.paused() == {"tokyo": Pause(1_700_000_000, "new disks")}


async def test_a_new_name_of_the_site_keeps_the_pause(store: MemoryIdStore) -> None:
    await process(store).pause("tokyo", "moves")
    renamed = process(store, (PARIS, SiteKey("edo", TOKYO.namespace, TOKYO.number)))
    await renamed.read()
    assert renamed.paused().keys() == {"edo"}


async def test_a_loss_of_redis_ends_no_pause_that_somebody_knows(store: MemoryIdStore) -> None:
    pauses = process(store)
    await pauses.pause("tokyo", "moves")
    before = pauses.paused()["tokyo"]
    store.lose_everything()
    await pauses.read()
    assert pauses.paused() == {"tokyo": before}
    young = process(store)
    await young.read()
    assert young.paused() == {"tokyo": before}


async def test_who_slept_through_a_loss_does_not_bring_back_what_was_resumed_since(
    store: MemoryIdStore,
) -> None:
    awake, asleep = process(store), process(store)
    await awake.pause("tokyo")
    await asleep.read()
    store.lose_everything()
    await awake.resume("tokyo")
    await asleep.read()
    assert not asleep.paused()


@pytest.mark.parametrize("reason", ["x" * 201, "two\nlines", "\x1b[31mred"])
async def test_a_reason_is_one_line(store: MemoryIdStore, reason: str) -> None:
    pauses = process(store)
    with pytest.raises(ValueError, match="reason"):
        await pauses.pause("tokyo", reason)
    assert not pauses.paused()


async def test_an_unknown_site_is_not_paused(store: MemoryIdStore) -> None:
    with pytest.raises(KeyError):
        await process(store).pause("rome")


async def test_a_broken_document_counts_as_a_pause(store: MemoryIdStore) -> None:
    pauses = process(store)
    await store.put_documents(DOCUMENTS, "", {str(TOKYO.number): b"[1"})
    await pauses.read()
    assert pauses.paused().keys() == {"tokyo"}


async def test_whoever_is_told_hears_of_each_change_once(store: MemoryIdStore) -> None:
    told: list[tuple[str, bool]] = []
    pauses = Pauses(
        store,
        Deaf(),  # type: ignore[arg-type]
        KEYS,
        lambda site, pause: told.append((site, pause is not None)),
    )
    await pauses.read()
    await pauses.pause("tokyo")
    await pauses.read()
    await pauses.resume("tokyo")
    assert told == [("paris", False), ("tokyo", False), ("tokyo", True), ("tokyo", False)]


async def test_nothing_goes_to_a_paused_site_and_nobody_knocks_there() -> None:
    paused: dict[str, Pause] = {}
    knocked: list[str] = []

    async def knock(site: str, service: str) -> bool:
        knocked.append(site)
        return True

    breakers = Breakers(knock, paused=lambda: paused)
    breakers.missed("tokyo", "compute", "no connection")
    breakers.missed("tokyo", "compute", "no connection")
    breakers.missed("paris", "compute", "no connection")
    assert breakers.away_since("tokyo").keys() == {"compute"}
    assert breakers.away_since("tokyo")["compute"] <= datetime.now(UTC)
    assert breakers.away_since("paris") == {}
    paused["tokyo"] = Pause(1_700_000_000, "new switches")
    running = asyncio.create_task(breakers.run())
    try:
        with pytest.raises(SitePaused, match=r"since 2023-11-14 22:13 UTC \(new switches\)"):
            breakers.check("tokyo", "network")
        with pytest.raises(SitePaused), breakers.passing("tokyo", "network"):
            raise AssertionError
        assert breakers.is_away("tokyo", "network")
        assert breakers.sites_without("network") == {"tokyo"}
        await eventually(lambda: "paris" in knocked)
        assert "tokyo" not in knocked
        # What was away before is knocked at as soon as the pause ends.
        paused.clear()
        await eventually(lambda: not breakers.away())
        assert not breakers.is_away("tokyo", "compute")
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_the_account_asks_a_paused_site_nothing() -> None:
    def check(site: str) -> None:
        raise SitePaused(site, "it has been paused")

    account = Account(Site("tokyo", "http://192.0.2.1/v3", "password", {}), before=check)
    for asking in (
        account.get("compute", "/v2.1/servers"),
        account.project_id(),
        account.myself(),
        account.endpoints(),
    ):
        with pytest.raises(SitePaused):
            await asking
    account.close()
