"""What keeps the IDs of the sites apart."""

from collections import defaultdict
from collections.abc import Iterator

from federator.report.finding import Finding, Weight, found
from federator.report.snapshot import Snapshot


def clashes(snapshot: Snapshot) -> Iterator[Finding]:
    """Sites of one number or one namespace."""
    for what in ("number", "namespace"):
        sites: defaultdict[object, list[str]] = defaultdict(list)
        for site in snapshot.sites:
            sites[getattr(site, what)].append(site.name)
        yield from found(
            Weight.CLASH,
            f"site-{what}s-clash",
            f"Sites have the same {what}",
            means="IDs of one would be taken for IDs of the other: the gateway does not start",
            cure=f"state another {what} for one of them under federation in clouds.yaml",
            cases=[
                f"{' and '.join(names)}: {value}"
                for value, names in sites.items()
                if len(names) > 1
            ],
        )
