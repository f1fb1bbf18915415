"""Ways between networks that are not stretched, for a router that is plugged into them at several sites.

Each site makes its own part, as it makes placeholders: there is no anchor, for no tenant ever makes one.

    words      what the daemons tell each other of their routers       pure
    standing   what of all this stands at a site                       pure
    wanted     what has to be done for it (`sync.ways`)                pure
    number     which VLAN ID a router's transit network has
    job        makes it, and takes it away
    keep       tells, and does
"""
