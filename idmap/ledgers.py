"""Ledgers of addresses as they are kept: bytes with a version, written by compare-and-set.

What is in one is known to `sync.ipam`. A ledger that lost its last writing would lease an address twice, so one
that was written in another life of the store than this is not to be believed, and says so.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Kept:
    """A ledger as it was read."""

    content: bytes
    token: bytes
    """Which writing it is: no two writings of any ledger have the same."""
    sure: bool
    """Nothing that was written after it can have been lost."""


class LedgerStore(Protocol):
    """Every method may raise StoreUnavailable: then it is not known whether anything was written."""

    async def read(self, name: str) -> Kept | None:
        """The ledger of this name."""
        ...

    async def write(self, name: str, content: bytes, before: Kept | None) -> bool:
        """Write a ledger in place of the one that was read, or where none was.

        False if it is another one now, or the same in another life: read again.
        """
        ...

    async def drop(self, name: str, before: Kept) -> bool:
        """Forget a ledger, if it is still this one: its subnet is at no site any more."""
        ...

    async def names(self) -> set[str]:
        """The ledgers that there are."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
