"""What the sites are to be like, as far as the federation keeps things alike there.

Terminology
    shared object   one object to the tenant, with a replica at several sites: a network, a router ...
    anchor          the site of the replica that was made first, by the tenant's own token
    desired state   the spec of a shared object and its generation; a replica says which it has reached
    tombstone       the desired state of what is to be gone. Absence alone never deletes anything
    status          what the daemon of a site says of one replica
    wake            a word to a site's daemon that something is new; it looks at the state, not at the word

The sites are the truth here too: all of it is restored from what the replicas carry (`adapters.marks`).
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import Any, Protocol

READ = "replica"
"""The kind of the stamp (`idmap.store`) of a site whose replicas have been read: before, nobody knows what is
in our care there."""
CONFIRMED = "confirmed"
"""Under this name the digest of a plan is published that an operator has confirmed for a site."""

WAYS_OUT = "ways out"
"""Under this name daemons publish, as JSON: router that spans sites -> its ``external_gateway_info`` there."""


@dataclass(frozen=True, slots=True)
class Desired:
    """One shared object as it is to be."""

    global_id: str
    kind: str
    project: str
    """Home's ID of the project whose object it is."""
    anchor: str
    sites: frozenset[str]
    """Where it is to be, the anchor among them."""
    spec: Mapping[str, Any]
    """The fields that are alike everywhere, in global IDs."""
    generation: int = 1
    """One more with each change of the spec, or with the tombstone."""
    deleted: bool = False
    """A tombstone: it is to be nowhere."""
    changing: float = 0
    """Since when (seconds since 1970) somebody is changing it at the anchor; 0: nobody is. Until it is known
    how that ended, no daemon touches it."""
    quarantined: str = ""
    """Why nothing is done to it until an operator has decided. Empty: it is kept."""
    unread: frozenset[str] = frozenset()
    """Sites that could not be read since the store was lost: whether it is there nobody knows, and until
    somebody does nothing is done to it there."""
    drained: frozenset[str] = frozenset()
    """Of a router: the sites at which it is to have no interfaces for now (an operator works there)."""
    gone: frozenset[str] = frozenset()
    """Of a tombstone: the sites whose daemons have seen it, and nothing (any more) of what is to be gone."""
    stays: bool = False
    """Its tenant keeps it at these sites, and said so at an anchor that has left: no replica tells it now."""
    version: int = 0
    """Of this entry in the store; 0: it is not there yet."""


class State(StrEnum):
    """How a replica is."""

    PENDING = "pending"
    READY = "ready"
    DRIFT = "drift"
    """It does not stay as it is made: something works against us. It is put right ever more seldom."""
    ERROR = "error"
    DRAINED = "drained"
    """It is kept away from its site until somebody restores it."""
    PARKED = "parked"
    """Its site is away or paused."""


@dataclass(frozen=True, slots=True)
class Status:
    """What the daemon of a site says of one replica."""

    state: State
    generation: int = 0
    """The generation it has reached; 0: none."""
    tried: int = 0
    """The generation that was tried last."""
    local_id: str = ""
    error: str = ""
    """What went wrong last, in the site's words, or what it waits for."""
    attempts: int = 0
    """How often in a row it went wrong, or did not last."""
    next_try: float = 0
    """Seconds since 1970; 0: with the next round."""
    since: float = 0
    """When this began, in seconds since 1970."""


@dataclass(slots=True)
class Leadership:
    """The right to be the one daemon of a site, for a while.

    `fence` is another one for each leader, and what an earlier one writes is refused. It protects the store
    only: look at `held` before each call to the site, and stop when it is False.
    """

    fence: str
    expires: float = field(default=float("inf"))
    """On the clock of `time.monotonic`."""
    resigned: bool = False
    """The leader was told to stop: what he is at he ends, and begins nothing more."""

    @property
    def held(self) -> bool:
        return not self.resigned and monotonic() < self.expires


class NotLeading(Exception):
    """Somebody else is this site's daemon now: what this one knows is old."""


class DesiredStore(Protocol):
    """Every method may raise StoreUnavailable."""

    async def all(self) -> list[Desired]:
        """Every shared object, tombstones included, in the order of their IDs."""
        ...

    async def get(self, global_ids: Iterable[str]) -> dict[str, Desired]:
        """These, as far as they are there."""
        ...

    async def naming(self, global_ids: Iterable[str]) -> list[Desired]:
        """Every entry in whose spec one of these IDs stands, in the order of their IDs.

        What it stands there for is for the caller to see: a subnet has the ID of its network, but whoever
        writes one into a description names it too.
        """
        ...

    async def put(self, desired: Desired) -> Desired | None:
        """Write an entry if it is still the version that it was made from; it comes back with its new version.

        None if somebody else has written meanwhile: read again, and decide again.
        """
        ...

    async def drop(self, desired: Desired) -> bool:
        """Forget an entry, if it is still this version: nothing is left of the object anywhere."""
        ...

    async def statuses(
        self, site: str, global_ids: Iterable[str] | None = None
    ) -> dict[str, Status]:
        """Global ID -> what the daemon of a site said last, of all or of these."""
        ...

    async def put_statuses(
        self, site: str, statuses: Mapping[str, Status | None], fence: str
    ) -> None:
        """Write down how replicas are; None: there is none any more. Raises NotLeading."""
        ...

    async def publish(self, site: str, name: str, content: bytes, fence: str) -> bool:
        """What the daemon of a site tells those of the others. Whether it is news. Raises NotLeading."""
        ...

    async def published(self, name: str) -> Mapping[str, bytes]:
        """Site -> what its daemon told last."""
        ...

    async def confirm(self, site: str, digest: str) -> None:
        """An operator wants a plan that was refused to be done. It reads as published under "confirmed"."""
        ...

    async def wake(self, sites: Collection[str]) -> None:
        """Something is new for these."""
        ...

    async def woken(self, site: str, last: str, seconds: float) -> str:
        """Wait for a wake after `last`, so long at most. What to hand in next time.

        With an empty `last`: from now on, without waiting.
        """
        ...

    def lead(self, site: str, ttl: float) -> AbstractAsyncContextManager[Leadership | None]:
        """Be the one daemon of a site; None: somebody else is. A dead leader's right ends after `ttl` s."""
        ...

    async def ever_led(self, sites: Collection[str]) -> set[str]:
        """Those of these sites that have, or had, a daemon."""
        ...

    async def led(self, site: str) -> bool:
        """Whether there is a daemon of this site."""
        ...

    async def forget(self, site: str) -> None:
        """Nothing stays of what the daemon of a site has said: the site has left."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
