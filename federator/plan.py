"""Which sites have to answer a call. Pure: it decides on what is known, and asks nobody."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import Enum

from adapters.spec import Merge
from federator.call import Call
from federator.faults import BadRequest, Conflict, NotFound
from federator.merge import made_of
from federator.placement import Wish, place

Places = Mapping[str, str]
"""Site -> the local ID there."""


class Reach(Enum):
    """How many sites a call is for."""

    ONE = "the one site that owns it"
    ALL = "all sites, and their answers become one"
    ANCHOR = "the anchor of a shared object; the daemons take it to the other sites"
    SHARES = "all sites, each of which gets its share of what is set"
    EVERY_REPLICA = "each site that has it: the object is one to the tenant"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where the IDs of a call live, by the part of the call they stand in.

    An ID that is not at any one site (a project, a name that is the same everywhere) does not appear; an ID
    that nobody knows maps to no place.
    """

    path: Mapping[str, Places] = field(default_factory=dict)
    filters: Sequence[Mapping[str, Places]] = ()
    """One for each parameter of the query: its values are alternatives."""
    body: Mapping[str, Places] = field(default_factory=dict)
    zone: str = ""
    zone_sites: frozenset[str] | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)
    """The kinds of the IDs in the body."""
    anchors: Mapping[str, str] = field(default_factory=dict)
    """Of the IDs in path and body that are shared objects: the sites of their anchors."""


NOWHERE = Whereabouts()
"""Of a call that has not been looked into yet."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The sites to ask, in the order in which their answers count."""

    reach: Reach
    sites: tuple[str, ...]


def plan(
    call: Call,
    where: Whereabouts,
    sites: Sequence[str],
    default_site: str,
    away: Set[str] = frozenset(),
) -> Plan:
    """The sites for a call. Raises BadRequest, Conflict or NotFound.

    `sites` are all sites in configured order; those that are down too, for whether a site can answer is
    found out by asking. Only for what may be made anywhere those that are known to be `away` are passed over.
    """
    header_site = call.headers.get("X-Federation-Site", "")
    if header_site and header_site not in sites:
        raise BadRequest(f"X-Federation-Site: there is no site {header_site!r}.")
    if where.path:
        return _plan_for_object(call, where, sites, header_site)
    if call.method in ("GET", "HEAD"):
        return _plan_for_list(call, where, sites, default_site, header_site)
    if whole := whole_of(call, where):
        # At its anchor, if not what it is made of is elsewhere: a pool gives out prefixes at its own site.
        anchor = where.anchors[whole]
        able = [site for site in sites if all(site in p for p in where.body.values() if p)]
        return Plan(Reach.ANCHOR, (anchor if anchor in able or not able else able[0],))
    if call.method == "POST" and (call.resource is None or call.object_id is None):
        wish = Wish(
            refers_to={ref: set(places) for ref, places in where.body.items() if places},
            zone_sites=where.zone_sites,
            zone=where.zone,
            header_site=header_site,
        )
        site = place(wish, sites, default_site, away)
        if call.resource is not None and call.resource.equal_within and not header_site:
            # A part of something that is one at several sites is made at each of them.
            common = [each for each in sites if all(each in p for p in wish.refers_to.values())]
            if wish.refers_to and len(common) > 1:
                return Plan(Reach.EVERY_REPLICA, tuple(common))
        return Plan(Reach.ONE, (site,))
    if header_site or call.resource is None or call.is_list:
        # A collection has no such method; the site says so best.
        return Plan(Reach.ONE, (header_site or default_site,))
    if call.resource.merge is Merge.NUMBERS and "user_id=" not in call.query:
        return Plan(Reach.SHARES, _useful(where, sites))
    # A document without an owner: changing it at every site would multiply it. And a user of home is several
    # users at a site.
    raise BadRequest(
        "This can be changed only at one site at a time: name it with the header X-Federation-Site."
    )


def _plan_for_object(
    call: Call, where: Whereabouts, sites: Sequence[str], header_site: str
) -> Plan:
    owners = [site for site in sites if all(site in places for places in where.path.values())]
    if not owners:
        raise NotFound(_not_together(where.path, sites))
    if header_site:
        if header_site not in owners:
            raise NotFound(f"{call.object_id} is not at {header_site}.")
        owners = [header_site]
    anchor = next((where.anchors[ref] for ref in where.path if ref in where.anchors), "")
    if call.method in ("GET", "HEAD"):
        # What the anchor says of a shared object is said of all of it.
        return Plan(Reach.ONE, tuple(sorted(owners, key=lambda site: site != anchor)))
    if anchor:
        owners = [anchor]
    foreign = {
        ref: places for ref, places in where.body.items() if places and not places.keys() & owners
    }
    if foreign:
        ref, places = next(iter(foreign.items()))
        why = (
            f"{ref} is at {' and '.join(places)}, but {' and '.join(where.path)} is at "
            f"{' and '.join(owners)}; they have to be at one site."
        )
        if call.resource is not None and call.resource.elsewhere:
            raise Conflict(f"{why} {call.resource.elsewhere}")
        raise BadRequest(why)
    able = [site for site in owners if all(site in p for p in where.body.values() if p)]
    if not able:
        raise BadRequest(f"The request refers to things that are not at one site: {owners}.")
    if anchor or (call.plugs_in and where.anchors):
        # A router that is plugged into something shared has to go wherever that is.
        return Plan(Reach.ANCHOR, (anchor or able[0],))
    return Plan(Reach.EVERY_REPLICA if len(able) > 1 else Reach.ONE, tuple(able))


def whole_of(call: Call, where: Whereabouts) -> str:
    """The shared object of which a new one is to be a part; empty if there is none."""
    if not (call.is_create and call.resource is not None and call.resource.part_of):
        return ""
    wholes = {str(each.get(call.resource.part_of)) for each in made_of(call.resource, call.body)}
    return next((whole for whole in wholes if whole in where.anchors), "")


def _plan_for_list(
    call: Call, where: Whereabouts, sites: Sequence[str], default_site: str, header_site: str
) -> Plan:
    if header_site:
        return Plan(Reach.ONE if call.resource is None else Reach.ALL, (header_site,))
    if call.resource is None or call.resource.merge is Merge.FIRST:
        return Plan(Reach.ONE, (default_site, *(site for site in sites if site != default_site)))
    return Plan(Reach.ALL, _useful(where, sites))


def _useful(where: Whereabouts, sites: Sequence[str]) -> tuple[str, ...]:
    """Without those that have nothing that matches a filter by IDs."""
    return tuple(site for site in sites if all(_may_match(site, each) for each in where.filters))


def _may_match(site: str, values: Mapping[str, Places]) -> bool:
    return not values or any(site in places for places in values.values())


def _not_together(path: Mapping[str, Places], sites: Sequence[str]) -> str:
    for ref, places in path.items():
        if not any(site in places for site in sites):
            return f"{ref} could not be found."
    return " and ".join(path) + " are not at one site."
