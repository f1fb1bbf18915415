"""The gateway's part in what spans sites: here it is decided what is wanted; the daemons (`sync`) make it so.

need        what a request refers to that is not at its site        pure
closure     what belongs together (a network, its subnets, its routers), read with the caller's token
wanted      the desired state is written down, and waited for
defaults    a project's default security group is changed for the first time
fitness     whether the networks among it can be stretched is found out before anything else is brought
plugging    a router is plugged in, with a MAC that every site can compute
anchor      changes and deletions, by the caller's token at the anchor
ports       which requests change ports, of which daemons of other sites have to know     pure
crew        the daemons of this federation, wired
command     ``federator sync``, ``plan``, ``apply``
draining    ``federator router drain``, ``restore``
"""
