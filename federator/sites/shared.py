"""What ``federator site remove`` says of what spans sites, and what it refuses."""

from collections import Counter
from collections.abc import Sequence

from adapters.errors import SettingsError
from idmap.desired import Desired, DesiredStore
from sync.leaver import Leaver
from sync.leaving import Departure


async def check(there: Leaver, *, give_up: bool) -> Departure:
    """What becomes of what spans sites. Raises SettingsError if something would be lost that should not be."""
    name = there.site.name
    if await there.store.led(name):
        raise SettingsError(
            f"the daemon of {name} is still running: stop federator sync --site {name} everywhere"
        )
    found = await there.look()
    if found.lost and not give_up:
        lines = [await _lost(there.store, entry, site) for entry, site in found.lost[:20]]
        more = [f"... and {len(found.lost) - 20} more"] if len(found.lost) > 20 else []
        raise SettingsError(
            f"of {len(found.lost)} objects that are to be at other sites too {name} alone has all: "
            + "; ".join([*lines, *more])
            + "; see that they come there, delete them while the site is still one of sites, or give them up"
            " with --give-up"
        )
    return found


async def _lost(store: DesiredStore, entry: Desired, site: str) -> str:
    name = entry.spec.get("name") or ""
    what = f"{entry.kind} {entry.global_id}" + (f" ({name})" if name else "")
    if site in entry.drained:
        return (
            f"{what} is drained at {site}: federator router restore {entry.global_id} --site {site}"
        )
    status = (await store.statuses(site, [entry.global_id])).get(entry.global_id)
    why = f" ({status.state}: {status.error or 'no error'})" if status is not None else ""
    return f"{what} is not at {site}{why}: federator plan --site {site}"


def lines(name: str, found: Departure, before: Sequence[Desired]) -> list[str]:
    """What would be done, and what the operator has to do himself; none if nothing spans sites from there."""
    if found == Departure():
        return []
    anchors = {entry.global_id: entry.anchor for entry in before}
    moved = Counter(e.anchor for e in found.kept if anchors[e.global_id] != e.anchor)
    gone = [*found.dropped, *(entry for entry, _ in found.lost)]
    said = [f"Its part in {_kinds([*found.kept, *gone])} that span sites:"]
    if found.kept:
        said.append(f"  at the others as before: {_kinds(found.kept)}")
    said += [f"  {n} of them had their anchor here: it moves to {to}" for to, n in moved.items()]
    if gone:
        said.append(f"  at no other site, and kept alike no more: {_kinds(gone)}")
    if any(entry.kind == "subnet" for entry in found.kept):
        said.append(
            f"  the addresses that {name} has of {_kinds([e for e in found.kept if e.kind == 'subnet'])} are"
            " given out by others from then on: cut it off from the VLANs of the federation before"
        )
    said.append(
        "  its replicas stay at the site, ports and all, with their tags (federator...): should it ever join"
        " again with them, they are taken up again"
    )
    return said


def _kinds(entries: Sequence[Desired]) -> str:
    counted = Counter(entry.kind.replace("_", " ") for entry in entries)
    return ", ".join(
        f"{n} {kind if n == 1 else _many(kind)}" for kind, n in sorted(counted.items())
    )


def _many(kind: str) -> str:
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
