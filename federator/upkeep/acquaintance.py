"""What the sites are like: where their services are, which versions and extensions they have.

It is asked again and again, and the last answers are kept in Redis as well: a gateway that starts while a site
is away must offer the same microversions as those that knew it, and knows where to knock.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import orjson
import structlog

from adapters.account import Account
from adapters.extensions import Extensions
from adapters.probe import Probe, SiteVersions
from idmap.store import IdStore, StoreUnavailable

log = structlog.get_logger(__name__)

DOCUMENTS = "site"
"""The kind of the documents in Redis."""
ENDPOINTS = "endpoints"
EXTENSIONS = "extensions/"
"""... and the service type."""
SECONDS = 60.0
SECONDS_INCOMPLETE = 5.0


@dataclass(slots=True)
class Acquaintance:
    """Fills `endpoints` (site -> service type -> URL), the documents of `probe`, and `extensions`."""

    endpoints: dict[str, dict[str, str]]
    accounts: Mapping[str, Account]
    probe: Probe
    extensions: Extensions
    store: IdStore
    paused: Callable[[], Collection[str]] = tuple
    """The sites that are to be left alone."""
    _kept: dict[tuple[str, str], bytes] = field(default_factory=dict)

    async def recall(self) -> None:
        """Take over what was last known of the sites. Raises StoreUnavailable."""
        for site in self.endpoints:
            for name, raw in (await self.store.documents(DOCUMENTS, "", site=site)).items():
                self._kept[site, name] = raw
                try:
                    if name == ENDPOINTS:
                        self.endpoints[site] = self.endpoints[site] or orjson.loads(raw)
                    elif name.startswith(EXTENSIONS):
                        service = name.removeprefix(EXTENSIONS)
                        self.extensions.recall(site, service, frozenset(orjson.loads(raw)))
                    else:
                        self.probe.recall(site, name, SiteVersions(**orjson.loads(raw)))
                except (ValueError, TypeError) as error:
                    # It will be asked for again, and written anew.
                    log.warning("a document is broken", site=site, name=name, reason=str(error))

    async def renew(self) -> bool:
        """Ask all sites, at the same time. Whether each has answered now or before."""
        paused = self.paused()
        asked = [site for site in self.accounts if site not in paused]
        await asyncio.gather(*(self._ask_catalogue(site) for site in asked))
        await asyncio.gather(
            *(self.extensions.refresh(self.accounts[site], self.endpoints[site]) for site in asked)
        )
        return await self.probe.refresh(but=paused) and all(self.endpoints[site] for site in asked)

    async def keep(self) -> None:
        """Write down what is news. Raises StoreUnavailable."""
        for site, urls in self.endpoints.items():
            known = {ENDPOINTS: orjson.dumps(urls)} if urls else {}
            for service, versions in self.probe.documents_of(site).items():
                known[service] = orjson.dumps(versions)
            for service, aliases in self.extensions.of_site(site).items():
                known[EXTENSIONS + service] = orjson.dumps(sorted(aliases))
            news = {name: raw for name, raw in known.items() if self._kept.get((site, name)) != raw}
            if news:
                await self.store.put_documents(DOCUMENTS, "", news, site=site)
                self._kept |= {(site, name): raw for name, raw in news.items()}

    async def _ask_catalogue(self, site: str) -> None:
        try:
            self.endpoints[site] = await self.accounts[site].endpoints()
        except Exception as error:
            # Whatever is wrong with one site must not end the learning about the others.
            log.warning("catalogue of a site not read", site=site, reason=str(error))


async def keep_acquainted(acquaintance: Acquaintance) -> None:
    """For ever."""
    recalled = False
    while True:
        try:
            if not recalled:
                await acquaintance.recall()
                recalled = True
        except StoreUnavailable as error:
            log.warning("what was known of the sites not recalled", reason=str(error))
        complete = await acquaintance.renew()
        try:
            await acquaintance.keep()
        except StoreUnavailable as error:
            log.warning("what is known of the sites not kept", reason=str(error))
        await asyncio.sleep(SECONDS if complete else SECONDS_INCOMPLETE)
