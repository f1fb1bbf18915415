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

    `again`: it has waited long enough for those that it asked, and asks one more; and it is hungry no more.
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


def hungry(ledger: Ledger, site: str, ports: int = 1) -> Ledger:
    """A site has just refused a request for so many ports, for it has not so many addresses left.

    Others give it their last ones, too. It is forgotten after a while: whoever still wants them asks again.
    """
    member = ledger.member(site)
    if member is None or member.leaving or member.hungry >= ports:
        return ledger
    return ledger.with_member(replace(member, hungry=ports))


def prepared(ledger: Ledger, site: str) -> Ledger:
    """For a site whose replica is yet to be made, and which has no ports."""
    return balanced(ledger, site, ())


def left(ledger: Ledger, site: str, used: Ranges) -> Ranges:
    """What the site can still give out, and nobody has asked for."""
    return minus(ledger.leased(site), joined(used, ledger.claimed(), ledger.shared))


def _topped_up(ledger: Ledger, site: str, used: Ranges) -> Ledger:
    member, much, free = _member(ledger, site), sizes(ledger), size(left(ledger, site, used))
    if free >= max(much.low, member.hungry) or not ledger.all_read:
        return ledger
    stock = ledger.stock()
    # Of what is nearly gone nobody gets all, but for what is really asked for.
    count = max(min(much.target - free, (size(stock) + 1) // 2), member.hungry - free)
    new = [Lease(start, end, site, ledger.next) for start, end in taken(stock, count, PARTS)]
    return ledger.with_leases([*ledger.leases, *new]) if new else ledger


def _asking(ledger: Ledger, site: str, used: Ranges, *, again: bool) -> Ledger:
    """What others have to know of the site: how much it has left, how much it wants, whom it asks."""
    member, much, free = _member(ledger, site), sizes(ledger), size(left(ledger, site, used))
    now = replace(member, asked=(), wants=0)
    if free >= max(much.low, member.hungry):
        now = replace(now, hungry=0 if again else member.hungry)
    else:
        rest = _not_asked(ledger, member, free)
        if again and not rest:
            # All have been asked: it begins with the first one, and what was refused is forgotten.
            now = replace(now, hungry=0)
        elif again or not member.asked:
            now = replace(now, asked=(*member.asked, *rest[:1]))
        else:
            now = replace(now, asked=member.asked)
        now = replace(now, wants=max(0, max(much.target, now.hungry) - free))
    # The numbers are hints, and each writing of them stops somebody else's: only their magnitude counts.
    close = _magnitude(free) == _magnitude(member.free) and bool(now.wants) == bool(member.wants)
    if close and replace(now, wants=member.wants) == member:
        return ledger
    return ledger.with_member(replace(now, free=free))


def _not_asked(ledger: Ledger, member: Member, free: int) -> list[str]:
    """Sites of which something may come, the one that has most first."""
    # Of one that has hardly more nothing comes, but to a site where ports were refused.
    enough = 1 if member.hungry > free else free + 2
    others = [
        each
        for each in ledger.members
        if each.site not in (member.site, *member.asked)
        and not each.leaving
        and (each.free >= enough or not each.read)
    ]
    return [each.site for each in sorted(others, key=lambda each: -each.free)]


def _given(ledger: Ledger, site: str, used: Ranges, other: Member) -> Ledger:
    """Half of what the one has more than the other, if it is not already giving."""
    free = left(ledger, site, used)
    to_stock = [e.range for e in ledger.leases if e.site == site and e.releasing and not e.to]
    coming = size(ledger.stock()) + size(minus(joined(to_stock), used))
    if coming >= other.wants or any(e.site == site and e.to == other.site for e in ledger.leases):
        return ledger
    count = (size(free) - other.free) // 2
    if other.hungry > other.free and not _member(ledger, site).hungry:
        count = max(count, other.hungry - other.free)
    return _released(ledger, site, taken(free, min(count, other.wants), PARTS), to=other.site)


def _returned(ledger: Ledger, site: str, used: Ranges) -> Ledger:
    """What a site will not need soon goes back to the stock."""
    much, free = sizes(ledger), left(ledger, site, used)
    if size(free) <= much.plenty or _member(ledger, site).hungry:
        return ledger
    return _released(ledger, site, taken(free, size(free) - 2 * much.target, PARTS), to="")


def _released(ledger: Ledger, site: str, area: Ranges, *, to: str) -> Ledger:
    if not area:
        return ledger
    own = [each for each in ledger.leases if each.site == site and not each.releasing]
    rest = [each for each in ledger.leases if each.site != site or each.releasing]
    outside, inside = carved(own, area, releasing=True, to=to, since=ledger.next)
    return ledger.with_leases([*rest, *outside, *inside])


def _member(ledger: Ledger, site: str) -> Member:
    return next(each for each in ledger.members if each.site == site)


def _magnitude(count: int) -> int:
    return count.bit_length()
