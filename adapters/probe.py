"""What the services of each site say of their versions, asked at their roots and remembered.

Clients ask for version documents all the time (some several times a page), and every site would
have to be asked for each. So they are asked in the background. A site that is down keeps the
documents it had: what the federation can do must not change because a site is away, and at the
start it must not keep the gateway from starting.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.endpoints import service_root
from adapters.spec import Service

_log = logging.getLogger(__name__)

Fetch = Callable[[str, str], Awaitable[tuple[int, bytes]]]
"""(site, URL) -> status and body of a GET without token and without following redirects.

Raises an exception of any kind if there is no answer.
"""

_ANSWERS = {200, 300}
_RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class SiteVersions:
    """The version documents of one service at one site."""

    status: int
    """Of the root's answer: some services say 300, some 200."""
    versions: tuple[Mapping[str, Any], ...]
    """The entries of the root's list."""
    version: Mapping[str, Any] | None = None
    """The document of the one version that we use, if it shows that without a token."""


class Probe:
    """Keeps the version documents of all sites.

    `endpoints` is site -> service type -> URL, in configured order; the URLs may be those of the
    site's catalogue, with version and project. It is read at each round, so it may grow.
    """

    def __init__(
        self,
        fetch: Fetch,
        endpoints: Mapping[str, Mapping[str, str]],
        services: Iterable[Service],
        interval: float = 60.0,
    ) -> None:
        self._fetch = fetch
        self._endpoints = endpoints
        self._services = tuple(services)
        self._interval = interval
        self._known: dict[tuple[str, str], SiteVersions] = {}
        self._failures: dict[tuple[str, str], str] = {}

    def documents(self, service_type: str) -> dict[str, SiteVersions]:
        """Site -> what it said last, in configured order; sites that never answered are left out."""
        return {
            site: self._known[site, service_type]
            for site in self._endpoints
            if (site, service_type) in self._known
        }

    def document(self, site: str, service_type: str) -> SiteVersions | None:
        """What a service of a site said last; None if it never did."""
        return self._known.get((site, service_type))

    def documents_of(self, site: str) -> dict[str, SiteVersions]:
        """Service type -> what it said last at this site."""
        return {service: known for (of, service), known in self._known.items() if of == site}

    def recall(self, site: str, service_type: str, versions: SiteVersions) -> None:
        """Take over what another process heard, unless this one has heard something itself."""
        self._known.setdefault((site, service_type), versions)

    def failures(self, site: str) -> dict[str, str]:
        """Service type -> why it gave no answer when it was asked last, of those that gave none."""
        return {
            service: reason for (name, service), reason in self._failures.items() if name == site
        }

    async def run(self) -> None:
        """Ask again and again, until cancelled; soon again while something was never answered."""
        while True:
            complete = await self.refresh()
            await asyncio.sleep(self._interval if complete else min(_RETRY_SECONDS, self._interval))

    async def refresh(self, but: Collection[str] = ()) -> bool:
        """Ask all sites once, at the same time, `but` some. True if every one has answered now or before."""
        wanted = [
            (site, service, urls[service.type])
            for site, urls in self._endpoints.items()
            if site not in but
            for service in self._services
            if service.type in urls
        ]
        await asyncio.gather(*(self._refresh_one(*one) for one in wanted))
        return all((site, service.type) in self._known for site, service, _ in wanted)

    async def _refresh_one(self, site: str, service: Service, url: str) -> None:
        try:
            found = await self._ask(site, service, service_root(url))
        except Exception as error:
            # Whatever the transport or a broken document raises: the site is merely not known.
            _log.warning("%s of site %s shows no versions: %s", service.type, site, error)
            self._failures[site, service.type] = str(error) or type(error).__name__
            return
        self._known[site, service.type] = found
        self._failures.pop((site, service.type), None)

    async def _ask(self, site: str, service: Service, root: str) -> SiteVersions:
        status, document = await self._document(site, f"{root}/")
        versions = document.get("versions")
        if not isinstance(versions, list) or not all(isinstance(one, dict) for one in versions):
            raise ValueError(f"answered {status} without a list of versions")
        version = None
        if service.version:
            # Most services show this one only to who has a token; then the list has to do.
            _, own = await self._document(site, f"{root}{service.version}/")
            version = own.get("version")
        return SiteVersions(status, tuple(versions), version if isinstance(version, dict) else None)

    async def _document(self, site: str, url: str) -> tuple[int, Mapping[str, Any]]:
        status, body = await self._fetch(site, url)
        if status not in _ANSWERS:
            return status, {}
        document = json.loads(body)
        return status, document if isinstance(document, dict) else {}
