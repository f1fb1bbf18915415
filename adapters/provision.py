"""What the mapping at a site needs before a home project can log in: project, groups, grants.

Made at the first login, by the gateway's account, and never taken away here. What is there already
is left as it is. The projects are those of `adapters.projects`.
"""

import asyncio

from cachetools import LRUCache

from adapters.account import Account
from adapters.directory import Directory
from adapters.errors import ExchangeRefused, ProjectNotThere
from adapters.flight import SingleFlight
from adapters.identity import Identity
from adapters.mapping import carried_roles, group_name, home_user
from adapters.projects import Projects
from adapters.roles import Roles
from adapters.sites import Site

_KEPT = 100_000
"""Grants that are known to be there."""


class Provisioner:
    """Keeps one site ready for the projects of home."""

    def __init__(self, site: Site, account: Account) -> None:
        self._site = site
        self._directory = Directory(account)
        self._projects = Projects(site, self._directory)
        self._roles = Roles(site, self._directory)
        self._group_domain_id = ""
        self._granted: LRUCache[tuple[str, str], bool] = LRUCache(_KEPT)
        self._grant_flights: SingleFlight[tuple[str, str], None] = SingleFlight()

    async def ensure(self, identity: Identity) -> str:
        """The site's project for this login, with the grants of its roles; asks once per process.

        Raises NotScoped, NameNotCarried, ProjectNotThere, SiteUnreachable, ExchangeRefused.
        """
        roles = carried_roles(identity, self._site)
        await self._group_domain()  # nothing is made at a site that is not set up
        project = await self._projects.ensure(identity)
        await asyncio.gather(*(self._grant(project, identity, role) for role in roles))
        return project

    async def allowed_roles(self, identity: Identity, *, fresh: bool = False) -> frozenset[str]:
        """All that a site token of this login may have: its roles, and what they imply there."""
        return await self._roles.allowed(identity, fresh=fresh)

    def forget(self, identity: Identity) -> None:
        """The site refused this login: look again whether everything is there."""
        project = self._projects.forget(identity)
        for grant in [grant for grant in self._granted if grant[0] == project]:
            del self._granted[grant]

    async def known_projects(self, home: Account) -> dict[str, str]:
        """As `Projects.known` says."""
        return await self._projects.known(home)

    async def known_users(self) -> dict[str, tuple[str, str]]:
        """Site user ID -> (user name, domain name) at home, of all who ever logged in.

        One home user has several IDs at a site. Raises SiteUnreachable, ExchangeRefused.
        """
        domain = await self._group_domain()
        users = await self._directory.list("users", domain_id=domain)
        names = {str(user["id"]): home_user(user["name"]) for user in users}
        return {user_id: name for user_id, name in names.items() if name is not None}

    async def _grant(self, project: str, identity: Identity, role: str) -> None:
        key = (project, group_name(identity, role))
        if key not in self._granted:
            await self._grant_flights.run(key, lambda: self._ensure_grant(*key, role))
            self._granted[key] = True

    async def _ensure_grant(self, project: str, group_name: str, role_name: str) -> None:
        role = await self._roles.role_id(role_name)
        if role is None:
            # The lower roles of the login remain.
            return
        new = {"name": group_name, "domain_id": await self._group_domain()}
        group = await self._directory.find_or_add("groups", new)
        if group is None:
            raise ProjectNotThere(
                self._site.name,
                f"no project for this login: its group {group_name} is taken there in another spelling",
            )
        await self._directory.grant_to_group(project, group["id"], role)

    async def _group_domain(self) -> str:
        name = self._site.federation.group_domain
        if self._group_domain_id:
            return self._group_domain_id
        domain = await self._directory.find("domains", name)
        if domain is None:
            reason = f"it has no domain {name} for groups and users of home (see deploy/k2k)"
            raise ExchangeRefused(self._site.name, reason)
        self._group_domain_id = str(domain["id"])
        return self._group_domain_id
