"""Keystone-to-Keystone: home asserts the login by SAML, the site maps it to groups. The default.

names and roles can be carried?             (adapters.mapping, pure)
the site is made ready, the token checked   (adapters.group_logins)
the exchange, in a thread                   (adapters.keystone)
"""

import asyncio
from functools import partial

from adapters import group_logins
from adapters.identity import Identity
from adapters.keystone.conversation import Grant
from adapters.keystone.exchange import exchange
from adapters.provision import Provisioner
from adapters.strategy import LOGINS_AT_ONCE, Surroundings

_THREADS = LOGINS_AT_ONCE + 2
"""A site that hangs keeps only its own threads busy. Two are for tokens that are to be revoked."""


def make(around: Surroundings) -> "K2k":
    """The strategy for one site."""
    return K2k(around)


class K2k(group_logins.GroupLogins):
    """See the module, and `adapters.strategy.Strategy` for the methods."""

    per_login = False

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around, Provisioner(around.site, around.account), _THREADS)

    async def login(self, identity: Identity) -> Grant:
        return await group_logins.login(self._site, self._provisioner, identity, self._exchange)

    async def _exchange(self, identity: Identity, project_id: str) -> Grant:
        around, loop = self._around, asyncio.get_running_loop()
        turn = partial(around.home_turns.in_thread, identity.user_id, loop)
        arguments = around.home, self._site, identity, project_id, around.timeout, turn
        return await loop.run_in_executor(self._threads, exchange, *arguments)
