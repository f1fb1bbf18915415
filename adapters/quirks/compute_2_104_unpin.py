"""A server can be unpinned from its availability zone since 2.104. What servers show is as before."""

from adapters.quirk import Quirk

QUIRK = Quirk(
    service="compute",
    since=(2, 104),
    what="Servers can be unpinned from their availability zone; an older site refuses that.",
)
