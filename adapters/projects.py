"""Which project of a site stands for a home project. Made at the first login, never taken away here.

    1. the one that the table ``federation.projects`` in clouds.yaml names;
    2. the one with the tag ``federator-home-<home project ID>``, whatever its name: names change;
    3. a new one, by the names at home. A project that is there under these names, but neither
       listed nor tagged for this home project, is somebody else's: it is not used.

Two processes that do the same at once make one project (the later one gets 409 and looks again).
"""

from cachetools import LRUCache

from adapters.account import Account
from adapters.directory import Directory, Entry
from adapters.errors import NotScoped, ProjectNotThere
from adapters.flight import SingleFlight
from adapters.identity import Identity
from adapters.sites import Site

_TAG = "federator"
_HOME_TAG = "federator-home-"

_KEPT = 50_000
"""Projects that are known; of others the site is asked at their next login."""


class Projects:
    """Finds or makes the projects of one site; asks once per process."""

    def __init__(self, site: Site, directory: Directory) -> None:
        self._site = site
        self._directory = directory
        self._known: LRUCache[str, str] = LRUCache(_KEPT)
        self._flights: SingleFlight[str, str] = SingleFlight()

    async def ensure(self, identity: Identity) -> str:
        """The ID of the site's project for this login.

        Raises NotScoped, ProjectNotThere, SiteUnreachable, ExchangeRefused.
        """
        home_id = _home_id(identity)
        project = self._known.get(home_id)
        if project is None:
            project = await self._flights.run(home_id, lambda: self._find_or_make(identity))
            self._known[home_id] = project
        return project

    def forget(self, identity: Identity) -> str | None:
        """Look again at the next login. The project that was known so far."""
        return self._known.pop(_home_id(identity), None)

    async def known(self, home: Account) -> dict[str, str]:
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

    async def _find_or_make(self, identity: Identity) -> str:
        domain = identity.project_domain_name or ""
        ours = f"{domain}/{identity.project_name}"
        # The table's names end at the first slash. A domain with one in its name would be read as
        # another domain, so it has no place there.
        listed = None if "/" in domain else self._site.federation.projects.get(ours)
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
        # Looked for before it is made: a project of somebody else must not cost a failing POST at
        # every login.
        new = {
            "name": identity.project_name or "",
            "domain_id": await self._domain(identity.project_domain_name or ""),
            "tags": tags,
            "description": f"{ours} of home",
        }
        project = await self._directory.find_or_add("projects", new)
        if project is None:
            raise self._not_there(f"the name {ours} is taken there in another spelling")
        if home_id not in _home_ids(project):
            raise self._not_there(
                f"the one named {ours} there was not made for it; to use it, list it under "
                f"clouds.{self._site.name}.federation.projects in clouds.yaml"
            )
        return project

    async def _domain(self, name: str) -> str:
        domain = await self._directory.find_or_add("domains", {"name": name})
        if domain is None:
            raise self._not_there(f"the domain name {name} is taken there in another spelling")
        return str(domain["id"])

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
