"""What the ledger learns when a site was looked at."""

from dataclasses import dataclass, replace

from sync.ipam.ledger import Lease, Ledger, carved
from sync.ipam.ranges import Ranges, common, holds, joined, minus, singles


@dataclass(frozen=True, slots=True)
class Observation:
    """A site's subnet and its ports, read in this order: ledger, subnet, ports."""

    site: str
    epoch: str
    version: int
    """Of the ledger that was read before everything else: what is newer, this does not speak of."""
    pools: Ranges
    """Its `allocation_pools`."""
    used: Ranges
    """The addresses of its ports, without placeholders: those hold addresses of other sites."""
    settled: int = 0
    """Whatever was released in this version or before had been out of the pools, behind a fence, for so
    long when the ports were read, that no creation from before is under way any more."""
    lapsed: int = 0
    """Claims of this version or before have had their time."""


def observed(ledger: Ledger, seen: Observation) -> Ledger:
    """The ledger with what was seen. What was marked after the look began stays as it is."""
    member = ledger.member(seen.site)
    if member is None or seen.epoch != ledger.epoch:
        return ledger
    if not member.read and seen.settled >= member.since:
        ledger = _read(ledger, seen).with_member(replace(member, read=True))
        member = replace(member, read=True)
    ledger = _let_go(ledger, seen)
    if member.read:
        ledger = _found(ledger, seen)
    return _claims_ended(ledger, seen)


def _read(ledger: Ledger, seen: Observation) -> Ledger:
    """The first look at a site: what it has in its pools it has leased, as far as nobody else has.

    What two have in their pools both release, whoever was first: either may have given it out.
    """
    # What was taken for its own when the ledger was opened and is not in its pools, it does not have.
    own = [each for each in ledger.leases if each.site == seen.site and not each.releasing]
    rest = [each for each in ledger.leases if each.site != seen.site or each.releasing]
    ledger = ledger.with_leases([*rest, *carved(own, seen.pools)[1]])
    mine = minus(seen.pools, joined(each.range for each in ledger.leases if each.site == seen.site))
    both = common(mine, ledger.held(but=seen.site))
    # Outside of the tenant's pools nothing is given out any more.
    kept = minus(common(mine, ledger.pools), both)
    released = minus(mine, kept)
    new = [Lease(start, end, seen.site, ledger.next) for start, end in kept]
    new += [Lease(start, end, seen.site, ledger.next, releasing=True) for start, end in released]
    return _withdrawn(ledger, both, but=seen.site, new=new)


def _let_go(ledger: Ledger, seen: Observation) -> Ledger:
    """What is certainly free of a release goes where it was to go; what is used stays."""
    kept = joined(seen.used, ledger.claimed(by=seen.site))
    done: list[Lease] = []
    rest: list[Lease] = []
    for lease in ledger.leases:
        over = lease.site == seen.site and lease.releasing and lease.since <= seen.settled
        (done if over else rest).append(lease)
    if not done:
        return ledger
    stuck: list[Lease] = []
    moved: list[Lease] = []
    for lease in done:
        stuck += carved([lease], kept, to="")[1]
        receiver = ledger.member(lease.to)
        if receiver and not receiver.leaving and ledger.all_read:
            free = minus((lease.range,), kept)
            others = joined(each.range for each in rest if common((each.range,), free))
            free = common(
                minus(free, joined(others, ledger.claimed(), ledger.nobodys())), ledger.pools
            )
            moved += [Lease(start, end, lease.to, ledger.next) for start, end in free]
    return ledger.with_leases([*rest, *stuck, *moved])


def _found(ledger: Ledger, seen: Observation) -> Ledger:
    """Addresses in use at a site that does not have them, and pools that it should not have."""
    own = joined(each.range for each in ledger.leases if each.site == seen.site)
    strange = minus(seen.used, joined(own, ledger.shared))
    # Pools that somebody put by hand: they will be taken away, but may have been given out. What others have
    # leased is left to them, for else one wrong hand at one site would stop all of them; what is really used
    # is found as a port.
    loose = minus(
        common(minus(seen.pools, own), ledger.pools), joined(ledger.held(), ledger.claimed())
    )
    # Whatever changed hands since the look began is not judged by it.
    fresh = joined(
        *[[each.range] for each in ledger.leases if each.since > seen.version],
        singles(each.address for each in ledger.claims if each.since > seen.version),
    )
    strange, loose = minus(strange, fresh), minus(loose, fresh)
    if not strange and not loose:
        return ledger
    area = joined(strange, loose)
    new = [Lease(start, end, seen.site, ledger.next, releasing=True) for start, end in area]
    return _withdrawn(ledger, strange, but=seen.site, new=new)


def _claims_ended(ledger: Ledger, seen: Observation) -> Ledger:
    """A claim ends when its port is there, or when its time is over."""
    claims = []
    there: list[int] = []
    for each in ledger.claims:
        if each.site != seen.site or each.since > seen.version:
            claims.append(each)
        elif holds(seen.used, each.address):
            there.append(each.address)
        elif each.since > seen.lapsed:
            claims.append(each)
    if len(claims) == len(ledger.claims):
        return ledger
    return replace(begun_again(ledger, seen.site, singles(there)), claims=tuple(claims))


def begun_again(ledger: Ledger, site: str, area: Ranges) -> Ledger:
    """What was seen of these addresses of a site before now proves no more that nobody uses them.

    Else somebody who looked at the ports, froze, and wakes up when claim and port have come, would set them
    free.
    """
    of_site = [each for each in ledger.leases if each.site == site and each.releasing]
    if not common(joined(each.range for each in of_site), area):
        return ledger
    rest = [each for each in ledger.leases if each.site != site or not each.releasing]
    outside, inside = carved(of_site, area, to="", since=ledger.next)
    return ledger.with_leases([*rest, *outside, *inside])


def _withdrawn(ledger: Ledger, area: Ranges, *, but: str, new: list[Lease]) -> Ledger:
    """Nobody but this site gives this out any more."""
    others = [each for each in ledger.leases if each.site != but and not each.releasing]
    rest = [each for each in ledger.leases if each.site == but or each.releasing]
    outside, inside = carved(others, area, releasing=True, to="", since=ledger.next)
    return ledger.with_leases([*rest, *outside, *inside, *new])
