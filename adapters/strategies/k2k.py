"""Keystone-to-Keystone: home asserts the login by SAML, the site maps it to groups. The default.

names and roles can be carried?             (adapters.mapping, pure)
the site is made ready, the token checked   (adapters.group_logins)
the exchange, in a thread                   (adapters.keystone)
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from adapters import group_logins
from adapters.account import Account
from adapters.identity import Identity
from adapters.keystone.conversation import Grant
from adapters.keystone.exchange import exchange
from adapters.keystone.tokens import revoke
from adapters.mapping import carried_roles
from adapters.provision import Provisioner
from adapters.strategy import LOGINS_AT_ONCE, Surroundings

_THREADS = LOGINS_AT_ONCE + 2
"""A site that hangs keeps only its own threads busy. Two are for tokens that are to be revoked."""


def make(around: Surroundings) -> "K2k":
    """The strategy for one site."""
    return K2k(around)


class K2k:
    """See the module, and `adapters.strategy.Strategy` for the methods."""

    per_login = False

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._site = around.site
        self._provisioner = Provisioner(around.site, around.account)
        name = f"exchange-{around.site.name}"
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix=name)

    def check(self, identity: Identity) -> None:
        carried_roles(identity, self._site)

    async def login(self, identity: Identity) -> Grant:
        return await group_logins.login(self._site, self._provisioner, identity, self._exchange)

    async def logout(self, token: str) -> None:
        seconds = self._around.timeout
        await asyncio.get_running_loop().run_in_executor(
            self._threads, revoke, self._site, token, seconds
        )

    async def known_projects(self, home: Account) -> Mapping[str, str]:
        return await self._provisioner.known_projects(home)

    async def known_users(self) -> Mapping[str, tuple[str, str]]:
        return await self._provisioner.known_users()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _exchange(self, identity: Identity, project_id: str) -> Grant:
        around, loop = self._around, asyncio.get_running_loop()
        turn = partial(around.home_turns.in_thread, identity.user_id, loop)
        arguments = around.home, self._site, identity, project_id, around.timeout, turn
        return await loop.run_in_executor(self._threads, exchange, *arguments)
