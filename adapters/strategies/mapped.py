"""A user of the site's own for each user of home: for sites that trust no logins of others.

the site has the project          (adapters.projects)
the site has the user, with roles (adapters.site_users)
a login by password, in a thread  (adapters.keystone)
the token is what was asked for?

Neither home nor the user takes part: that the login is good is the gateway's word alone.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from adapters.account import Account
from adapters.directory import Directory
from adapters.errors import ExchangeRefused, SettingsError
from adapters.identity import Identity
from adapters.keystone.conversation import Grant
from adapters.keystone.logins import password_login
from adapters.keystone.tokens import revoke
from adapters.mapping import counted_roles
from adapters.projects import Projects
from adapters.roles import Roles
from adapters.secret import SHORTEST
from adapters.site_users import SiteUsers
from adapters.strategy import LOGINS_AT_ONCE, Expected, Surroundings, check_grant

_THREADS = LOGINS_AT_ONCE + 2

_NOT_READY = frozenset({401, 403, 404})
"""What a login gets whose user, project or roles are gone. A wrong password is 401 as well."""


def make(around: Surroundings) -> "Mapped":
    """The strategy for one site. Raises SettingsError."""
    return Mapped(around)


class Mapped:
    """See the module, and `adapters.strategy.Strategy` for the methods."""

    per_login = False

    def __init__(self, around: Surroundings) -> None:
        self._site = site = around.site
        self._seconds = around.timeout
        if around.secret is None:
            raise SettingsError(
                f"secret_file: is missing; site {site.name} has the strategy mapped, which needs a "
                f"file of at least {SHORTEST} random bytes"
            )
        directory = Directory(around.account)
        self._projects = Projects(site, directory)
        self._roles = Roles(site, directory)
        self._users = SiteUsers(site, directory, self._roles, around.secret)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"login-{site.name}")

    def check(self, identity: Identity) -> None:
        counted_roles(identity, self._site)

    async def login(self, identity: Identity) -> Grant:
        try:
            return await self._login(identity)
        except ExchangeRefused as error:
            if error.status not in _NOT_READY:
                raise
        self._users.forget(identity, self._projects.forget(identity))
        try:
            return await self._login(identity)
        except ExchangeRefused as error:
            if error.status != 401:
                raise
        # All is there: it is the password. Somebody changed it, or the secret is a new one.
        user = await self._users.ensure(identity, await self._projects.ensure(identity))
        await self._users.renew_password(identity, user)
        return await self._login(identity)

    async def logout(self, token: str) -> None:
        await asyncio.get_running_loop().run_in_executor(
            self._threads, revoke, self._site, token, self._seconds
        )

    async def known_projects(self, home: Account) -> Mapping[str, str]:
        return await self._projects.known(home)

    async def known_users(self) -> Mapping[str, str]:
        return await self._users.known()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _login(self, identity: Identity) -> Grant:
        project_id = await self._projects.ensure(identity)
        user = await self._users.ensure(identity, project_id)
        arguments = (user.id, self._users.password(identity), project_id)
        grant = await asyncio.get_running_loop().run_in_executor(
            self._threads, password_login, self._site, *arguments, self._seconds
        )
        allowed = await self._roles.allowed(identity)
        domain = self._site.federation.group_domain
        await check_grant(
            self._site,
            grant,
            Expected(user.name, domain, project_id, allowed, user_id=user.id),
            lambda: self._roles.allowed(identity, fresh=True),
        )
        return grant
