"""The action by which Nova tells Cinder that a volume has grown, since 3.71. What Cinder shows is as before."""

from adapters.quirk import Quirk

QUIRK = Quirk(
    service="block-storage",
    since=(3, 71),
    what="Nova can tell Cinder that a volume has grown; an older site refuses that.",
)
