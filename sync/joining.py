"""A site that joins gets what exists, where everything is to be at all sites (`sharing: eager`). Pure.

Not what its tenant keeps at certain sites by ``availability_zone_hints``, nor what is not complete without such
a thing: a router that leads to a network which stays where it is stays there too.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

from idmap.desired import Desired
from sync.plan import Replica
from sync.registry import kind_of
from sync.share import wholes

HINTS = "availability_zone_hints"


def free(
    site: str, desired: Sequence[Desired], there: Callable[[Desired], Replica | None]
) -> list[str]:
    """Of what has its anchor at this site and could be kept at certain sites, the global IDs of what is not.

    `there` gives what was observed of an entry.
    """
    found = []
    for entry in desired:
        if entry.anchor == site and not (entry.deleted or entry.stays) and can_be_kept(entry):
            replica = there(entry)
            if replica is not None and not replica.local.get(HINTS):
                found.append(entry.global_id)
    return sorted(found)


def due(site: str, desired: Sequence[Desired], is_free: Collection[str]) -> list[Desired]:
    """What is to be at this site as well, each with all that belongs to it."""
    alive = {entry.global_id: entry for entry in desired if not entry.deleted}
    needs = _needs(alive)
    staying = {
        gid
        for gid, entry in alive.items()
        if site not in entry.sites
        if entry.quarantined or (can_be_kept(entry) and gid not in is_free)
    }
    return [
        entry
        for gid, entry in alive.items()
        if site not in entry.sites and not _family(gid, needs) & staying
    ]


def can_be_kept(entry: Desired) -> bool:
    """Whether a tenant can say of such things where they are to be."""
    return f"{HINTS}[]" in kind_of(entry.kind).resource.refs


def _needs(alive: Mapping[str, Desired]) -> dict[str, set[str]]:
    """Global ID -> what has to be wherever that is: what it refers to, and its parts."""
    needs = defaultdict[str, set[str]](set)
    for gid, entry in alive.items():
        refs = kind_of(entry.kind).resource.refs
        named = {str(value) for name, value in entry.spec.items() if name in refs and value}
        whole = wholes(entry)
        needs[gid] |= (named | whole) & alive.keys()
        for each in whole & alive.keys():
            needs[each].add(gid)
    return needs


def _family(gid: str, needs: Mapping[str, Collection[str]]) -> set[str]:
    found, todo = set[str](), [gid]
    while todo:
        if (each := todo.pop()) not in found:
            found.add(each)
            todo += needs.get(each, ())
    return found
