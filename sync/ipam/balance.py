"""How much a site should have: when it is topped up, whom it asks, what it gives to others.

A site aims at `Sizes.target` addresses that are left, and is topped up when fewer than `Sizes.low` are.
What nobody needs is in the stock, from which a site gets something at once; from another site it takes as
long as a release.
"""

from dataclasses import dataclass, replace

from sync.ipam.ledger import Lease, Ledger, Member, carved
from sync.ipam.ranges import Ranges, joined, minus, size, taken

LARGEST = 1 << 16
"""Nobody needs more addresses at once than this, however many there are."""

PARTS = 8
"""Up to so many ranges go from one hand to another at once: Neutron compares each with each when pools are
put."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What is much for a site, in addresses that are left."""

    target: int
    low: int
    plenty: int


def sizes(ledger: Ledger) -> Sizes:
    """Of each of n sites: a quarter of the n-th part of the tenant's pools. What is left over is the stock."""
    sites = sum(1 for each in ledger.members if not each.leaving) or 1
    target = min(LARGEST, max(1, size(ledger.pools) // (4 * sites)))
    return Sizes(target, low=(target + 1) // 2, plenty=3 * target)


def balanced(ledger: Ledger, site: str, used: Ranges, *, again: bool = False) -> Ledger:
    """The ledger after one site has taken, asked and given. `used`: the addresses of its ports.

    `again`: it has waited long enough for those that it asked, and asks one more.
    """
    member = ledger.member(site)
    if member is None or member.leaving:
        return ledger
    ledger = _topped_up(ledger, site, used)
    ledger = _returned(ledger, site, used)
    ledger = _asking(ledger, site, used, again=again)
    for other in ledger.members:
        if other.wants and site in other.asked:
            ledger = _given(ledger, site, used, other)
    return ledger


def hungry(ledger: Ledger, site: str) -> Ledger:
    """A site has just refused a port, for it has no address left: others give it their last ones, too."""
    member = ledger.member(site)
    if member is None or member.leaving or member.hungry:
        return ledger
    return ledger.with_member(replace(member, hungry=True))


def prepared(ledger: Ledger, site: str) -> Ledger:
    """For a site whose replica is yet to be made, and which has no ports."""
    return balanced(ledger, site, ())


def left(ledger: Ledger, site: str, used: Ranges) -> Ranges:
    """What the site can still give out, and nobody has asked for."""
    return minus(ledger.leased(site), joined(used, ledger.claimed(), ledger.shared))


def _topped_up(ledger: Ledger, site: str, used: Ranges) -> Ledger:
    much, free = sizes(ledger), size(left(ledger, site, used))
    if free >= much.low or not ledger.all_read:
        return ledger
    stock = ledger.stock()
    # Of what is nearly gone nobody gets all.
    count = min(much.target - free, (size(stock) + 1) // 2)
    new = [Lease(start, end, site, ledger.next) for start, end in taken(stock, count, PARTS)]
    return ledger.with_leases([*ledger.leases, *new]) if new else ledger


def _asking(ledger: Ledger, site: str, used: Ranges, *, again: bool) -> Ledger:
    """What others have to know of the site: how much it has left, how much it wants, whom it asks."""
    member = ledger.member(site)
    assert member is not None
    much, free = sizes(ledger), size(left(ledger, site, used))
    if free >= much.low:
        # The number is a hint, and each writing of it stops somebody else's: only its magnitude counts.
        if not member.wants and not member.hungry and _magnitude(free) == _magnitude(member.free):
            return ledger
        return ledger.with_member(replace(member, free=free, wants=0, hungry=False, asked=()))
    asked = member.asked if member.wants else ()
    if again or not asked:
        asked = _one_more(ledger, member, asked, free)
    now = replace(member, free=free, wants=much.target - free, asked=asked)
    if free:
        now = replace(now, hungry=False)
    if replace(now, free=member.free, wants=member.wants) == member and _close(now, member):
        return ledger
    return ledger.with_member(now)


def _one_more(ledger: Ledger, member: Member, asked: tuple[str, ...], free: int) -> tuple[str, ...]:
    """The one that has most is asked first; when all have been asked, it begins again."""
    # Of one that has hardly more nothing would come, but to a site that has nothing.
    enough = 1 if member.hungry and not free else free + 2
    others = [
        each
        for each in ledger.members
        if each.site != member.site and not each.leaving and (each.free >= enough or not each.read)
    ]
    others.sort(key=lambda each: -each.free)
    rest = [each.site for each in others if each.site not in asked]
    if rest:
        return (*asked, rest[0])
    return (others[0].site,) if others else ()


def _given(ledger: Ledger, site: str, used: Ranges, other: Member) -> Ledger:
    """Half of what the one has more than the other, if it is not already giving."""
    free = left(ledger, site, used)
    to_stock = [e.range for e in ledger.leases if e.site == site and e.releasing and not e.to]
    coming = size(ledger.stock()) + size(minus(joined(to_stock), used))
    if coming >= other.wants or any(e.site == site and e.to == other.site for e in ledger.leases):
        return ledger
    half = (size(free) - other.free) // 2
    if other.hungry and not other.free:
        half = max(half, min(1, size(free)))
    return _released(ledger, site, taken(free, min(half, other.wants), PARTS), to=other.site)


def _returned(ledger: Ledger, site: str, used: Ranges) -> Ledger:
    """What a site will not need soon goes back to the stock."""
    much, free = sizes(ledger), left(ledger, site, used)
    if size(free) <= much.plenty:
        return ledger
    return _released(ledger, site, taken(free, size(free) - 2 * much.target, PARTS), to="")


def _released(ledger: Ledger, site: str, area: Ranges, *, to: str) -> Ledger:
    if not area:
        return ledger
    own = [each for each in ledger.leases if each.site == site and not each.releasing]
    rest = [each for each in ledger.leases if each.site != site or each.releasing]
    outside, inside = carved(own, area, releasing=True, to=to, since=ledger.next)
    return ledger.with_leases([*rest, *outside, *inside])


def _magnitude(count: int) -> int:
    return count.bit_length()


def _close(one: Member, other: Member) -> bool:
    return _magnitude(one.free) == _magnitude(other.free) and bool(one.wants) == bool(other.wants)
