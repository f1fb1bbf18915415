"""What a site needs before a home project can log in: domain, project, groups, grants.

Made at the first login, by the gateway's account, and never taken away here. What is there already
is left as it is; two processes that do the same at once make one project (the later one gets 409
and looks again).

Which project of the site stands for a home project
    1. the one the table ``federation.projects`` in clouds.yaml names;
    2. the one with the tag ``federator-home-<home project ID>``, whatever its name: names change;
    3. a new one, by the names at home. A project that is there under these names, but neither
       listed nor tagged for this home project, is somebody else's: it is not used.
"""

import asyncio

from adapters.account import Account
from adapters.directory import Directory, Entry
from adapters.errors import ExchangeRefused, NotScoped, ProjectNotThere
from adapters.flight import SingleFlight
from adapters.identity import Identity
from adapters.mapping import ROLES, carried_roles, closure, group_name, home_user
from adapters.sites import Site

_TAG = "federator"
_HOME_TAG = "federator-home-"


class Provisioner:
    """Keeps one site ready for the projects of home."""

    def __init__(self, site: Site, account: Account) -> None:
        self._site = site
        self._directory = Directory(account)
        self._group_domain_id = ""
        self._projects: dict[str, str] = {}
        self._granted: set[tuple[str, str]] = set()
        self._implied: dict[str, list[str]] = {}
        self._project_flights: SingleFlight[str, str] = SingleFlight()
        self._grant_flights: SingleFlight[tuple[str, str], None] = SingleFlight()

    async def ensure(self, identity: Identity) -> str:
        """The site's project for this login, with the grants of its roles; asks once per process.

        Raises NotScoped, NameNotCarried, ProjectNotThere, SiteUnreachable, ExchangeRefused.
        """
        roles = carried_roles(identity, self._site)
        home_id = _home_id(identity)
        project = self._projects.get(home_id)
        if project is None:
            project = await self._project_flights.run(home_id, lambda: self._project(identity))
            self._projects[home_id] = project
        await asyncio.gather(*(self._grant(project, identity, role) for role in roles))
        return project

    async def allowed_roles(self, identity: Identity, *, fresh: bool = False) -> frozenset[str]:
        """All that a site token of this login may have: its roles, and what they imply there."""
        if fresh or not self._implied:
            self._implied = await self._read_implied()
        return closure(carried_roles(identity, self._site), self._implied)

    def forget(self, identity: Identity) -> None:
        """The site refused this login: look again whether everything is there."""
        project = self._projects.pop(_home_id(identity), None)
        self._granted = {(at, group) for at, group in self._granted if at != project}

    async def known_projects(self, home: Account) -> dict[str, str]:
        """Home project ID -> site project ID, of all that stand for each other.

        `home` is the gateway's account there: the table in clouds.yaml has names only. Raises
        SiteUnreachable, ExchangeRefused.
        """
        found = {}
        for project in await self._directory.list("projects", tags=_TAG):
            for home_id in _home_ids(project):
                found[home_id] = str(project["id"])
        for ours, theirs in self._site.federation.projects.items():
            at_home = await Directory(home).project(ours)
            at_site = await self._directory.project(theirs)
            if at_home and at_site:
                found[at_home["id"]] = at_site["id"]
        return found

    async def known_users(self) -> dict[str, tuple[str, str]]:
        """Site user ID -> (user name, domain name) at home, of all who ever logged in.

        One home user has several IDs at a site. Raises SiteUnreachable, ExchangeRefused.
        """
        domain = await self._group_domain()
        users = await self._directory.list("users", domain_id=domain)
        names = {str(user["id"]): home_user(user["name"]) for user in users}
        return {user_id: name for user_id, name in names.items() if name is not None}

    async def _project(self, identity: Identity) -> str:
        await self._group_domain()  # nothing is made at a site that is not set up
        ours = f"{identity.project_domain_name}/{identity.project_name}"
        listed = self._site.federation.projects.get(ours)
        if listed is not None:
            project = await self._directory.project(listed)
            if project is None:
                raise self._not_there(f"{listed}, listed for {ours} in clouds.yaml: make it there")
        else:
            project = await self._own_project(identity, ours)
        if not project.get("enabled", True):
            raise self._not_there(f"the one for {ours} is disabled there")
        return str(project["id"])

    async def _own_project(self, identity: Identity, ours: str) -> Entry:
        home_id = _home_id(identity)
        tags = [_TAG, _HOME_TAG + home_id]
        tagged = await self._directory.list("projects", tags=",".join(tags))
        if len(tagged) > 1:
            ids = ", ".join(project["id"] for project in tagged)
            raise self._not_there(f"several have the tag {tags[1]} ({ids}); leave it to one")
        if tagged:
            return tagged[0]
        domain = await self._domain(identity.project_domain_name or "")
        # Looked for before it is made: a project of somebody else must not cost a failing POST
        # at every login. Looked for again after a 409: another gateway may have made it just now.
        by_name = {"domain_id": domain}
        name = identity.project_name or ""
        project = await self._directory.find("projects", name, **by_name)
        if project is None:
            new = {
                "name": name,
                "domain_id": domain,
                "tags": tags,
                "description": f"{ours} of home",
            }
            project = await self._directory.add("projects", new)
        if project is None:
            project = await self._directory.find("projects", name, **by_name)
        if project is None:
            raise self._not_there(f"the name {ours} is taken there in another spelling")
        if home_id not in _home_ids(project):
            raise self._not_there(
                f"the one named {ours} there was not made for it; to use it, list it under "
                f"clouds.{self._site.name}.federation.projects in clouds.yaml"
            )
        return project

    async def _domain(self, name: str) -> str:
        domain = await self._directory.find("domains", name)
        if domain is None:
            domain = await self._directory.add("domains", {"name": name})
        if domain is None:
            domain = await self._directory.find("domains", name)
        if domain is None:
            raise self._not_there(f"the domain name {name} is taken there in another spelling")
        return str(domain["id"])

    async def _grant(self, project: str, identity: Identity, role: str) -> None:
        key = (project, group_name(identity, role))
        if key not in self._granted:
            await self._grant_flights.run(key, lambda: self._ensure_grant(*key, role))
            self._granted.add(key)

    async def _ensure_grant(self, project: str, group_name: str, role_name: str) -> None:
        role = await self._directory.find("roles", role_name)
        if role is None:
            # Releases before 2023.2 have no "manager". The lower roles of the login remain.
            return
        domain = await self._group_domain()
        group = await self._directory.find("groups", group_name, domain_id=domain)
        if group is None:
            new = {"name": group_name, "domain_id": domain}
            group = await self._directory.add("groups", new)
        if group is None:
            group = await self._directory.find("groups", group_name, domain_id=domain)
        if group is None:
            raise self._not_there(f"its group {group_name} is taken there in another spelling")
        await self._directory.grant(project, group["id"], role["id"])

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

    async def _read_implied(self) -> dict[str, list[str]]:
        answer = await self._directory.call("GET", "/role_inferences", None, {200, 403})
        if answer.status == 403:
            return {role: list(ROLES[rank:]) for rank, role in enumerate(ROLES, start=1)}
        return {
            inference["prior_role"]["name"]: [role["name"] for role in inference["implies"]]
            for inference in answer.json["role_inferences"]
        }

    def _not_there(self, reason: str) -> ProjectNotThere:
        return ProjectNotThere(self._site.name, f"no project for this login: {reason}")


def _home_id(identity: Identity) -> str:
    if identity.project_id is None:
        raise NotScoped("the token is not scoped to a project")
    return identity.project_id


def _home_ids(project: Entry) -> list[str]:
    """The home projects a site project was made for; one, unless somebody changed its tags."""
    tags = project.get("tags") or ()
    if _TAG not in tags:
        return []
    return [tag.removeprefix(_HOME_TAG) for tag in tags if tag.startswith(_HOME_TAG)]
