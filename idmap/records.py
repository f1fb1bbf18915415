"""What is remembered of objects, for the time when their site is away.

Terminology
    record   the declared fields of one object (`adapters.spec.Resource.kept`) in the site's own IDs, and when
             it was last seen. Never more: no metadata, no user data, nothing secret
    owner    the site's ID of the project whose object it is, or EVERYBODYS
    reading  a look at all objects of a kind at a site. Only after one it is known what there is not

Records are no part of the ID map, and nothing but the sites makes them true: what is lost is read again.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

EVERYBODYS = ""
"""The owner of what every project sees: public images and flavors, shared networks."""

CLOCKS_SECONDS = 30
"""How far the clocks of processes that write records may lie apart."""


@dataclass(frozen=True, slots=True)
class Record:
    """One object as it was last seen."""

    local_id: str
    owner: str
    content: bytes
    seen: int
    """Seconds since 1970."""


class RecordStore(Protocol):
    """Every method may raise StoreUnavailable, and KeyError for a site the store was not built with."""

    async def write(self, site: str, kind: str, records: Iterable[Record]) -> None:
        """Remember these, in place of what was known of the same objects."""
        ...

    async def read(self, site: str, kind: str, owners: Collection[str] | None) -> list[Record]:
        """What is known of these owners' objects; of everybody's with None. In no particular order."""
        ...

    async def find(
        self, site: str, kind: str, local_id: str, owners: Collection[str] | None
    ) -> Record | None:
        """What is known of one object, if it is one of these owners'; anybody's with None."""
        ...

    async def drop(self, site: str, kind: str, owner: str, local_ids: Iterable[str]) -> None:
        """Forget objects of one owner: they are gone."""
        ...

    async def finish(self, site: str, kind: str, began: int) -> None:
        """A reading that began then has written all that there is: what it did not see is forgotten.

        But for what was seen up to CLOCKS_SECONDS before it: another process may have seen it since.
        """
        ...

    async def readings(self, site: str) -> Mapping[str, int]:
        """Kind -> when the last reading began, of all kinds that were ever read."""
        ...

    async def turn(self, name: str, seconds: float) -> bool:
        """Whether it is this caller's turn to do what needs doing once in so many seconds."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
