"""The ledgers in the store, as values: read, and changed by whoever comes first."""

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from idmap.ledgers import Kept, LedgerStore
from sync.ipam.form import dumped, loaded
from sync.ipam.ledger import Ledger
from sync.ipam.life import reopened


async def read(ledgers: LedgerStore, subnet: str) -> Ledger | None:
    """The ledger of a subnet. One that may have lost something is begun anew: every site is read again."""
    return (await _read(ledgers, subnet))[0]


async def change(
    ledgers: LedgerStore, subnet: str, decide: Callable[[Ledger], Ledger]
) -> Ledger | None:
    """Write what `decide` makes of the ledger, which it may be asked several times. Raises what it raises.

    The ledger as it is now; None if there is none.
    """
    while True:
        ledger, kept = await _read(ledgers, subnet)
        if ledger is None:
            return None
        decided = decide(ledger)
        if decided == ledger:
            return ledger
        decided = replace(decided, version=ledger.next)
        if await ledgers.write(subnet, dumped(decided), kept):
            return decided


async def open_ledger(ledgers: LedgerStore, ledger: Ledger) -> bool:
    """Write the first ledger of a subnet (`sync.ipam.life.opened`). False if there is one already."""
    first = replace(ledger, version=ledger.next)
    return await ledgers.write(ledger.subnet, dumped(first), None)


def new_epoch() -> str:
    """A word for the life of a ledger that was never used before."""
    return uuid4().hex[:12]


async def _read(ledgers: LedgerStore, subnet: str) -> tuple[Ledger | None, Kept | None]:
    while True:
        kept = await ledgers.read(subnet)
        if kept is None:
            return None, None
        ledger = loaded(kept.content)
        if kept.sure:
            return ledger, kept
        fresh = replace(reopened(ledger, new_epoch()), version=1)
        await ledgers.write(subnet, dumped(fresh), kept)
