"""Volume types and group types of one name."""

from collections.abc import Iterator

from federator.report.alike import declared, differences, everywhere, of_one_name
from federator.report.finding import Finding, Weight, found
from federator.report.snapshot import Snapshot

_KINDS = {"volume_type": "Volume types", "group_type": "Types of volume groups"}


def clashes(snapshot: Snapshot) -> Iterator[Finding]:
    """Those that become one, and those that differ."""
    for kind, noun in _KINDS.items():
        fields = snapshot.resources[kind].equal_by
        things = snapshot.all(kind)
        named = of_one_name(things, lambda _, e: str(e.get("name")), declared(snapshot, kind))
        slug = kind.replace("_", "-")
        yield from found(
            Weight.ONE,
            f"{slug}s-one",
            f"{noun} that are alike will be one",
            means="tenants see one of them",
            cure="none is needed",
            cases=[everywhere(each) for each in named if not each.differ],
        )
        yield from found(
            Weight.CLASH,
            f"{slug}s-differ",
            f"{noun} of one name are different",
            means="tenants see several of that name, and whoever names it is told that there is more than one",
            cure="make their specs alike, or rename one; a backend's name in the specs keeps them apart",
            cases=[differences(each, fields) for each in named if each.differ],
        )
