"""The ways to stretch a network over sites, a file each: ``DRIVER``. The first one that suits is taken.

Only what plain Neutron offers: a VLAN that the operators carry from site to site, on a physical network that
each site calls as it likes. What runs over it is not known here.
"""
