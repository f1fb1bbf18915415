"""An address goes from one site to another at once, for a client asked for it there: his port has moved.

A release takes half a minute, for a creation that is under way may have chosen any address of the range. One
address can be had sooner: the site that has it makes a port with it, the stopgap (`sync.placeholders`). If
Neutron does that, no port of the site has the address, nor gets it while the stopgap stands: two ports with one
address its database does not take. So the order is:

1. `wished`: the gateway writes down what is asked for, and wakes the site that has the address.
2. The daemon of that site makes the stopgap.
3. `granted`: the address is released by the one, as any other, and claimed by the other already. Or `declined`.
4. The stopgap stands until the release is over (`has_to_stay`): its pools are without the address by then, and
   no creation from before is under way.

Who is first has it: both Neutron and the ledger let only one have an address. What was asked for at the site
that has it, and is not there yet, is not taken away from there: Nova may be about to make the port.
"""

from dataclasses import replace

from sync.ipam.ledger import Claim, Ledger, Move, carved, covers
from sync.ipam.observed import begun_again
from sync.ipam.ranges import holds, singles, text
from sync.ipam.refused import Refused


def holder(ledger: Ledger, address: int, site: str) -> str:
    """The one site beside this that has an address; empty if it is none, more than one, or a client's."""
    if any(each.address == address and each.site != site for each in ledger.claims):
        return ""
    leases = [each for each in ledger.leases if covers(each, address) and each.site != site]
    has = {each.site for each in leases}
    # Where it is on its way to, it may be already: then that site is the one to be asked.
    has -= {each.site for each in leases if each.to in has}
    return next(iter(has)) if len(has) == 1 else ""


def wished(ledger: Ledger, address: int, site: str) -> Ledger:
    """A client asks for it at a site, and another one has it. Raises Refused if nothing can come of it."""
    member, there = ledger.member(site), ledger.member(holder(ledger, address, site))
    rival = any(each.address == address and each.site != site for each in ledger.moves)
    if member is None or member.leaving or there is None or rival:
        message = f"IP address {text(address, ledger.ip_version)} belongs to another site."
        raise Refused(409, "IpAddressAlreadyAllocated", message)
    if any(each.address == address for each in ledger.moves):
        return ledger
    return replace(ledger, moves=(*ledger.moves, Move(address, site, ledger.next)))


def due(ledger: Ledger, site: str) -> list[Move]:
    """What is asked of a site."""
    return [each for each in ledger.moves if holder(ledger, each.address, each.site) in ("", site)]


def granted(ledger: Ledger, move: Move, site: str) -> Ledger:
    """A stopgap of this site has the address. `declined` if it is not this site's to give."""
    receiver = ledger.member(move.site)
    if move not in ledger.moves:
        return ledger
    if not receiver or receiver.leaving or holder(ledger, move.address, move.site) != site:
        return declined(ledger, move)
    area = singles([move.address])
    own = [each for each in ledger.leases if each.site == site]
    rest = [each for each in ledger.leases if each.site != site]
    outside, inside = carved(own, area, releasing=True, to=move.site, since=ledger.next)
    ledger = begun_again(ledger.with_leases([*rest, *outside, *inside]), move.site, area)
    others = tuple(each for each in ledger.claims if each.address != move.address)
    claim = Claim(move.address, move.site, ledger.next)
    return declined(replace(ledger, claims=(*others, claim)), move)


def declined(ledger: Ledger, move: Move) -> Ledger:
    """It is not to be had, or nobody asks for it any more."""
    return replace(ledger, moves=tuple(each for each in ledger.moves if each != move))


def has_to_stay(ledger: Ledger, site: str, address: int, *, stopgap: bool = True) -> bool:
    """Whether what stands at a site with an address keeps it from being given out there.

    Not if it is the site's own again: then it has to make room for who has asked for it. Where the ledger may
    have lost something, nobody knows what a `stopgap` keeps. What stands for a port that has come is none.
    """
    if stopgap and not ledger.all_read:
        return True
    if any((each.address, each.site) == (address, site) for each in ledger.claims):
        return False
    asked = any(each.address == address and each.site != site for each in ledger.moves)
    return asked or holds(ledger.releasing(site), address)
