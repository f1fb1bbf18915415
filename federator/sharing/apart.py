"""Networks that stay at their sites, and the routers that are plugged into them all the same.

A network in a tunnel that has ports cannot be stretched. A router may still lead to it from other sites, over a
transit network of its own (`sync.transit`); whether it can is found out here, before anything is done.
"""

from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, replace
from ipaddress import ip_network

from federator.faults import BadRequest, Conflict, Unavailable
from federator.plan import Whereabouts
from federator.sharing.closure import Member
from idmap.desired import Desired, DesiredStore
from sync.transit.wanted import routes_at
from sync.transit.words import NAME, Words, ends_of, loaded

Own = Mapping[str, Collection[str]]
"""Site -> the CIDRs to which a router leads there, and at no other site."""


@dataclass(frozen=True, slots=True)
class Apart:
    """Knows what stays where it is. Every method may raise StoreUnavailable."""

    store: DesiredStore
    max_routes: Mapping[str, int]
    """Of each site: how many routes a router may have there."""
    numbers: Mapping[str, int]
    """Of the sites."""

    async def ways(self, router: Desired, site: str) -> list[dict[str, str]]:
        """The routes of a router over its transit network at a site, where there is one."""
        words = await self._words()
        if not _has_ways(words, router.global_id, site):
            return []
        routes = routes_at(site, router, words, self.numbers)
        return [{"destination": to, "nexthop": over} for to, over in sorted(routes)]

    async def has_ways(self, router: Desired, site: str) -> bool:
        """Whether a router has a transit network at a site, as far as that is told."""
        return _has_ways(await self._words(), router.global_id, site)

    async def owners(self, router: Desired) -> frozenset[str]:
        """The sites at which a router is plugged into something that stays there, as far as they have told."""
        told = ends_of(await self._words(), router.global_id, router.sites)
        return frozenset(site for site, ends in told.items() if ends.own)

    async def is_led_to(self, router: str, site: str, subnets: Collection[str]) -> bool:
        """Whether a site has told that a router leads to these of its networks, by their CIDRs."""
        here = ends_of(await self._words(), router, [site]).get(site)
        return here is not None and {str(ip_network(each)) for each in subnets} <= set(here.own)

    async def known(self, members: Collection[Member]) -> set[str]:
        """Of these networks those of which it is known that a router leads to them where they are."""
        plugs = [each for each in members if each.kind.name == "router_interface"]
        named = {str(each.item[name]) for each in plugs for name in ("device_id", "network_id")}
        entries = await self.store.get(named)
        found = set()
        for each in plugs:
            router, network = entries.get(str(each.item["device_id"])), str(each.item["network_id"])
            if router is not None and not router.deleted and len(router.sites) > 1:
                there = entries[network].sites if network in entries else frozenset[str]()
                found |= set() if there >= router.sites else {network}
        return found

    async def check(
        self,
        members: Collection[Member],
        stay: Collection[str],
        sites: Collection[str],
        new: Collection[str] = (),
    ) -> None:
        """Whether the routers among these can be at these sites too without the networks that stay.

        `new` are the subnets that one of them is being plugged into. Raises Conflict or BadRequest if not,
        Unavailable if that is not known.
        """
        routers = [each for each in members if each.kind.name == "router"]
        if not routers:
            return
        entries = await self.store.get([each.global_id for each in routers])
        words = await self._words()
        for router in routers:
            entry = entries.get(router.global_id)
            own = _own(router, entry, words, members, stay, new)
            if any(own.values()):
                to = {*sites, router.anchor, *(entry.sites if entry is not None else ())}
                _have_vlans(words, to)
                _overlap_nowhere(own, members, new)
                self._have_room(own, to, len(router.item.get("routes") or ()))

    async def _words(self) -> Words:
        return loaded(await self.store.published(NAME))

    def _have_room(self, own: Own, sites: Set[str], routes: int) -> None:
        for site in sorted(sites & self.max_routes.keys()):
            others = sum(len(cidrs) for other, cidrs in own.items() if other != site)
            if (needed := routes + others) > self.max_routes[site]:
                raise Conflict(
                    f"The router would need {needed} routes at {site}, where it may have"
                    f" {self.max_routes[site]} (max_routes)"
                )


def along(members: Collection[Member], stay: Collection[str]) -> list[Member]:
    """What of these goes with a router, if these networks stay: neither they, nor their parts and policies."""
    kept = [each for each in members if not networks_of(each) & set(stay)]
    lost = {each.item.get("qos_policy_id") for each in members if each.global_id in stay}
    lost -= {each.item.get("qos_policy_id") for each in kept}
    return [each for each in kept if each.global_id not in lost]


def networks_of(member: Member) -> set[str]:
    """The ID of the network that it is in, and its own: it may be one."""
    return {member.global_id, str(member.item.get("network_id"))}


def site_elsewhere(where: Whereabouts) -> str:
    """The site of what a router is plugged into or unplugged from, if the router has its home elsewhere."""
    homes = [where.anchors.get(ref) or next(iter(sites), "") for ref, sites in where.path.items()]
    far = [places for places in where.body.values() if places and not places.keys() & set(homes)]
    return next(iter(far[0])) if far else ""


def at_its_site(where: Whereabouts) -> Whereabouts:
    """Where a router is plugged into something that stays where it is, or unplugged from it: if the router is
    there too that is the affair of that site alone."""
    site = site_elsewhere(where)
    if not site or any(site not in places for places in where.path.values()):
        return where
    path = {ref: {site: places[site]} for ref, places in where.path.items()}
    return replace(where, path=path, anchors={})


def _own(
    router: Member,
    entry: Desired | None,
    words: Words,
    members: Collection[Member],
    stay: Collection[str],
    new: Collection[str],
) -> dict[str, set[str]]:
    """What is told of the sites, and what is not told yet."""
    sites = entry.sites if entry is not None else ()
    told = ends_of(words, router.global_id, sites)
    own = {site: set(ends.own) for site, ends in told.items()}
    subnets = {each.global_id: each for each in members if each.kind.name == "subnet"}
    plugged = set(new)
    for each in members:
        if each.kind.name == "router_interface" and each.item["device_id"] == router.global_id:
            plugged |= {str(ip["subnet_id"]) for ip in each.item.get("fixed_ips") or ()}
    for each in [subnets[gid] for gid in sorted(plugged & subnets.keys())]:
        if each.item["network_id"] in stay:
            own.setdefault(each.anchor, set()).add(str(ip_network(each.item["cidr"])))
    return own


def _has_ways(words: Words, router: str, site: str) -> bool:
    here = ends_of(words, router, [site]).get(site)
    return here is not None and here.vlan is not None


def _have_vlans(words: Words, sites: Collection[str]) -> None:
    for site in sorted(sites):
        if site not in words:
            raise Unavailable(f"{site} has not told yet whether routers can lead there; try again.")
        if words[site].unfit:
            raise Conflict(f"No router can lead from {site} to other sites: {words[site].unfit}")


def _overlap_nowhere(own: Own, members: Collection[Member], new: Collection[str]) -> None:
    """Neutron sees to that at each site; of what is at others it does not know."""
    for each in [each for each in members if each.global_id in new]:
        cidr = ip_network(each.item["cidr"])
        for site, others in own.items():
            for other in map(ip_network, sorted(others)):
                if site != each.anchor and other.version == cidr.version and other.overlaps(cidr):
                    raise BadRequest(
                        f"Bad router request: Cidr {cidr} of subnet {each.global_id} overlaps with cidr"
                        f" {other}, to which the router leads at {site}.",
                        title="BadRequest",
                    )
