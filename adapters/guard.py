"""A strategy that asks nothing of a Keystone that is away (`adapters.breakers`)."""

import asyncio
from collections.abc import Mapping

from adapters.account import Account
from adapters.breakers import IDENTITY, Breakers
from adapters.errors import SiteUnreachable
from adapters.identity import Identity
from adapters.keystone.conversation import Grant
from adapters.strategy import KnownUsers, Strategy


class Guarded:
    """The strategy of one site behind the breaker of its Keystone. See `adapters.strategy.Strategy`."""

    def __init__(self, site: str, inner: Strategy, breakers: Breakers) -> None:
        self.per_login = inner.per_login
        self._site = site
        self._inner = inner
        self._breakers = breakers

    def check(self, identity: Identity) -> None:
        self._inner.check(identity)

    async def login(self, identity: Identity) -> Grant:
        try:
            # The steps of a login have deadlines of their own; this one ends the waiting for a dead Keystone.
            async with asyncio.timeout(None) as timeout:
                with self._breakers.reading(self._site, IDENTITY, timeout):
                    grant = await self._inner.login(identity)
        except TimeoutError as error:
            self._breakers.check(self._site, IDENTITY)
            raise SiteUnreachable(self._site, "its Keystone gave no token in time") from error
        self._breakers.heard(self._site, IDENTITY)
        return grant

    async def logout(self, token: str) -> None:
        await self._inner.logout(token)

    async def known_projects(self, home: Account) -> Mapping[str, str]:
        return await self._inner.known_projects(home)

    async def known_users(self) -> KnownUsers:
        return await self._inner.known_users()

    def close(self) -> None:
        self._inner.close()
