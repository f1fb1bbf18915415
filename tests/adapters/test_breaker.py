"""When a service of a site counts as away, and how it comes back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest

from adapters.breaker import FIRST_PAUSE, LONGEST_PAUSE, PATIENCE, Breaker
from adapters.breakers import Breakers
from adapters.errors import SiteSilent, SiteUnreachable


def test_one_miss_opens_nothing_but_has_somebody_knock() -> None:
    breaker = Breaker()
    assert not breaker.missed("no connection", now=10)
    assert not breaker.open
    assert breaker.knock_at == 10


def test_two_misses_in_a_row_open_it() -> None:
    breaker = Breaker()
    breaker.missed("no connection", now=10)
    assert breaker.missed("no connection", now=11)
    assert breaker.open
    assert breaker.since == 10


def test_an_answer_between_two_misses_begins_a_new_row() -> None:
    breaker = Breaker()
    breaker.missed("no answer", now=10)
    assert not breaker.heard(now=10.5)
    assert not breaker.missed("no answer", now=11)
    assert not breaker.open


def test_the_first_answer_closes_it() -> None:
    breaker = _open_breaker()
    assert breaker.heard(now=20)
    assert not breaker.open
    assert breaker.knock_at == float("inf")


def test_the_pauses_between_knocks_grow_up_to_a_bound() -> None:
    breaker = _open_breaker()
    pauses = [breaker.knock_at - 11]
    for _ in range(8):
        now = breaker.knock_at
        breaker.missed("no connection", now)
        pauses.append(breaker.knock_at - now)
    assert pauses[0] == FIRST_PAUSE
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


def test_those_who_were_on_their_way_do_not_put_off_the_next_knock() -> None:
    breaker = _open_breaker()
    due = breaker.knock_at
    for _ in range(100):
        breaker.missed("no answer", now=11.1)
    assert breaker.knock_at == due


def test_who_waits_long_has_somebody_knock_unless_there_was_an_answer_meanwhile() -> None:
    breaker = Breaker()
    breaker.waits(began=10, now=10 + PATIENCE / 2)
    assert breaker.knock_at == float("inf")
    breaker.heard(now=10 + PATIENCE)
    breaker.waits(began=10, now=10 + 1.5 * PATIENCE)
    assert breaker.knock_at == float("inf")
    breaker.waits(began=10, now=11 + 1.5 * PATIENCE)
    assert breaker.knock_at == 11 + 1.5 * PATIENCE


def test_who_waits_in_vain_while_others_are_answered_has_missed_nothing() -> None:
    breaker = Breaker()
    breaker.heard(now=12)
    for _ in range(3):
        assert not breaker.timed_out(began=10, now=15)
    assert not breaker.misses
    breaker.timed_out(began=13, now=18)
    assert breaker.timed_out(began=13, now=18)


def _open_breaker() -> Breaker:
    breaker = Breaker()
    breaker.missed("no connection", now=10)
    breaker.missed("no connection", now=11)
    return breaker


class Site:
    """A service that can be away, and counts who knocks."""

    def __init__(self) -> None:
        self.away = False
        self.knocks = 0
        self.news: list[bool] = []

    async def knock(self, site: str, service: str) -> bool:
        self.knocks += 1
        if self.away:
            raise SiteUnreachable(site, "no connection")
        return True

    def changed(self, site: str, service: str, away: bool) -> None:
        self.news.append(away)


@asynccontextmanager
async def _running(site: Site) -> AsyncIterator[Breakers]:
    breakers = Breakers(site.knock, site.changed)
    knocker = asyncio.create_task(breakers.run())
    yield breakers
    knocker.cancel()
    with suppress(asyncio.CancelledError):
        await knocker


def _is_away(breakers: Breakers) -> bool:
    return ("tokyo", "compute") in breakers.away()


async def _eventually(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not what():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.01)


def _was_knocked(site: Site, before: int) -> bool:
    return site.knocks > before


async def _ask(breakers: Breakers, seconds: float | None = 20) -> None:
    """A read that is never answered."""
    async with asyncio.timeout(seconds) as timeout:
        with breakers.reading("tokyo", "compute", timeout):
            await asyncio.Event().wait()


async def test_a_dead_service_is_known_after_one_refused_request_and_comes_back_by_itself() -> None:
    site = Site()
    async with _running(site) as breakers:
        site.away = True
        with pytest.raises(SiteUnreachable), breakers.passing("tokyo", "compute"):
            raise SiteUnreachable("tokyo", "no connection")
        await _eventually(lambda: _is_away(breakers))
        with pytest.raises(SiteUnreachable, match=r"away since .* \(no connection\)"):
            await _ask(breakers)
        site.away = False
        await _eventually(lambda: not _is_away(breakers))
        assert site.news == [True, False]


async def test_who_waits_for_a_dead_service_is_let_go() -> None:
    site = Site()
    async with _running(site) as breakers:
        site.away = True
        readers = [asyncio.create_task(_ask(breakers, None)) for _ in range(50)]
        done, _ = await asyncio.wait(readers, timeout=20)
        assert len(done) == 50
        assert all(isinstance(each.exception(), TimeoutError) for each in done)
        assert _is_away(breakers)


async def test_a_slow_service_is_not_away_however_many_reads_time_out() -> None:
    site = Site()
    async with _running(site) as breakers:
        for _ in range(3):
            knocks = site.knocks
            with pytest.raises(TimeoutError):
                await _ask(breakers, 0.05)
            await _eventually(partial(_was_knocked, site, knocks))
            assert not _is_away(breakers)
        assert site.news == []


async def test_slow_reads_that_end_in_one_moment_disturb_nobody_while_others_are_answered() -> None:
    site = Site()
    breakers = Breakers(site.knock, site.changed)
    other = asyncio.create_task(_ask(breakers, None))
    slow = [asyncio.create_task(_ask(breakers, 0.05)) for _ in range(3)]
    await asyncio.sleep(0)
    breakers.heard("tokyo", "compute")
    await asyncio.wait(slow)
    assert all(isinstance(each.exception(), TimeoutError) for each in slow)
    assert not _is_away(breakers)
    assert not other.done()
    other.cancel()


async def test_a_write_without_an_answer_says_nothing() -> None:
    site = Site()
    async with _running(site) as breakers:
        for _ in range(5):
            with pytest.raises(SiteSilent), breakers.passing("tokyo", "compute"):
                raise SiteSilent("tokyo", "no answer")
        assert not _is_away(breakers)
        assert site.knocks == 0


async def test_services_of_a_site_do_not_share_a_breaker() -> None:
    site = Site()
    breakers = Breakers(site.knock)
    for _ in range(2):
        breakers.missed("tokyo", "compute", "no connection")
    with pytest.raises(SiteUnreachable):
        breakers.check("tokyo", "compute")
    breakers.check("tokyo", "image")
    breakers.check("paris", "compute")


async def test_who_chokes_on_the_news_keeps_nobody_from_knocking_again() -> None:
    site = Site()
    told = 0

    def choking(where: str, service: str, away: bool) -> None:
        nonlocal told
        told += 1
        if told == 1:
            raise RuntimeError("whoever is told")

    breakers = Breakers(site.knock, choking)
    site.away = True
    knocker = asyncio.create_task(breakers.run())
    with pytest.raises(SiteUnreachable), breakers.passing("tokyo", "compute"):
        raise SiteUnreachable("tokyo", "no connection")
    await _eventually(lambda: told == 1)
    site.away = False
    await _eventually(lambda: not _is_away(breakers))
    knocker.cancel()
