"""Which answers to a login say that a Keystone is away."""

from typing import Any, cast

import pytest

from adapters.account import Account
from adapters.breakers import IDENTITY, Breakers
from adapters.directory import Directory
from adapters.errors import SiteUnreachable
from adapters.guard import Guarded
from adapters.identity import Identity
from adapters.keystone.conversation import Answer, Grant
from adapters.strategy import Strategy


class Keystone:
    """Answers one status, whatever it is asked."""

    site = "tokyo"

    def __init__(self, status: int, body: Any = None) -> None:
        self._answer = Answer(status, body)

    async def request(self, *asked: object) -> Answer:
        return self._answer


class Looking:
    """A strategy that has to look for a project before it can log anybody in."""

    per_login = False

    def __init__(self, keystone: Keystone) -> None:
        self._directory = Directory(cast(Account, keystone))

    async def login(self, identity: Identity) -> Grant:
        await self._directory.list("projects")
        raise AssertionError("there should have been no list")


async def _away_after_logins(keystone: Keystone) -> bool:
    async def knock(site: str, service: str) -> bool:
        return True

    breakers = Breakers(knock)
    guarded = Guarded("tokyo", cast(Strategy, Looking(keystone)), breakers)
    for _ in range(2):
        with pytest.raises(SiteUnreachable):
            await guarded.login(cast(Identity, None))
    return ("tokyo", IDENTITY) in breakers.away()


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_proxy_says_that_it_is_away(status: int) -> None:
    assert await _away_after_logins(Keystone(status))


@pytest.mark.parametrize("status", [500, 501])
async def test_a_keystone_that_fails_one_login_is_there_for_the_others(status: int) -> None:
    assert not await _away_after_logins(Keystone(status))


async def test_a_list_cut_short_is_an_answer() -> None:
    assert not await _away_after_logins(Keystone(200, {"projects": [], "truncated": True}))
