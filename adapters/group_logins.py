"""A login at a site whose mapping turns it into a user in groups (adapters.mapping).

the site has project and grants   (adapters.provision, once per process)
the login, once more if it raced or something is gone
the token is what was asked for?
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from adapters.account import Account
from adapters.errors import ExchangeRefused
from adapters.identity import Identity
from adapters.keystone.conversation import Grant
from adapters.keystone.tokens import revoke
from adapters.mapping import carried_roles, user_name
from adapters.provision import Provisioner
from adapters.sites import Site
from adapters.strategy import Expected, Surroundings, check_grant

_RACED = frozenset({409, 500})
"""What some of several first logins of one user get; the same login succeeds a moment later."""

_NOT_READY = frozenset({401, 403, 404})
"""What a login gets whose project or grants are gone."""

Exchange = Callable[[Identity, str], Awaitable[Grant]]
"""How a login becomes a token of a project of the site."""


async def login(
    site: Site, provisioner: Provisioner, identity: Identity, exchange: Exchange
) -> Grant:
    """A token of `site` by `exchange`, checked. Raises what `exchange` does, and SiteErrors."""
    project_id = await provisioner.ensure(identity)
    try:
        grant = await exchange(identity, project_id)
    except ExchangeRefused as error:
        if error.status in _RACED:
            await asyncio.sleep(random.uniform(0.1, 0.4))
        elif error.status in _NOT_READY:
            provisioner.forget(identity)
            project_id = await provisioner.ensure(identity)
        else:
            raise
        grant = await exchange(identity, project_id)
    await check_grant(
        site,
        grant,
        Expected(
            user_name(identity),
            site.federation.group_domain,
            project_id,
            await provisioner.allowed_roles(identity),
        ),
        lambda: provisioner.allowed_roles(identity, fresh=True),
    )
    return grant


class GroupLogins:
    """What strategies with such a mapping have in common; see `adapters.strategy.Strategy`."""

    def __init__(self, around: Surroundings, provisioner: Provisioner, threads: int) -> None:
        self._around = around
        self._site = around.site
        self._provisioner = provisioner
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=f"login-{around.site.name}")

    def check(self, identity: Identity) -> None:
        carried_roles(identity, self._site)

    async def logout(self, token: str) -> None:
        await asyncio.get_running_loop().run_in_executor(
            self._threads, revoke, self._site, token, self._around.timeout
        )

    async def known_projects(self, home: Account) -> Mapping[str, str]:
        return await self._provisioner.known_projects(home)

    async def known_users(self) -> Mapping[str, tuple[str, str]]:
        return await self._provisioner.known_users()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
