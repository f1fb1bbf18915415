"""The MAC addresses of a router's interfaces: of those that span sites the same at every site. Pure.

It is computed from the IDs that tenants know, so that nobody has to ask anybody; and from those of the router
and the subnet, for in one network there must be no MAC twice, and a router may be plugged into it twice.
"""

from hashlib import blake2b

OURS = 0x02
"""The first octet: locally administered, of one station. Sites draw theirs from others (``fa:16:3e``)."""


def interface_mac(router: str, subnet: str) -> str:
    """The MAC of the interface of a router in a subnet, both by their global IDs in canonical spelling.

    Part of what is at the sites: another way to compute it would have half-made interfaces lie about for ever.
    """
    digest = blake2b(f"{router} {subnet}".encode(), digest_size=5).digest()
    return bytes([OURS, *digest]).hex(":")


def transit_mac(router: str, number: int) -> str:
    """The MAC of a router on its transit network at the site of this number: there its twins are neighbours."""
    return interface_mac(router, f"transit {number}")
