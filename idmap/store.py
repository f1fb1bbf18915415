"""What the rest of the system asks of the ID map, and nothing about how it is kept.

Terminology
    global ID   what tenants see
    local ID    what one site knows
    Location    (site, local ID): where a global ID really lives
    Pin         a global ID that is not computed from one Location: projects (home's ID outside),
                objects of several sites that are proved equal, adopted or moved objects. The table
                is small, held whole in each process (`idmap.pins`) and kept fresh by the store
    stamp       "every object of this kind at this site is in the map", set at the end of a rebuild.
                Without all stamps an unknown ID is unknown *for now*, and the caller has to say 503,
                not 404
    epoch       one life of the store's memory. It ends when the store may have lost something, and
                all stamps end with it
"""

from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Location:
    """Where one global ID really lives."""

    site: str
    local_id: str


SHARED = "shared"
"""The origin of pins of what the daemons keep alike at several sites ..."""
BURIED = "buried"
"""... and of what is to be gone: to tenants it is, though some sites may have it still."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One global ID and all the places it stands for.

    `places` maps the site to the local ID there. `aliases` are further local IDs that are shown as
    this global ID but never chosen to act on: the several shadow users of one home user. `kind` is
    the kind of the objects ("project", "image", "flavor" ...); `origin` says who made the pin
    ("mapping", "equal" ...), so that whoever made it can replace all of its own. `former` are further
    global IDs that lead here: those of places at sites that have left the federation.
    """

    global_id: str
    kind: str
    origin: str
    places: Mapping[str, str]
    aliases: frozenset[Location] = field(default_factory=frozenset)
    anchor: str = ""
    """Of a shared object: the site whose replica is shown for all of them. Else empty: any is as good."""
    former: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class StoreState:
    """What every round trip to the store brings back, beside its answer.

    `pins` is the version of the pin table within this epoch. `complete`: all stamps are set.
    """

    epoch: str
    pins: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Lookup:
    """The answer to `locate`. IDs not in `found` are unknown; if not `complete`, only so far.

    `pinned` holds the asked IDs that are pins; only `IdMap` knows them, a store leaves it empty.
    """

    found: Mapping[str, Location]
    complete: bool
    pinned: Mapping[str, Pin] = field(default_factory=dict)
    state: StoreState | None = None
    asked: int = 0
    """How many IDs the store was asked for; the others were known in the process."""


@dataclass(slots=True)
class Lease:
    """The right to be the only one, for a while.

    `epoch` is the store's when the lease was granted: hand it to `mark_complete`. Look at `held`
    between two steps and stop when it is False. Two holders for a moment do no harm to the map: all
    that a rebuild writes may be written twice.
    """

    epoch: str
    expires: float = float("inf")
    """On the clock of `time.monotonic`."""

    @property
    def held(self) -> bool:
        return monotonic() < self.expires


class StoreUnavailable(Exception):
    """The ID map cannot be asked now: answer 503, never 404."""


class IdStore(Protocol):
    """The ID map. Every method may raise StoreUnavailable; none needs a restart after that."""

    async def locate(self, global_ids: Collection[str]) -> Lookup:
        """Where these IDs live, all in one round trip. IDs are given and returned as they are spelt.

        The local UUID of a known object is an alias for its global ID. If several sites have an
        object of that UUID, the one of the first site is found.
        """
        ...

    async def register(self, site: str, local_ids: Iterable[str]) -> StoreState:
        """Remember the way back (computed global ID -> Location) of local IDs, at first sight.

        Raises KeyError for a site the store was not built with.
        """
        ...

    async def state(self) -> StoreState:
        """How the store is now."""
        ...

    async def pins(self) -> Collection[Pin]:
        """All pins, in an order that is the same for everybody."""
        ...

    async def put_pins(
        self,
        pins: Iterable[Pin],
        *,
        replace_origin: str | None = None,
        seen: StoreState | None = None,
    ) -> bool:
        """Add or replace pins; one that stands for nothing (neither places nor aliases) is dropped instead.

        With `replace_origin`, drop all other pins of it in the same step.

        With `seen`, the state in which the writer read the pins he builds on: if they have changed since,
        nothing is written and the answer is False. Tells every process that holds the table, if anything
        changed.
        """
        ...

    def changes(self) -> AsyncGenerator[None]:
        """Yield once when listening has begun, and then whenever pins may have changed."""
        ...

    async def mark_complete(
        self, stamps: Iterable[tuple[str, str]], *, epoch: str | None = None
    ) -> bool:
        """Set the stamps of these (site, kind).

        `epoch` is the one in which the objects were registered. If it has ended since, so may have
        what was registered: then no stamp is set and the answer is False.
        """
        ...

    async def missing_stamps(self) -> set[tuple[str, str]]:
        """The (site, kind) whose objects may not all be in the map. Empty: it is complete."""
        ...

    def rebuild_lock(self, ttl: float = 30) -> AbstractAsyncContextManager[Lease | None]:
        """Be the only one, over all processes, who rebuilds the map; None: somebody else does.

        The lock of a holder that died is free again after `ttl` seconds.
        """
        ...

    async def documents(
        self, kind: str, owner: str, *, site: str | None = None
    ) -> Mapping[str, bytes]:
        """Documents by name that belong to one owner: the keypairs of a home user, say.

        With `site`: those about this site. A new name of the site does not change which these are.
        Raises KeyError for a site the store was not built with.
        """
        ...

    async def put_documents(
        self,
        kind: str,
        owner: str,
        documents: Mapping[str, bytes | None],
        *,
        site: str | None = None,
    ) -> None:
        """Write documents; None deletes one."""
        ...

    async def claim_document(self, kind: str, owner: str, name: str, content: bytes) -> bool:
        """Write a document if there is none of this name yet; False if there is one."""
        ...

    async def disclaim_document(self, kind: str, owner: str, name: str, content: bytes) -> bool:
        """Delete a document if it is still this one; False if it is another's by now, or nobody's."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
