"""Flavors of one name, and of one ID."""

from collections.abc import Iterator

from adapters.spec import Ids
from federator.report.alike import declared, differences, everywhere, of_one_name
from federator.report.finding import Finding, Weight, found, plain
from federator.report.snapshot import Snapshot
from idmap.ids import is_uuid


def clashes(snapshot: Snapshot) -> Iterator[Finding]:
    """Those that become one, those that differ, and IDs that mean different things."""
    resource = snapshot.resources["flavor"]
    content = declared(snapshot, "flavor")
    named = of_one_name(snapshot.all("flavor"), lambda _, each: str(each.get("name")), content)
    yield from found(
        Weight.ONE,
        "flavors-one",
        "Flavors that are alike will be one",
        means="tenants see one flavor, and a server of it may be at any of these sites",
        cure="none is needed",
        cases=[everywhere(each) for each in named if not each.differ],
    )
    yield from found(
        Weight.CLASH,
        "flavors-differ",
        "Flavors of one name are different",
        means="tenants see several of that name, and whoever names it is told that there is more than one",
        cure="make them alike, extra specs included, or rename one; its servers keep what they have",
        cases=[differences(each, resource.equal_by) for each in named if each.differ],
    )
    if resource.ids is not Ids.CHOSEN:
        return
    by_id = of_one_name(
        ((site, each) for site, each in snapshot.all("flavor") if not is_uuid(each.get("id"))),
        lambda _, each: str(each.get("id")),
        content,
    )
    first = snapshot.sites[0].name
    yield from found(
        Weight.NOTE,
        "flavor-ids-clash",
        "Flavors of one ID are different",
        means=f"the ID means the flavor of the first site that has it (the first of all is {first}); those of "
        "the other sites are shown as ID@site",
        cure="none is needed, unless somebody has stored such IDs: then put the site first whose are in use",
        cases=[
            f"{plain(each.name)}: "
            + ", ".join(
                f"{plain(items[0].get('name'))} at {site}" for site, items in each.by_site.items()
            )
            for each in by_id
            if each.differ
        ],
    )
