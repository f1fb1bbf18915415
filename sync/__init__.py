"""Keeps what spans sites alike: one daemon for each site (``federator sync --site tokyo``).

    desired     what is to be, out of the store           (idmap.desired)
    observe     what there is at the site                 I/O
    news        what the daemons tell each other
    anchor      what an anchor's daemon decides for all   (a VLAN ID, how a change ended)
    defaults    what Neutron makes by itself at each      pure
    diff        the plan: what would make it so           pure
    guard       what of the plan is not done unasked      pure
    apply       the plan, in order of dependence          I/O
    outcome     how each replica is now, what follows     (status)

A subnet's addresses are shared out between its sites by a ledger (`sync.ipam`, `sync.pools`). Ports of other
sites have something that stands for them (`sync.placeholders`).

`sync.round` tells the story of a round, `sync.daemon` when there is one. What a kind needs beyond its
declaration in adapters/services is a file in `sync.kinds`, a way to stretch a network over sites one in
`sync.drivers`.
"""
