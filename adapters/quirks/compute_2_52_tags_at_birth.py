"""A server can be created with tags since 2.52.

An older site could be asked to create it and then to set the tags, but it sets none while the server is
being built.
"""

from adapters.quirk import Quirk

QUIRK = Quirk(
    service="compute",
    since=(2, 52),
    what="Servers can be created with tags; an older site refuses that.",
)
