"""The pin table as one process holds it: which IDs are not computed. Pure, and never changed.

A new table takes the place of the old one as a whole (`idmap.front`).

UUIDs are compared in their canonical spelling and without a kind: one object goes by several kinds.
Other IDs belong to a kind, for flavor "1" and volume type "1" have nothing in common. All IDs come
back as they were pinned: a project's has no hyphens and must have none when it comes back.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from idmap.ids import canonical, is_uuid
from idmap.store import Location, Pin

Key = tuple[str, str]
"""(kind, ID) with an empty kind for UUIDs."""


@lru_cache(8192)
def pin_key(kind: str | None, any_id: str) -> Key | None:
    """Under which key an ID is compared. None: it cannot be, being no UUID and of unknown kind.

    Remembered for a while: a request asks of the same few several times.
    """
    if is_uuid(any_id):
        return "", canonical(any_id)
    return (kind, any_id) if kind else None


def identity(pin: Pin) -> Key:
    """Pins of the same identity replace each other. Raises ValueError if it can have none."""
    key = pin_key(pin.kind, pin.global_id)
    if key is None:
        raise ValueError(f"pin {pin.global_id!r} is no UUID, so it must have a kind")
    return key


class PinTable:
    """A snapshot of all pins. Where two claim the same local ID, the first of them has it."""

    def __init__(self, pins: Iterable[Pin] = ()) -> None:
        self._pins: dict[Key, Pin] = {}
        self._owners: dict[tuple[str, Key], Pin] = {}
        self._locations: dict[str, Location | None] = {}
        self._former: dict[Key, Pin] = {}
        for pin in pins:
            self._pins.setdefault(identity(pin), pin)
        for pin in self:
            for old in pin.former:
                if (key := pin_key(pin.kind, old)) is not None:
                    self._former.setdefault(key, pin)
        # All places before any alias: an alias is only shown, a place is acted on.
        for pin in self:
            for site, local_id in pin.places.items():
                self._own(pin, Location(site, local_id))
        for pin in self:
            for alias in pin.aliases:
                self._own(pin, alias)

    def _own(self, pin: Pin, location: Location) -> None:
        key = pin_key(pin.kind, location.local_id)
        if key is None:
            return
        self._owners.setdefault((location.site, key), pin)
        kind, uuid = key
        if not kind:
            first = self._locations.setdefault(uuid, location)
            if first is not None and first.site != location.site:
                self._locations[uuid] = None

    def __iter__(self) -> Iterator[Pin]:
        return iter(self._pins.values())

    def __len__(self) -> int:
        return len(self._pins)

    def global_of(self, kind: str | None, site: str, local_id: str) -> str | None:
        """The global ID pinned to a local one, be it a place or an alias; None: compute it."""
        key = pin_key(kind, local_id)
        pin = self._owners.get((site, key)) if key else None
        return pin.global_id if pin else None

    def global_of_uuid(self, site: str, local_uuid: str) -> str | None:
        """The same of a UUID that is spelt canonically."""
        pin = self._owners.get((site, ("", local_uuid)))
        return pin.global_id if pin else None

    def pin(self, kind: str | None, global_id: str) -> Pin | None:
        """The pin of this global ID, be it a former one. The kind may be None only for UUIDs."""
        key = pin_key(kind, global_id)
        return (self._pins.get(key) or self._former.get(key)) if key else None

    def places(self, kind: str | None, global_id: str) -> Mapping[str, str] | None:
        """Site -> local ID of a pinned global ID; None: it is not pinned."""
        pin = self.pin(kind, global_id)
        return pin.places if pin else None

    def at(self, site: str, global_ids: Iterable[str]) -> dict[str, str]:
        """Global ID -> local ID of those of these that are at a site."""
        pins = ((gid, self.pin(None, gid)) for gid in global_ids)
        return {gid: pin.places[site] for gid, pin in pins if pin and site in pin.places}

    def location(self, local_uuid: str) -> Location | None:
        """Where a UUID lives that is pinned as a *local* one; None too if several sites have it."""
        return self._locations.get(canonical(local_uuid)) if is_uuid(local_uuid) else None


def dump_pin(pin: Pin) -> str:
    """A pin as text; equal pins give equal texts."""
    aliases = sorted([alias.site, alias.local_id] for alias in pin.aliases)
    former = sorted(pin.former)
    record = [pin.global_id, pin.kind, pin.origin, dict(pin.places), aliases, pin.anchor, former]
    return json.dumps(record, sort_keys=True, separators=(",", ":"))


def load_pin(text: str | bytes) -> Pin:
    """The pin that `dump_pin` wrote."""
    # Pins that an earlier version wrote have no anchor, or no former IDs.
    global_id, kind, origin, places, aliases, *more = json.loads(text)
    anchor = more[0] if more else ""
    former = frozenset(more[1] if len(more) > 1 else ())
    shadows = frozenset(Location(*alias) for alias in aliases)
    return Pin(global_id, kind, origin, places, shadows, anchor, former)
