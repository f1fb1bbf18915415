"""The ledger of one subnet, and what can be read in it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from ipaddress import ip_network
from itertools import combinations

from sync.ipam.ranges import Range, Ranges, common, holds, joined, minus, singles, size


@dataclass(frozen=True, slots=True)
class Lease:
    """A range that a site has. Neither it nor the site's other leases overlap.

    Leases of two sites overlap only where both are being released: then both sites had the addresses,
    behind our back or after a loss of the ledger.
    """

    start: int
    end: int
    site: str
    since: int
    """The version in which it came to be what it is."""
    releasing: bool = False
    """The site gives it out no more. What of it is used stays in here until it is not."""
    to: str = ""
    """A release: the site that gets it; nobody: the stock."""

    @property
    def range(self) -> Range:
        return self.start, self.end


@dataclass(frozen=True, slots=True)
class Claim:
    """An address that a client asked for at a site, until its port is seen there."""

    address: int
    site: str
    since: int


@dataclass(frozen=True, slots=True)
class Move:
    """An address that a client asks for at a site, and that another site has (`sync.ipam.moves`)."""

    address: int
    site: str
    """Where it is asked for."""
    since: int


@dataclass(frozen=True, slots=True)
class Member:
    """A site at which the subnet is."""

    site: str
    since: int
    read: bool = True
    """Whether it is known what the site has. As long as it is not of one, nobody gets anything."""
    leaving: bool = False
    free: int = 0
    """How many addresses it had left when that was last worth writing down."""
    wants: int = 0
    """How many more it would have."""
    hungry: int = 0
    """So many ports were refused there at once, for want of addresses."""
    asked: tuple[str, ...] = ()
    """The sites that are to give it some."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything that is known of the addresses of a subnet."""

    subnet: str
    """Its global ID."""
    epoch: str
    """One life of a ledger. A new one begins when what was written may be lost."""
    version: int
    cidr: str
    gateway: int | None
    pools: Ranges
    """The tenant's own."""
    leases: tuple[Lease, ...] = ()
    claims: tuple[Claim, ...] = ()
    shared: Ranges = ()
    members: tuple[Member, ...] = ()
    moves: tuple[Move, ...] = ()
    """Not yet answered by the sites that have the addresses."""

    @property
    def next(self) -> int:
        """The version that a change makes: what it marks, it marks with this."""
        return self.version + 1

    @property
    def ip_version(self) -> int:
        return ip_network(self.cidr).version

    def member(self, site: str) -> Member | None:
        return next((each for each in self.members if each.site == site), None)

    @property
    def all_read(self) -> bool:
        """Whether it is known of every site what it has."""
        return all(each.read for each in self.members)

    def with_member(self, member: Member) -> "Ledger":
        """With this in place of what there was of the same site."""
        others = tuple(each for each in self.members if each.site != member.site)
        return replace(self, members=tuple(sorted((*others, member), key=lambda m: m.site)))

    def with_leases(self, leases: Iterable[Lease]) -> "Ledger":
        """With these leases and no others; ranges that touch and are alike become one."""
        found: list[Lease] = []
        for each in sorted(leases, key=lambda one: (one.site, one.start)):
            last = found[-1] if found else None
            if last and last.end + 1 == each.start and _alike(last, each):
                found[-1] = replace(last, end=each.end, since=max(last.since, each.since))
            else:
                found.append(each)
        return replace(self, leases=tuple(found))

    def leased(self, site: str) -> Ranges:
        """What the site may give out: its `allocation_pools`, once it is read."""
        return joined(
            each.range for each in self.leases if each.site == site and not each.releasing
        )

    def releases(self, site: str) -> list[Lease]:
        """The site's leases that are being released."""
        return [each for each in self.leases if each.site == site and each.releasing]

    def releasing(self, site: str) -> Ranges:
        """What the site gives out no more, but has not let go of."""
        return joined(each.range for each in self.releases(site))

    def held(self, *, but: str | None = None) -> Ranges:
        """What any site has, in whatever state; all sites but this one."""
        return joined(each.range for each in self.leases if each.site != but)

    def claimed(self, *, by: str | None = None) -> Ranges:
        """What is claimed, for any site or for this one."""
        return singles(each.address for each in self.claims if by in (None, each.site))

    def nobodys(self) -> Ranges:
        """What is never leased: the shared addresses, and the gateway's, of which a site takes no pool."""
        return joined(self.shared, singles([] if self.gateway is None else [self.gateway]))

    def stock(self) -> Ranges:
        """What of the tenant's pools nobody has."""
        return minus(self.pools, joined(self.held(), self.claimed(), self.nobodys()))

    def owner(self, address: int) -> str | None:
        """The site that has this address, by a claim or else a lease."""
        claims = (each.site for each in self.claims if each.address == address)
        leases = (each.site for each in self.leases if each.start <= address <= each.end)
        return next(claims, None) or next(leases, None)

    def _kept_from(self, site: str, other: str) -> Ranges:
        """What a site has not let go of, but for what goes to the other: there it may be by now."""
        return joined(each.range for each in self.releases(site) if each.to != other)

    def conflicts(self) -> dict[tuple[str, str], Ranges]:
        """What two sites have at the same time, by the two: none of it is given out until one lets go of it."""
        ranges = [each.range for each in self.leases if each.releasing]
        if size(joined(ranges)) == sum(end - start + 1 for start, end in ranges):
            return {}
        found = {
            (one.site, other.site): common(
                self._kept_from(one.site, other.site), self._kept_from(other.site, one.site)
            )
            for one, other in combinations(self.members, 2)
        }
        return {sites: both for sites, both in found.items() if both}


def wanted_pools(ledger: Ledger, site: str, actual: Ranges) -> Ranges:
    """The `allocation_pools` the site must have now, where it has these.

    A site that is not read keeps what it has, but for what it is known to release.
    """
    member = ledger.member(site)
    if member and not member.read:
        return minus(actual, ledger.releasing(site))
    return ledger.leased(site)


def carved(
    leases: Collection[Lease], area: Ranges, **changes: object
) -> tuple[list[Lease], list[Lease]]:
    """The leases cut along the edges of an area: those outside of it, and those inside with these changes."""
    outside: list[Lease] = []
    inside: list[Lease] = []
    for each in leases:
        if not common((each.range,), area):
            outside.append(each)
            continue
        for start, end in minus((each.range,), area):
            outside.append(replace(each, start=start, end=end))
        for start, end in common((each.range,), area):
            inside.append(replace(each, start=start, end=end, **changes))  # type: ignore[arg-type]
    return outside, inside


def covers(lease: Lease, address: int) -> bool:
    """Whether the address is in the lease."""
    return holds((lease.range,), address)


def _alike(one: Lease, other: Lease) -> bool:
    if one.site != other.site or one.releasing != other.releasing or one.to != other.to:
        return False
    # A release is over when what it began with is certain: two are one only if they began together.
    return not one.releasing or one.since == other.since
