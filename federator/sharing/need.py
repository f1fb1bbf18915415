"""What a request refers to that is not at the site where it has to be served. Pure.

A server at tokyo may be wanted on a network of paris: what can be at several sites comes to where it is needed.
What cannot (a volume, a port) decides the site.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from federator.call import Call
from federator.plan import Whereabouts, whole_of

CHANGES = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class Need:
    """Where a request has to be served, and what has to come there first."""

    site: str
    missing: tuple[tuple[str, str], ...]
    """(kind, global ID)."""


def need(
    call: Call,
    where: Whereabouts,
    shared: Set[str],
    sites: Sequence[str],
    default_site: str,
    away: Set[str] = frozenset(),
) -> Need | None:
    """What has to come to which site; None if nothing has to, or if it would not help.

    `shared` are the kinds that can be at several sites; `away` the sites that are known to be down.
    """
    if call.method not in CHANGES or call.resource is None:
        return None
    movable = {ref for ref in where.body if where.kinds.get(ref) in shared}
    if not movable or not all(where.body[ref] for ref in movable):
        return None
    candidates = _candidates(call, where, movable, sites)
    if not candidates:
        return None
    if any(all(site in where.body[ref] for ref in movable) for site in candidates):
        return None
    site = _chosen(candidates, where, movable, default_site, away)
    missing = [(where.kinds[ref], ref) for ref in where.body if ref in movable]
    return Need(site, tuple(each for each in missing if site not in where.body[each[1]]))


def _candidates(
    call: Call, where: Whereabouts, movable: Set[str], sites: Sequence[str]
) -> list[str]:
    """The sites that everything allows which is not movable itself, in configured order."""
    fixed: list[Mapping[str, str] | Set[str]] = [
        places for ref, places in where.body.items() if ref not in movable and places
    ]
    if where.path:
        owners = [
            {where.anchors[ref]} if ref in where.anchors else set(places)
            for ref, places in where.path.items()
        ]
        fixed += owners
    if where.zone_sites is not None and not where.path:
        fixed.append(where.zone_sites)
    header = call.headers.get("X-Federation-Site", "")
    wanted = [site for site in sites if header in ("", site)]
    found = [site for site in wanted if all(site in each for each in fixed)]
    # A part of something shared is made at the anchor of that, if nothing is against it.
    anchor = where.anchors.get(whole_of(call, where))
    return [anchor] if anchor in found else found


def _chosen(
    candidates: Sequence[str],
    where: Whereabouts,
    movable: Set[str],
    default_site: str,
    away: Set[str],
) -> str:
    """The one to which least has to come; of several the default, else the first."""
    present = [site for site in candidates if site not in away] or candidates

    def lacks(site: str) -> tuple[int, bool]:
        count = sum(site not in where.body[ref] for ref in movable)
        return count, site != default_site

    return min(present, key=lacks)
