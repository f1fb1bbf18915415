"""Which routers need a way over a transit network, over which routes, and what is to be done for it. Pure.

Nothing is taken away on the word of nobody: over a site that has not told what it has, routes stay.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from adapters.transit import PREFIXES, hop_at
from idmap.desired import Desired
from sync.plan import Replica
from sync.transit.standing import routes_over
from sync.transit.words import Words, ends_of
from sync.ways import Build, Clear, Part, Route, Work

NO_ROUTER = "there is no such router"
LARGEST_MTU = 1500
"""In bytes. More is not asked for: what one site carries beyond it another may not."""


@dataclass(frozen=True, slots=True)
class Land:
    """What is known at one site when it is decided."""

    site: str
    words: Words
    """Of all sites, this one's among them."""
    quiet: Mapping[str, Collection[str]]
    """Router -> the sites at which it is, and of which nobody knows what they have of it."""
    parts: Mapping[str, Part]
    """By the global ID of the router."""
    spare: Sequence[Part]
    replicas: Mapping[str, Replica]
    """What there is of each router here, by its global ID."""
    there: Mapping[str, Replica]
    """All routers of the site, by their local IDs."""
    bare: Collection[str]
    """The local IDs of those that are plugged into nothing else."""
    vlans: Mapping[str, int]
    """Router -> the VLAN ID that has been chosen for it."""
    numbers: Mapping[str, int]
    """Of the sites."""
    read: bool
    """Whether it is known what is in our care here."""

    def routes(self, local_id: str) -> frozenset[Route]:
        """Those of a router that are ours."""
        hops = {hop_at(number, p.version) for number in self.numbers.values() for p in PREFIXES}
        router = self.there.get(local_id)
        return routes_over(router, hops) if router is not None else frozenset()

    def cleared(self, part: Part, why: str) -> Clear:
        """All of a part is to be gone, wherever it is plugged in."""
        return Clear(part.router, part, part.plugged, self.routes(part.plugged), why)


def is_needed(router: Desired, words: Words) -> bool:
    """Whether a site has a network of its own to which a router leads from others."""
    if router.deleted or len(router.sites) < 2:
        return False
    return any(ends.own for ends in ends_of(words, router.global_id, router.sites).values())


def work(land: Land, routers: Iterable[Desired]) -> Work:
    """What is to be done. `routers` are all that are in our care, those that are to be gone among them."""
    clears = [land.cleared(each, "is one too many") for each in land.spare]
    builds: list[Build] = []
    waiting: dict[str, str] = {}
    known = set()
    for router in routers:
        known.add(router.global_id)
        if land.site in router.unread:
            continue
        replica, part = land.replicas.get(router.global_id), land.parts.get(router.global_id)
        if (why := _unwanted(land, router, replica)) is not None:
            clears += _cleared(land, router, replica, why)
        elif router.quarantined or replica is None or not is_needed(router, land.words):
            continue
        elif (vlan := land.vlans.get(router.global_id)) is None:
            waiting[router.global_id] = "no VLAN ID has been chosen for it yet"
        elif part is not None and part.vlan != vlan:
            clears.append(land.cleared(part, f"VLAN {vlan} has been chosen for it"))
        elif part is not None and part.plugged and part.plugged != replica.local_id:
            clears.append(land.cleared(part, "is plugged into another router"))
        else:
            builds += _built(land, router, replica, vlan)
    if land.read:
        lost = [part for gid, part in land.parts.items() if gid not in known]
        clears += [land.cleared(part, NO_ROUTER) for part in lost]
    return Work((*clears, *builds), waiting)


def _unwanted(land: Land, router: Desired, replica: Replica | None) -> str | None:
    """Why a router is to have no transit network here; None if it is, or if nobody knows."""
    if router.deleted or land.site not in router.sites:
        return "its router is to be gone"
    if router.quarantined:
        # Its owner may want to delete it.
        bare = replica is not None and replica.local_id in land.bare and not router.unread
        return "its router is plugged into nothing else" if bare else None
    if not is_needed(router, land.words) and not land.quiet[router.global_id]:
        return "no site has a network of its own"
    return None


def _cleared(land: Land, router: Desired, replica: Replica | None, why: str) -> list[Clear]:
    part = land.parts.get(router.global_id)
    if part is not None:
        return [land.cleared(part, why)]
    routes = land.routes(replica.local_id) if replica is not None else frozenset[Route]()
    return (
        [Clear(router.global_id, None, replica.local_id, routes, why)] if replica and routes else []
    )


def _built(land: Land, router: Desired, replica: Replica, vlan: int) -> list[Build]:
    gid, part = router.global_id, land.parts.get(router.global_id)
    there = land.routes(replica.local_id)
    wanted = routes_at(land.site, router, land.words, land.numbers)
    unsure = {
        hop_at(land.numbers[s], p.version)
        for s in land.quiet[gid]
        if s in land.numbers
        for p in PREFIXES
    }
    remove = frozenset(route for route in there - wanted if route[1] not in unsure)
    told = [ends.mtu for ends in ends_of(land.words, gid, router.sites).values() if ends.mtu]
    mtu = min([LARGEST_MTU, *told])
    whole = (
        part is not None
        and part.plugged
        and len(part.subnets) == len(PREFIXES)
        and (part.mtu or 0) <= mtu
    )
    if whole and wanted <= there and not remove:
        return []
    hops: dict[int, str] = {
        each.version: hop_at(land.numbers[land.site], each.version) for each in PREFIXES
    }
    return [Build(gid, replica.local_id, part, vlan, mtu, hops, wanted - there, remove)]


def routes_at(
    site: str, router: Desired, words: Words, numbers: Mapping[str, int]
) -> frozenset[Route]:
    """The routes that a router needs at a site to reach what other sites have of their own.

    Where the tenant leads something elsewhere himself, his word counts. `numbers` are those of the sites.
    """
    ends = ends_of(words, router.global_id, router.sites & numbers.keys())
    taken = {str(each.get("destination")) for each in router.spec.get("routes") or ()}
    mine = ends.pop(site, None)
    taken |= set(mine.own) if mine is not None else set()
    found: dict[str, Route] = {}
    for other, each in ends.items():
        for cidr in each.own:
            if cidr not in taken:
                hop = hop_at(numbers[other], ip_network(cidr).version)
                found.setdefault(cidr, (cidr, hop))
    return frozenset(found.values())
