"""Who may give out which addresses of a subnet that spans sites. Pure.

Terminology
    subnet   one subnet of the federation. It has one set of addresses, and a Neutron at every site that
             gives them out by itself, from what that site's subnet has as `allocation_pools`
    ledger   what is known of a subnet's addresses, a value (`ledger`). It is written whole, by compare-and-set
             (`idmap.ledgers`), and each writing is a version
    lease    a range that one site may give out. A site's `allocation_pools` are its leases
    stock    what of the tenant's own pools nobody has
    release  a lease on its way to the stock or to another site. Its site gives it out no more, but still
             holds what of it is used
    claim    an address that a client asked for, held for a site until its port is there
    move     an address that a client asked for at one site goes there from another (`moves`)
    fence    a tag at the site's subnet, after which no order from before it is obeyed any more
    shared   an address that every site has, as the routers' interfaces do

No address is ever leased to two sites. What a site leases may be handed on only when three things are certain:

1. Its pools are without it. The ledger says so first, then the pools are put.
2. They stay so: a daemon that froze in the middle of a call and wakes up may put the pools of yesterday. So
   pools are put with If-Match, on a revision that was read before the ledger, and after them a tag is
   written that bumps the revision (`allocation_pools` do not). Whoever has read the ledger of yesterday is
   refused with 412.
3. No port holds it, nor will: a creation that chose its address before may still be on its way. So the
   ports are read when the pools have been so for a while (`sync.patience.GRACE`), and what is used stays where
   it is.

The order is always: shrink the donor - read the donor's ports - grow the receiver. A donor that cannot be
reached keeps what it has.
"""
