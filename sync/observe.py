"""What there is at a site of the shared kinds. All of it, or nothing: half a list would make a wrong plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters.marks import marks_of
from idmap.pins import PinTable
from sync.cloud import Cloud, Refused
from sync.kind import Kind
from sync.plan import Replica
from sync.tongue import Tongue


@dataclass(frozen=True, slots=True)
class Observed:
    """A site as it was found."""

    replicas: Mapping[str, Sequence[Replica]]
    """Kind -> its objects, ours and others'."""
    unknown: frozenset[str]
    """Kinds that the site does not know."""

    @property
    def listed(self) -> dict[str, int]:
        """Kind -> how many objects there are."""
        return {kind: len(replicas) for kind, replicas in self.replicas.items()}


async def observe(cloud: Cloud, tongue: Tongue, kinds: Sequence[Kind], pins: PinTable) -> Observed:
    """Every object of these kinds. Raises SiteUnreachable and Refused if one of the lists is not to be had."""
    replicas: dict[str, list[Replica]] = {}
    unknown: set[str] = set()
    for kind in kinds:
        found = replicas.setdefault(kind.name, [])
        try:
            async for items in cloud.pages(kind.path, kind.resource.keys, kind.only):
                found += [
                    Replica(
                        kind.name,
                        str(item["id"]),
                        tongue.outward(kind.resource, item, pins),
                        item,
                        marks_of(item),
                    )
                    for item in items
                ]
        except Refused as error:
            if error.status != 404:
                raise
            # An extension that this site lacks.
            unknown.add(kind.name)
    return Observed(replicas, frozenset(unknown))
