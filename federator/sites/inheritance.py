"""What becomes of pins when a site leaves the federation. Pure.

A pin that stands for places at other sites too keeps its ID, whosever it was, and the IDs that its places at
the site had lead to it from then on: an ID is good for life, as long as there is anything that it can mean.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from federator.upkeep.namesakes import LEFT, MADE_ALIKE, ORIGIN
from idmap.ids import global_uuid, is_uuid
from idmap.sites import SiteKey
from idmap.store import Pin

_OF_EQUALS = frozenset({ORIGIN, MADE_ALIKE, LEFT})
"""The origins of pins that a look would drop once there is only one place left."""


class Inheritance(NamedTuple):
    """The pins that change."""

    kept: list[Pin]
    """As they are from then on: something of them is at another site."""
    dropped: list[Pin]
    """Those that were at this site alone."""


def after_leaving(pins: Iterable[Pin], site: SiteKey) -> Inheritance:
    """What becomes of those of these pins that have a part at a site that leaves."""
    kept, dropped = [], []
    for pin in pins:
        places = {each: local for each, local in pin.places.items() if each != site.name}
        aliases = frozenset(alias for alias in pin.aliases if alias.site != site.name)
        if (places, aliases) == (pin.places, pin.aliases):
            continue
        if not places and not aliases:
            dropped.append(pin)
            continue
        rest = replace(pin, places=places, aliases=aliases)
        if pin.origin in _OF_EQUALS:
            own = pin.places.get(site.name, "")
            old = {global_uuid(site.namespace, own)} if is_uuid(own) else set()
            rest = replace(rest, origin=LEFT, former=(pin.former | old) - {pin.global_id})
        kept.append(rest)
    return Inheritance(kept, dropped)
