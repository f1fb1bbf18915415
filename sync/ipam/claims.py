"""Explicit addresses: a client asks for `fixed_ips` with an `ip_address`.

Neutron's pools do not confine such requests, so the ledger decides before a site is asked. The order is: claim,
write the ledger, ask the site; and `unclaimed` when the site has refused for sure. A claim that leads to
nothing, for the gateway died, ends by itself (`sync.patience.CLAIM`); one whose port is seen ends as well: the
port holds the address (`used`).
"""

from dataclasses import replace
from ipaddress import ip_network

from sync.ipam.ledger import Claim, Lease, Ledger, Move, covers
from sync.ipam.observed import begun_again
from sync.ipam.ranges import holds, singles, text
from sync.ipam.refused import NOT_READ, Elsewhere, Refused


def claimed(ledger: Ledger, address: int, site: str) -> Ledger:
    """The address is this site's, whatever becomes of it. Raises Refused, Elsewhere.

    | the address is ...                             |                                   |
    |------------------------------------------------|-----------------------------------|
    | shared (a router's interface)                  | no claim: the site itself decides |
    | in the site's own lease, or released by it     | claimed                           |
    | in the stock, or outside of the tenant's pools | claimed, once every site is read  |
    | another site's: leased, claimed or released    | 409                               |
    | on its way to another site, or asked for there | 409                               |
    """
    member = ledger.member(site)
    if member is None or member.leaving:
        raise Refused(409, "SubnetNotFound", f"The subnet is not at the site {site}.")
    network = ip_network(ledger.cidr)
    if not int(network.network_address) <= address <= int(network.broadcast_address):
        message = f"IP address {_spelt(ledger, address)} does not belong to the subnet."
        raise Refused(400, "InvalidIpForSubnet", message)
    if holds(ledger.shared, address):
        return ledger
    if _elsewhere(ledger, address, site):
        message = f"IP address {_spelt(ledger, address)} belongs to another site of the subnet."
        raise Elsewhere(409, "IpAddressAlreadyAllocated", message)
    if not ledger.all_read and not holds(ledger.leased(site), address):
        raise Refused(503, "ServiceUnavailable", NOT_READ)
    # Beside those of others who ask for it at the site: whoever of them is refused gives back his own.
    ledger = begun_again(ledger, site, singles([address]))
    return replace(ledger, claims=(*ledger.claims, Claim(address, site, ledger.next)))


def unclaimed(ledger: Ledger, address: int, site: str, since: int) -> Ledger:
    """The site has refused: the claim made in this version ends, and none that was made later."""
    ended = Claim(address, site, since)
    return replace(ledger, claims=tuple(each for each in ledger.claims if each != ended))


def used(ledger: Ledger, address: int, site: str, since: int) -> Ledger:
    """A port of the site was seen with the address of the claim made in this version, after that."""
    ended = unclaimed(ledger, address, site, since)
    if ended == ledger:
        return ledger
    ledger = begun_again(ended, site, singles([address]))
    if any(each.site == site and covers(each, address) for each in ledger.leases):
        return ledger
    return ledger.with_leases(
        [*ledger.leases, Lease(address, address, site, ledger.next, releasing=True)]
    )


def _elsewhere(ledger: Ledger, address: int, site: str) -> bool:
    """Whether another site has it or is to get it."""
    asked: tuple[Claim | Move, ...] = (*ledger.claims, *ledger.moves)
    return any(each.address == address and each.site != site for each in asked) or any(
        covers(each, address) and (each.site != site or each.to not in ("", site))
        for each in ledger.leases
    )


def _spelt(ledger: Ledger, address: int) -> str:
    return text(address, ledger.ip_version)
