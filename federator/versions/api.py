"""The version documents of all services, answered from memory, for everybody.

Clients ask for them before they log in and again and again after that. The gateway answers where
the service itself answers without a token: at its root, and at its version if it shows that.
Whatever is None here is not a version document, and goes the way of all requests.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from aiohttp import web
from multidict import CIMultiDictProxy, MultiMapping

from adapters.probe import Probe, SiteVersions
from adapters.quirk import Quirk
from adapters.spec import Service
from federator.faults import Unavailable
from federator.versions.documents import (
    Entry,
    Range,
    intersection,
    microversions,
    negotiate,
    own_version,
    version_headers,
)

_READS = {"GET", "HEAD"}
_NO_QUIRKS: Mapping[str, Sequence[Quirk]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Page:
    service: Service
    root: bool
    status: int = 0
    """0: as the sites answer."""


class VersionApi:
    """Answers at the roots of services, and knows which microversions all sites have."""

    def __init__(
        self,
        probe: Probe,
        services: Iterable[Service],
        public_url: str,
        quirks: Mapping[str, Sequence[Quirk]] = _NO_QUIRKS,
    ) -> None:
        self._probe = probe
        self._quirks = quirks
        self._public_url = public_url
        self._memo: dict[str, tuple[list[SiteVersions], list[Entry]]] = {}
        self._pages: dict[str, _Page] = {}
        for service in services:
            self._pages[service.prefix] = _Page(service, root=True)
            if service.version:
                self._pages[service.prefix + service.version] = _Page(service, root=False)
            if service.type == "image":
                # The same list; there Glance says 200, and its own client looks nowhere else.
                self._pages[f"{service.prefix}/versions"] = _Page(service, root=True, status=200)

    def answer(self, request: web.Request) -> web.Response | None:
        """The version document at this path; None if there is none. Raises Fault."""
        page = self._pages.get(request.rel_url.raw_path.rstrip("/"))
        if page is None or request.method not in _READS:
            return None
        service = page.service
        documents, entries = self._known(service)
        if page.root:
            status = page.status or documents[0].status
            headers = self._headers(page, entries, request)
            return web.json_response({"versions": entries}, status=status, headers=headers)
        version = own_version(
            service, documents, self._public_url, self._quirks.get(service.type, ())
        )
        if version is not None:
            headers = self._headers(page, entries, request)
            return web.json_response({"version": version}, headers=headers)
        if service.microversion:
            # Cinder shows its list here, though only to who has a token. There is nothing secret
            # in it, and clients without one look here first.
            headers = self._headers(page, entries, request)
            return web.json_response({"versions": entries}, headers=headers)
        return None

    def microversion_range(self, service: Service) -> Range | None:
        """The lowest and highest microversion that all sites have; None if the service has none.

        Raises Unavailable if no site has answered yet.
        """
        if not service.microversion:
            return None
        return microversions(self._known(service)[1])

    def negotiate(self, service: Service, headers: CIMultiDictProxy[str]) -> str | None:
        """The microversion to ask the sites for; None if the client named none. Raises Fault."""
        if not service.microversion:
            return None
        named = _folded(service, headers)
        if not named and service.type in self._memo:
            return None
        return negotiate(service, self.microversion_range(service), named)

    def _headers(
        self, page: _Page, entries: list[Entry], request: web.Request
    ) -> Mapping[str, str]:
        service = page.service
        known = microversions(entries)
        # Nova's root is the only one that does not look at microversions.
        if not service.microversion or known is None or (page.root and service.type == "compute"):
            return {}
        asked = negotiate(service, known, _folded(service, request.headers))
        return version_headers(service, asked or known[0])

    def _known(self, service: Service) -> tuple[list[SiteVersions], list[Entry]]:
        documents = list(self._probe.documents(service.type).values())
        if not documents:
            raise Unavailable(f"No site has said yet what its service {service.type} can do.")
        memo = self._memo.get(service.type)
        # The probe replaces documents, so mostly this compares the same objects.
        if memo is None or memo[0] != documents:
            quirks = self._quirks.get(service.type, ())
            memo = (documents, intersection(service, documents, self._public_url, quirks))
            self._memo[service.type] = memo
        return memo


def _folded(service: Service, headers: MultiMapping[str]) -> dict[str, str]:
    """The headers that name a microversion; one that stands several times is one, as a WSGI server has it."""
    names = ("OpenStack-API-Version", service.legacy_microversion_header)
    return {name: ",".join(headers.getall(name)) for name in names if name and name in headers}
