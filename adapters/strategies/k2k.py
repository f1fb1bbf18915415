"""Keystone-to-Keystone: home asserts the login by SAML, the site maps it to groups. The default.

names and roles can be carried?   (adapters.mapping, pure)
the site has project and grants   (adapters.provision, once per process)
the exchange, in a thread         (adapters.keystone)
the token is what was asked for?
"""

import asyncio
import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from adapters.account import Account
from adapters.errors import ExchangeRefused
from adapters.identity import Identity
from adapters.keystone import Grant, exchange, revoke
from adapters.mapping import carried_roles, user_name
from adapters.provision import Provisioner
from adapters.strategy import LOGINS_AT_ONCE, Expected, Surroundings, check_grant

_THREADS = LOGINS_AT_ONCE + 2
"""A site that hangs keeps only its own threads busy. Two are for tokens that are to be revoked."""

_RACED = frozenset({409, 500})
"""What some of several first logins of one user get; the same login succeeds a moment later."""

_NOT_READY = frozenset({401, 403, 404})
"""What a login gets whose project or grants are gone."""


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
        project_id = await self._provisioner.ensure(identity)
        try:
            grant = await self._exchange(identity, project_id)
        except ExchangeRefused as error:
            if error.status in _RACED:
                await asyncio.sleep(random.uniform(0.1, 0.4))
            elif error.status in _NOT_READY:
                self._provisioner.forget(identity)
                project_id = await self._provisioner.ensure(identity)
            else:
                raise
            grant = await self._exchange(identity, project_id)
        await check_grant(
            self._site,
            grant,
            Expected(
                user_name(identity),
                self._site.federation.group_domain,
                project_id,
                await self._provisioner.allowed_roles(identity),
            ),
            lambda: self._provisioner.allowed_roles(identity, fresh=True),
        )
        return grant

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
