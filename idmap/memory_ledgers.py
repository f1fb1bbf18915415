"""Ledgers in the memory of one process: the reference for other stores."""

from uuid import uuid4

from idmap.ledgers import Kept


class MemoryLedgerStore:
    """See `idmap.ledgers.LedgerStore`."""

    def __init__(self) -> None:
        self._ledgers: dict[str, Kept] = {}

    async def read(self, name: str) -> Kept | None:
        return self._ledgers.get(name)

    async def write(self, name: str, content: bytes, before: Kept | None) -> bool:
        if not self._still(name, before):
            return False
        self._ledgers[name] = Kept(content, uuid4().bytes, sure=True)
        return True

    async def drop(self, name: str, before: Kept) -> bool:
        if not self._still(name, before):
            return False
        del self._ledgers[name]
        return True

    async def names(self) -> set[str]:
        return set(self._ledgers)

    async def close(self) -> None:
        pass

    def _still(self, name: str, before: Kept | None) -> bool:
        now = self._ledgers.get(name)
        return (now and now.token) == (before and before.token)
