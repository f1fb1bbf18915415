"""Which sites are paused: the operator has taken them out of use for a while.

Kept in Redis, so that all processes (gateways and sync daemons) read the same, and told by news, so that they
read it at once. A message that is lost costs `LOOK_SECONDS`. While Redis cannot be asked what was known stays
in force; if it has lost its memory, whoever still knows a pause writes it down again.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import replace
from types import MappingProxyType

from adapters.errors import SitePaused
from adapters.pause import RESUMED, Pause, dump, load
from idmap.news import News
from idmap.sites import SiteKey
from idmap.store import IdStore, StoreUnavailable

_log = logging.getLogger(__name__)

CHANNEL = "federator:pauses"
"""Of the news; a message says only that something has changed."""
DOCUMENTS = "pause"
LOOK_SECONDS = 2.0

Told = Callable[[str, Pause | None], None]
"""Told of each site: (its name, its pause or None), when it was read first and when it has changed."""


class Pauses:
    """The pauses as one process knows them. `listen` and `look` keep them fresh, as long as they run."""

    def __init__(
        self,
        store: IdStore,
        news: News,
        sites: Iterable[SiteKey],
        told: Told = lambda site, pause: None,
    ) -> None:
        self._store = store
        self._news = news
        self._sites = {site.name: str(site.number) for site in sites}
        self._told = told
        self._paused: Mapping[str, Pause] = MappingProxyType({})
        self._epoch = ""
        self._reading = asyncio.Lock()

    def paused(self) -> Mapping[str, Pause]:
        """Site -> its pause, of those that are paused now. Asks nobody."""
        return self._paused

    def check(self, site: str) -> None:
        """Raise SitePaused if the site is paused."""
        if (pause := self._paused.get(site)) is not None:
            raise SitePaused(site, str(pause))

    async def pause(self, site: str, reason: str = "") -> Pause:
        """Pause a site in all processes. If it is paused already only the reason is new.

        Raises KeyError for an unknown site, ValueError for a reason that does not fit into one line,
        StoreUnavailable.
        """
        number = self._sites[site]
        pause = Pause(int(time.time()), reason)
        await self.read()
        if (before := self._paused.get(site)) is not None:
            pause = replace(pause, since=before.since)
        await self._write({number: dump(pause)})
        return pause

    async def resume(self, site: str) -> bool:
        """Take a site into use again in all processes; False if it was not paused.

        Raises KeyError for an unknown site, StoreUnavailable.
        """
        number = self._sites[site]
        await self.read()
        was_paused = site in self._paused
        if was_paused:
            await self._write({number: RESUMED})
        return was_paused

    async def read(self) -> None:
        """See how it is now. Raises StoreUnavailable."""
        async with self._reading:
            state = await self._store.state()
            kept = await self._store.documents(DOCUMENTS, "")
            if self._epoch and state.epoch != self._epoch:
                for site, pause in self._paused.items():
                    number = self._sites[site]
                    await self._store.claim_document(DOCUMENTS, "", number, dump(pause))
                kept = await self._store.documents(DOCUMENTS, "")
            first, self._epoch = not self._epoch, state.epoch
            now = {site: load(kept.get(number)) for site, number in self._sites.items()}
            before, self._paused = (
                self._paused,
                MappingProxyType({site: pause for site, pause in now.items() if pause}),
            )
            for site, told in now.items():
                if first or told != before.get(site):
                    self._told(site, told)

    async def start(self) -> None:
        """Read for the first time; a store that is down is asked again later."""
        try:
            await self.read()
        except StoreUnavailable as error:
            _log.warning("starting without knowing which sites are paused: %s", error)

    async def listen(self) -> None:
        """Read whenever somebody tells that something has changed. For ever."""
        while True:
            try:
                async with aclosing(self._news.heard()) as messages:
                    async for _ in messages:
                        await self.read()
            except StoreUnavailable as error:
                _log.warning("it cannot be heard which sites are paused: %s", error)
            await asyncio.sleep(random.uniform(0.5, 1.0) * LOOK_SECONDS)

    async def look(self) -> None:
        """Read now and then, for what was not heard. For ever."""
        while True:
            try:
                await self.read()
            except StoreUnavailable as error:
                _log.warning("it cannot be read which sites are paused: %s", error)
            await asyncio.sleep(LOOK_SECONDS)

    async def close(self) -> None:
        """Let go of connections; not of those of the store."""
        await self._news.close()

    async def _write(self, documents: Mapping[str, bytes]) -> None:
        await self._store.put_documents(DOCUMENTS, "", documents)
        await self.read()
        try:
            await self._news.tell(b"")
        except StoreUnavailable as error:
            _log.warning("the other processes learn a little later of a pause: %s", error)
