"""The life of a ledger: it is opened, sites come and go, the tenant changes what he wants, all is read again.

Each function gives the ledger as it is to be written next: what it marks carries the next version.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_network

from sync.ipam.ledger import Lease, Ledger, Member, carved
from sync.ipam.ranges import Ranges, common, holds, joined, minus, number, singles, size, text
from sync.ipam.refused import NOT_READ, Refused


def opened(
    subnet: str,
    epoch: str,
    cidr: str,
    gateway: int | None,
    pools: Ranges,
    sites: Collection[str],
    *,
    shared: Collection[int] = (),
    has: Mapping[str, Ranges] | None = None,
) -> Ledger:
    """The first ledger of a subnet that is at these sites already: at its anchor, or at many after a loss.

    Nothing is believed of them before they are read (`observed`), and nobody gets anything before all are.
    `epoch` is a word that was never used before. `pools` are the tenant's own. `has`: what is known to stand in
    the pools of a site right now; it can begin to give back while it is read.
    """
    members = tuple(Member(site, since=1, read=False) for site in sorted(sites))
    leases = [
        Lease(start, end, site, since=1)
        for site, there in (has or {}).items()
        for start, end in common(there, pools)
    ]
    ledger = Ledger(subnet, epoch, 0, cidr, gateway, pools, shared=singles(shared), members=members)
    return ledger.with_leases(leases)


def reopened(ledger: Ledger, epoch: str) -> Ledger:
    """The store may have lost what was written last: all sites are read again."""
    # Whether a site is leaving is said again by whoever wants it to; of what it has nothing is known, either.
    sites = [each.site for each in ledger.members]
    fresh = opened(ledger.subnet, epoch, ledger.cidr, ledger.gateway, ledger.pools, sites)
    return replace(fresh, shared=ledger.shared)


def with_site(ledger: Ledger, site: str, *, read: bool = True) -> Ledger:
    """A site joins. `read=False` if the subnet is there already and may have ports: then it is read first.

    A new replica is made with what the site was leased until then: Neutron takes an empty list of pools for
    none at all and gives the whole CIDR. So it is made when there is something (`prepared`).
    """
    known = ledger.member(site)
    if known is None:
        return ledger.with_member(Member(site, since=ledger.next, read=read))
    # It was leaving and is to stay: what it has not let go of yet comes back by the stock.
    return ledger.with_member(replace(known, leaving=False))


def with_site_leaving(ledger: Ledger, site: str) -> Ledger:
    """A site is to leave. It gives out nothing any more, and lets go of everything as its ports go."""
    known = ledger.member(site)
    if known is None or known.leaving:
        return ledger
    rest, own = carved(
        ledger.leases,
        ledger.leased(site),
        releasing=True,
        to="",
        since=ledger.next,
    )
    left = replace(known, leaving=True, wants=0, hungry=0, asked=())
    return ledger.with_leases([*rest, *own]).with_member(left)


def without_site(ledger: Ledger, site: str) -> Ledger:
    """The subnet is gone from a site for sure: it answered a good token with 404, after it was deleted.

    All that the site had goes back. A site that is only silent has not left.
    """
    return replace(
        ledger.with_leases(each for each in ledger.leases if each.site != site),
        claims=tuple(each for each in ledger.claims if each.site != site),
        moves=tuple(each for each in ledger.moves if each.site != site),
        members=tuple(each for each in ledger.members if each.site != site),
    )


def with_pools(ledger: Ledger, pools: Ranges, gateway: int | None) -> Ledger:
    """The tenant changes his pools. What no longer belongs to them is given back by the sites that have it."""
    outside = minus(joined(*[[each.range] for each in ledger.leases if not each.releasing]), pools)
    rest, leaving = carved(
        [each for each in ledger.leases if not each.releasing],
        outside,
        releasing=True,
        to="",
        since=ledger.next,
    )
    before = [each for each in ledger.leases if each.releasing]
    return replace(ledger.with_leases([*rest, *leaving, *before]), pools=pools, gateway=gateway)


def with_shared(ledger: Ledger, address: int, site: str) -> Ledger:
    """Every site gets this address: the router's interface, which is at this site first.

    Raises Refused if it is another site's.
    """
    if holds(ledger.shared, address):
        return ledger
    owner = ledger.owner(address)
    if owner not in (None, site):
        raise Refused(409, "IpAddressAlreadyAllocated", "The address is in use at another site.")
    if owner is None and not ledger.all_read:
        raise Refused(503, "ServiceUnavailable", NOT_READ)
    return replace(ledger, shared=joined(ledger.shared, singles([address])))


def without_shared(ledger: Ledger, address: int) -> Ledger:
    """The interface is gone, from all sites for sure."""
    return replace(ledger, shared=minus(ledger.shared, singles([address])))


def checked_pools(cidr: str, gateway: int | None, pools: Collection[Mapping[str, str]]) -> Ranges:
    """A tenant's `allocation_pools`, checked as Neutron checks them. Raises Refused, with Neutron's types."""
    first, last = _bounds(cidr)
    each: list[tuple[int, int]] = []
    for pool in pools:
        try:
            version = ip_address(pool["start"]).version
            start, end = number(pool["start"]), number(pool["end"])
            alike = version == ip_address(pool["end"]).version == ip_network(cidr).version
        except (ValueError, KeyError, TypeError):
            alike = False
        if not alike or start > end:
            message = f"The allocation pool {pool} is not valid."
            raise Refused(400, "InvalidAllocationPool", message)
        each.append((start, end))
    names = [f"{pool['start']}-{pool['end']}" for pool in pools]
    for name, (start, end) in zip(names, each, strict=True):
        if start < first or end > last:
            message = f"The allocation pool {name} spans beyond the subnet cidr {cidr}."
            raise Refused(400, "OutOfBoundsAllocationPool", message)
    if sum(end - start + 1 for start, end in each) != size(joined(each)):
        message = f"Found overlapping allocation pools: {' '.join(names)} for subnet {cidr}."
        raise Refused(409, "OverlappingAllocationPools", message)
    for name, (start, end) in zip(names, each, strict=True):
        if gateway is not None and start <= gateway <= end:
            spelt = text(gateway, ip_network(cidr).version)
            message = f"Gateway ip {spelt} conflicts with allocation pool {name}."
            raise Refused(409, "GatewayConflictWithAllocationPools", message)
    return joined(each)


def default_pools(cidr: str, gateway: int | None) -> Ranges:
    """What Neutron makes of a subnet without `allocation_pools`: everything but the gateway."""
    first, last = _bounds(cidr)
    return minus(((first, last),), singles([] if gateway is None else [gateway]))


def _bounds(cidr: str) -> tuple[int, int]:
    """The first and the last address that a pool may have, as Neutron sees it."""
    network = ip_network(cidr)
    first, last = int(network.network_address), int(network.broadcast_address)
    if network.version == 6:
        # 2001:db8::/128 has one address, and Neutron gives it.
        return min(first + 1, last), last
    return (first + 1, last - 1) if network.prefixlen < 31 else (first, last)
