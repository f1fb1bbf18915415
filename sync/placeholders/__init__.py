"""Ports that stand at a site for those of other sites, on networks that span them.

Routers of several sites have one MAC. So the answer to an ARP question for a port of another site never comes
back to the one that asked: its twin swallows it. A port here with the MAC and the address of that one makes the
question needless. It also keeps address and MAC from being given out, and is a member of the same groups.

    cards      what a daemon tells the others of the ports of its site       pure
    wanted     which ports have to stand here, and how                       pure
    work       what would have to be done for it                             pure
    refusals   what a site does not take, and when it is tried again
    stopgaps   take an address that goes to another site before anybody here gets it
    keep       tells, and does
"""
