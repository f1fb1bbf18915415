"""The site accepts home's tokens: it has home's Keystone, or its own with the same data and keys.

So the token goes to the site as it is, IDs of users and projects are home's, and nothing is made
there. Before that the site's own Keystone has to say the same of the token as home did: a site that
does not share home's Keystone after all is asked nothing else.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from adapters.account import Account
from adapters.directory import Directory
from adapters.errors import ExchangeRefused, NotScoped
from adapters.identity import Identity
from adapters.keystone.conversation import Grant
from adapters.keystone.tokens import confirm
from adapters.strategy import LOGINS_AT_ONCE, Expected, Surroundings, check_grant


def make(around: Surroundings) -> "Shared":
    """The strategy for one site."""
    return Shared(around)


class Shared:
    """See the module, and `adapters.strategy.Strategy` for the methods."""

    per_login = True

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._site = around.site
        name = f"confirm-{around.site.name}"
        self._threads = ThreadPoolExecutor(LOGINS_AT_ONCE, thread_name_prefix=name)

    def check(self, identity: Identity) -> None:
        if identity.project_id is None:
            raise NotScoped("the token is not scoped to a project")
        if identity.is_admin and not self._site.federation.admin:
            # The token cannot be made to say less than it does.
            reason = "the token has the role admin, which counts there only by federation.admin"
            raise ExchangeRefused(self._site.name, reason, 403)

    async def login(self, identity: Identity) -> Grant:
        self.check(identity)
        grant = await asyncio.get_running_loop().run_in_executor(
            self._threads, confirm, self._site, identity.token, self._around.timeout
        )
        expected = Expected(
            identity.user_name, identity.user_domain_name, identity.project_id or "", identity.roles
        )
        await check_grant(self._site, grant, expected)
        if grant.user_id != identity.user_id or grant.roles != identity.roles:
            reason = "its Keystone says something else of the token than home: it is not shared"
            raise ExchangeRefused(self._site.name, reason, 403)
        return grant

    async def logout(self, token: str) -> None:
        """Nothing: it is home's token, and home's to end."""

    async def known_projects(self, home: Account) -> Mapping[str, str]:
        return {project["id"]: project["id"] for project in await Directory(home).list("projects")}

    async def known_users(self) -> Mapping[str, tuple[str, str]]:
        at_site = Directory(self._around.account)
        domains = {domain["id"]: domain["name"] for domain in await at_site.list("domains")}
        return {
            user["id"]: (user["name"], domains[user["domain_id"]])
            for user in await at_site.list("users")
            if user["domain_id"] in domains
        }

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
