"""Parts of what is in our care that were made at its anchor, and of which nobody was told. Pure.

Who made one for its tenant died over it, or waited in vain for the answer. What the anchor has is the tenant's:
so it is wanted wherever the whole is.
"""

from collections.abc import Callable, Mapping, Sequence

from adapters.marks import in_text
from adapters.spec import PROJECT
from idmap.desired import Desired
from idmap.pins import PinTable
from idmap.store import SHARED
from sync.kind import Kind
from sync.plan import Replica
from sync.registry import kind_of
from sync.share import entry_of


def untold(
    site: str,
    kinds: Sequence[Kind],
    desired: Sequence[Desired],
    seen: Mapping[str, Sequence[Replica]],
    pins: PinTable,
    there: Callable[[Desired], Replica | None],
) -> list[tuple[Desired, Replica, Desired]]:
    """(what is to be desired, what there is of it, the whole), for the daemon of the anchor.

    `seen` is what stands at the site, by kind, `there` what of it is something that is desired.
    """
    known = {entry.global_id: entry for entry in desired}
    found = []
    for kind in kinds:
        # What a daemon has made again, and died over, is known by what it says.
        said = {kind.natural(entry.spec) for entry in desired if entry.kind == kind.name} - {None}
        for replica in seen.get(kind.name, ()) if kind.resource.part_of else ():
            part_of = str(replica.item.get(kind.resource.part_of))
            whole = known.get(part_of)
            if whole is None or replica.global_id in known or replica.marks is not None:
                continue
            pin = pins.pin(None, replica.global_id)
            if (pin is not None and pin.origin != SHARED) or not _is_kept(site, whole):
                continue
            its = there(whole)
            if its is None or its.local_id != replica.local.get(kind.resource.part_of):
                continue
            if kind.natural(replica.item) in said:
                continue
            is_the_tenants = kind.exclusive or replica.item.get("project_id") == whole.project
            if in_text(its.local) or not is_the_tenants:
                # Neutron's own beside what was just made again, or an admin's.
                continue
            new = entry_of(kind, {**replica.item, "project_id": whole.project}, site, whole.sites)
            if all(
                each in known and known[each].sites >= whole.sites for each in _names(kind, new)
            ):
                found.append((new, replica, whole))
    return found


def _is_kept(site: str, whole: Desired) -> bool:
    if whole.anchor != site or len(whole.sites) < 2 or whole.unread:
        return False
    # Of a default group nobody knows which rules Neutron has written by itself.
    by_itself = kind_of(whole.kind).natural(whole.spec) is not None
    return not (whole.deleted or whole.changing or whole.quarantined or by_itself)


def _names(kind: Kind, entry: Desired) -> set[str]:
    """The global IDs of what has to be wherever it is."""
    refs = kind.resource.refs
    fields = [name for name in kind.born if name in refs and refs[name] != PROJECT]
    values = [entry.spec.get(name) for name in fields if name not in kind.at_anchor]
    return {str(each) for each in values if each}
