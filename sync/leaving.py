"""What becomes of what spans sites when one of them leaves the federation. Pure.

It goes on at the others. What had its anchor at the site gets another one, families together: the interfaces
of a router are changed where the router is. What was to be at other sites too, and has come to none, would be
lost; that is for an operator to decide.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from idmap.desired import Desired
from sync.joining import can_be_kept
from sync.share import wholes

Places = Callable[[str], Mapping[str, str]]
"""Global ID -> site -> the local ID of its replica there."""


@dataclass(frozen=True, slots=True)
class Departure:
    """What is to be written."""

    kept: list[Desired] = field(default_factory=list)
    """As they are from then on."""
    dropped: list[Desired] = field(default_factory=list)
    """They were at this site alone."""
    lost: list[tuple[Desired, str]] = field(default_factory=list)
    """With the site that is nearest to having it: they would be dropped."""


def departure(
    site: str,
    entries: Sequence[Desired],
    places: Places,
    order: Sequence[str],
    is_free: Collection[str] = (),
) -> Departure:
    """What follows from it that this site leaves; of the others the first in `order` are preferred.

    `is_free` is what its tenants keep at no certain sites, as far as that is known (`sync.joining`).
    """
    result = Departure()
    homeless: dict[str, Desired] = {}
    for entry in entries:
        rest = _without(site, entry)
        if rest == entry:
            continue
        if entry.anchor != site:
            result.kept.append(rest)
        elif not rest.sites and not rest.unread:
            result.dropped.append(entry)
        elif entry.deleted:
            others = _ordered(rest.sites or rest.unread, order)
            result.kept.append(replace(rest, anchor=others[0]))
        elif entry.quarantined and rest.unread:
            # Its anchor may be at one of those.
            away = sorted(rest.unread)[0]
            result.kept.append(replace(rest, anchor=away, sites=rest.sites | {away}))
        else:
            stays = rest.stays or (can_be_kept(rest) and rest.global_id not in is_free)
            homeless[entry.global_id] = replace(rest, stays=stays)
    for family in _families(homeless):
        _rehouse(family, places, order, result)
    return result


def _without(site: str, entry: Desired) -> Desired:
    gone = {site}
    rest = replace(
        entry,
        sites=entry.sites - gone,
        unread=entry.unread - gone,
        drained=entry.drained - gone,
        gone=entry.gone - gone,
    )
    if entry.quarantined and entry.unread == gone:
        # It waited for this site, where its anchor may be.
        rest = replace(rest, quarantined="")
    return rest


def _rehouse(
    family: Collection[Desired], places: Places, order: Sequence[str], result: Departure
) -> None:
    """All of a family get the anchor where most of them are, if all are."""

    def there(entry: Desired, site: str) -> bool:
        known = site in entry.sites - entry.unread
        return known and site in places(entry.global_id)

    sites = _ordered({site for e in family for site in e.sites | e.unread}, order)
    best = max(sites, key=lambda site: sum(there(entry, site) for entry in family))
    for entry in family:
        if there(entry, best):
            result.kept.append(replace(entry, anchor=best))
        else:
            result.lost.append((entry, best))


def _ordered(sites: Collection[str], order: Sequence[str]) -> list[str]:
    return sorted(sites, key=lambda site: (site not in order, *(s != site for s in order), site))


def _families(entries: Mapping[str, Desired]) -> list[list[Desired]]:
    """Those that are parts of each other, or of the same."""
    found: list[dict[str, Desired]] = []
    for gid, entry in entries.items():
        near = {gid, *wholes(entry)}
        mine = {gid: entry}
        for other in [each for each in found if near & _around(each.values())]:
            found.remove(other)
            mine |= other
        found.append(mine)
    return [list(each.values()) for each in found]


def _around(entries: Collection[Desired]) -> set[str]:
    return {gid for entry in entries for gid in (entry.global_id, *wholes(entry))}
