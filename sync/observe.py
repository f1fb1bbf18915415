"""What there is at a site of the shared kinds. All of it, or nothing: half a list would make a wrong plan."""

import asyncio
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
    lists = await asyncio.gather(*(_listed(cloud, tongue, kind, pins) for kind in kinds))
    found = dict(zip((kind.name for kind in kinds), lists, strict=True))
    return Observed(
        {name: replicas or [] for name, replicas in found.items()},
        frozenset(name for name, replicas in found.items() if replicas is None),
    )


async def _listed(cloud: Cloud, tongue: Tongue, kind: Kind, pins: PinTable) -> list[Replica] | None:
    """The objects of one kind; None if the site does not know it, being without an extension."""
    resource, found = kind.resource, []
    try:
        async for items in cloud.pages(kind.path, resource.keys, kind.only):
            found += [
                Replica(
                    kind.name,
                    str(item["id"]),
                    tongue.outward(resource, item, pins),
                    item,
                    marks_of(item),
                )
                for item in items
            ]
    except Refused as error:
        if error.status != 404:
            raise
        return None
    return found
