"""Subnets of tenants that overlap."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from federator.report.finding import Finding, Weight, found, plain
from federator.report.ranges import Range, of_cidr, overlapping, span
from federator.report.snapshot import Item, SiteView, Snapshot


def clashes(snapshot: Snapshot) -> Iterator[Finding]:
    """Of one project; and over all projects, in numbers."""
    by_project: defaultdict[str, list[Range]] = defaultdict(list)
    everybodys: list[Range] = []
    for site, subnet in snapshot.all("subnet"):
        network = site.network(subnet.get("network_id"))
        if network.get("router:external"):
            continue
        try:
            own = of_cidr(str(subnet.get("cidr")), site.name, _shown(site, subnet, network))
        except ValueError:
            continue
        by_project[site.project(subnet.get("project_id"))].append(own)
        everybodys.append(own)
    cases = [
        f"{plain(project)}: {'; '.join(f'{each.text} at {each.site}' for each in group)}"
        for project, ranges in sorted(by_project.items())
        for group in overlapping(ranges)
    ]
    yield from found(
        Weight.CLASH,
        "subnets-overlap-in-project",
        "Subnets of one project overlap",
        means="the project cannot route between them, have both on one router, or stretch one of the "
        "networks to the other site",
        cure="renumber one of them, or leave these networks apart for good",
        cases=cases,
    )
    yield from found(
        Weight.NOTE,
        "subnets-overlap",
        "Subnets overlap, over all projects",
        means="nothing as long as they belong to different projects; a network that projects of both "
        "sites are to share cannot use these ranges",
        cure="none is needed; give new networks ranges that no site uses, from a subnet pool for instance",
        cases=[_counted(group) for group in overlapping(everybodys)],
    )


def _shown(site: SiteView, subnet: Item, network: Item) -> str:
    return f"{subnet['cidr']} ({plain(network.get('name') or subnet.get('network_id'))})"


def _counted(group: Sequence[Range]) -> str:
    counts = Counter(each.site for each in group)
    told = ", ".join(f"{count} at {site}" for site, count in sorted(counts.items()))
    return f"{span(group)}: {told}"
