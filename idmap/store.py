"""What the rest of the system asks of the ID map, and nothing about how it is kept.

Terminology
    global ID   what tenants see
    local ID    what one site knows
    Location    (site, local ID): where a global ID really lives
    Pin         a global ID that is not computed from one Location: projects (home's ID outside), objects of
                several sites that are proved equal, adopted or moved objects. The table is small, held whole
                in each process (`idmap.pins`) and kept fresh by the store
    stamp       "every object of this kind at this site is in the map", set at the end of a rebuild. Without
                all stamps an unknown ID is unknown *for now*, and the caller has to say 503, not 404
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Location:
    """Where one global ID really lives."""

    site: str
    local_id: str


@dataclass(frozen=True, slots=True)
class Pin:
    """One global ID and all the places it stands for.

    `places` maps the site to the local ID there. `aliases` are further local IDs that are shown as this global
    ID but never chosen to act on: the several shadow users of one home user. `kind` is the kind of the objects
    ("project", "image", "flavor" ...); `origin` says who made the pin ("mapping", "equal" ...), so that whoever
    made it can replace all of its own.
    """

    global_id: str
    kind: str
    origin: str
    places: Mapping[str, str]
    aliases: frozenset[Location] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Lookup:
    """The answer to `locate`. IDs that are not in `found` are unknown; if not `complete`, only so far."""

    found: Mapping[str, Location]
    complete: bool


class StoreUnavailable(Exception):
    """The ID map cannot be asked now: answer 503, never 404."""


class IdStore(Protocol):
    """The ID map. Every method may raise StoreUnavailable."""

    async def locate(self, global_ids: Collection[str]) -> Lookup:
        """Where these IDs live, all in one round trip. IDs are given and returned as they are spelt."""
        ...

    async def register(self, site: str, local_ids: Iterable[str]) -> None:
        """Remember the way back (computed global ID -> Location) of local IDs, at first sight of them."""
        ...

    async def pins(self) -> Collection[Pin]:
        """All pins."""
        ...

    async def put_pins(self, pins: Iterable[Pin], *, replace_origin: str | None = None) -> None:
        """Add or replace pins; with `replace_origin`, drop all other pins of that origin in the same step.

        Tells every process that holds the table.
        """
        ...

    async def mark_complete(self, stamps: Iterable[tuple[str, str]]) -> None:
        """Set the stamps of these (site, kind)."""
        ...

    async def missing_stamps(self) -> set[tuple[str, str]]:
        """The (site, kind) whose objects may not all be in the map. Empty = the index is complete."""
        ...

    async def documents(self, kind: str, owner: str) -> Mapping[str, bytes]:
        """Small documents by name that belong to one owner: the keypairs of a home user, say."""
        ...

    async def put_documents(self, kind: str, owner: str, documents: Mapping[str, bytes | None]) -> None:
        """Write documents; None deletes one."""
        ...
