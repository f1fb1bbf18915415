"""Ledgers in which sites stand by their numbers, so that a site may get another name (`idmap.sites`)."""

from collections.abc import Iterable
from dataclasses import replace

from idmap.ledgers import Kept, LedgerStore
from idmap.sites import Numbering, SiteKey
from sync.ipam.form import renamed


class NumberedLedgers:
    """See `idmap.ledgers.LedgerStore`: those of `within`, with the names that the sites have now."""

    def __init__(self, within: LedgerStore, sites: Iterable[SiteKey]) -> None:
        self._within = within
        self._sites = Numbering(sites)

    async def read(self, name: str) -> Kept | None:
        kept = await self._within.read(name)
        return kept and replace(kept, content=renamed(kept.content, self._sites.name))

    async def write(self, name: str, content: bytes, before: Kept | None) -> bool:
        return await self._within.write(name, renamed(content, self._sites.kept), before)

    async def drop(self, name: str, before: Kept) -> bool:
        return await self._within.drop(name, before)

    async def names(self) -> set[str]:
        return await self._within.names()

    async def close(self) -> None:
        await self._within.close()
