"""Projects and domains of one name, and what becomes of home's projects at the sites."""

from collections.abc import Iterator

from federator.report.alike import everywhere, of_one_name
from federator.report.finding import Finding, Weight, found, plain
from federator.report.snapshot import HOME_TAG, Item, SiteView, Snapshot


def clashes(snapshot: Snapshot) -> Iterator[Finding]:
    """Home's projects first: they are those that tenants act in."""
    yield from _of_home(snapshot)
    strangers = (
        (site, project)
        for site, project in snapshot.all("project")
        if not _made_for(project) and not project.get("is_domain")
    )
    yield from found(
        Weight.NOTE,
        "projects-of-one-name",
        "Projects of one name at several sites",
        means="they have nothing to do with each other, unless the same project of home is mapped to them",
        cure="where they belong to one customer, list them for his project at home under federation.projects",
        cases=[
            everywhere(each)
            for each in of_one_name(strangers, lambda s, p: s.project(p["id"]), lambda s, p: "")
        ],
    )
    yield from found(
        Weight.NOTE,
        "domains-of-one-name",
        "Domains of one name at several sites",
        means="a project of home is made in the site's domain of the same name",
        cure="none is needed, if they belong to the same customer; else rename one",
        cases=[
            everywhere(each)
            for each in of_one_name(
                snapshot.all("domain"), lambda _, d: str(d["name"]), lambda _, d: ""
            )
        ],
    )


def _of_home(snapshot: Snapshot) -> Iterator[Finding]:
    home = snapshot.home
    names = {home.project(project["id"]): str(project["id"]) for project in home.of("project")}
    taken, mapped = [], []
    for site in snapshot.sites:
        at_site = {_own_name(site, project): project for project in site.of("project")}
        for name, home_id in sorted(names.items()):
            if name in site.listed:
                mapped.append(f"{plain(name)} at {site.name}: {plain(site.listed[name])}")
            elif name in at_site and not _stands_for(at_site[name], home_id):
                taken.append(f"{plain(name)} at {site.name} ({at_site[name]['id']})")
    yield from found(
        Weight.CLASH,
        "home-projects-taken",
        "Projects of home whose name is taken at a site",
        means="their members get nothing at that site: a project that is neither listed nor made by the "
        "gateway is somebody else's",
        cure="list the project for home's under federation.projects if it is meant to be the same, else "
        "rename one of the two",
        cases=taken,
    )
    yield from found(
        Weight.ONE,
        "home-projects-mapped",
        "Projects of home that are mapped to existing ones",
        means="whoever has a role in home's project acts in the site's, and sees all that is in it",
        cure="none is needed; look whether that is what is wanted",
        cases=mapped,
    )


def _own_name(site: SiteView, project: Item) -> str:
    return f"{site.domain(project.get('domain_id'))}/{project['name']}"


def _stands_for(project: Item, home_id: str) -> bool:
    """Whether a project is home's own (a site that shares home's projects), or was made for it."""
    return project["id"] == home_id or HOME_TAG + home_id in (project.get("tags") or ())


def _made_for(project: Item) -> bool:
    return any(str(tag).startswith(HOME_TAG) for tag in project.get("tags") or ())
