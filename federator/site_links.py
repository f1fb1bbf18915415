"""A site's URLs as ours. Pure, but for what it remembers of them.

A page of servers has thousands of links, and all but a few lead to the same few collections. So a collection is
looked up in the general way once, with an ID in place of all others; then a link is its beginning in our words,
and its last part translated.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from adapters.endpoints import service_root
from adapters.paths import match, rewrite_path
from adapters.queries import rewrite_query
from adapters.shape import Change
from adapters.spec import ANY, PROJECT, Service
from adapters.translate import shape
from idmap.ids import is_uuid

_COLLECTIONS = 10_000
"""Beginnings of links that are remembered of each site."""
_SOME_ID = "00000000-0000-4000-8000-000000000000"
_PLAIN = re.compile(r"[A-Za-z0-9._~-]+")


class _Root(NamedTuple):
    """Where a service of a site is."""

    host: str
    path: str
    service: Service


class _Collection(NamedTuple):
    """What all links have in common that differ in their last part only, as ours."""

    before: str
    project: str
    """The ID at the site of the project in their path, if there is one."""
    after: str
    """With the last slash."""
    kind: str
    """Of the IDs behind it."""


class SiteLinks:
    """Translates the links of one site."""

    def __init__(
        self, services: tuple[Service, ...], endpoints: Mapping[str, str], public_base: str
    ) -> None:
        self._services = services
        self._roots = _roots(services, endpoints)
        self._public_base = public_base
        self._collection = lru_cache(_COLLECTIONS)(self._looked_up)

    def ours(self, url: str, project_id: str, change: Change) -> str:
        """A URL as ours, its IDs as `change` has them. `project_id` is the caller's at the site.

        One that is not of a service we serve (a console) stays as it is.
        """
        beginning, _, last = url.rpartition("/")
        found = None
        if "?" not in last:
            found = self._collection(beginning, _SOME_ID if is_uuid(last) else last)
        if found is None:
            return self._in_general(url, project_id, change)
        project = change(PROJECT, found.project) if found.project else ""
        new = str(change(found.kind, last))
        new = new if _PLAIN.fullmatch(new) else quote(new, safe="")
        return f"{found.before}{project}{found.after}{new}"

    def _looked_up(self, beginning: str, last: str) -> _Collection | None:
        """The collection of links that begin so; None if they have to be looked at one by one.

        That is where more IDs stand in them than these two, or nobody declared what the last one is. What is
        no UUID may be an ID (flavors) or a word of the path, so of those each is looked up.
        """
        ids: list[tuple[str, object]] = []

        def note(kind: str, value: object) -> object:
            ids.append((kind, value))
            return value

        ours = self._in_general(f"{beginning}/{last}", "", note)
        project = str(ids.pop(0)[1]) if ids and ids[0][0] == PROJECT else ""
        if len(ids) != 1 or ids[0][0] == ANY or ids[0][1] != last or "?" in ours:
            return None
        if not ours.endswith(f"/{last}"):
            return None
        before, after = ours.removesuffix(last), ""
        if project:
            before, _, after = before.partition(project)
        return _Collection(before, project, after, ids[0][0])

    def _in_general(self, url: str, project_id: str, change: Change) -> str:
        parts = urlsplit(url)
        for root in self._roots:
            if root.host == parts.netloc and parts.path.startswith(root.path):
                path = parts.path.removeprefix(root.path)
                return self._below(root.service, path, parts.query, project_id, change)
        # Behind a balancer a service may know itself, or its neighbours, under another name.
        path = re.sub("/+", "/", parts.path)
        for service in self._services:
            at = path.find(service.version + "/") if service.version else -1
            path_here = path[at:] if at >= 0 else path
            collection = path_here.removeprefix(service.version).split("/")[1:2]
            if collection and f"/{collection[0]}" in _indexed(service):
                return self._below(service, path_here, parts.query, project_id, change)
        return url

    def _below(
        self, service: Service, path: str, query: str, project_id: str, change: Change
    ) -> str:
        """A path below a service's root as our URL."""
        version = service.version if path.startswith(service.version) else ""
        below = path.removeprefix(version)
        first, slash, rest = below[1:].partition("/")
        project = ""
        if is_uuid(first) and (service.project_in_path or first == project_id):
            project, below = "/" + str(change(PROJECT, first)), slash + rest
        translated = rewrite_path(service, below, change)
        asked = _query(service, below, query, change)
        return f"{self._public_base}{service.prefix}{version}{project}{translated}{asked}"


@lru_cache(1000)
def site_links(
    services: tuple[Service, ...], endpoints: tuple[tuple[str, str], ...], public_base: str
) -> SiteLinks:
    """What translates the links of the site with these endpoints: the same as long as they are."""
    return SiteLinks(services, dict(endpoints), public_base)


def _query(service: Service, path: str, query: str, change: Change) -> str:
    found = match(service, path) if query else None
    if found is not None:
        query = rewrite_query(shape(service, found.resource), query, change)
    return f"?{query}" if query else ""


def _roots(services: tuple[Service, ...], endpoints: Mapping[str, str]) -> tuple[_Root, ...]:
    """The roots of a site's services. Several may share a host: the longest is the most exact, and first."""
    found = []
    for service in services:
        names = (service.type, *service.aliases)
        url = next((endpoints[name] for name in names if name in endpoints), "")
        root = urlsplit(service_root(url).rstrip("/"))
        found.append(_Root(root.netloc, root.path.rstrip("/"), service))
    return tuple(sorted(found, key=lambda root: -len(root.path)))


@cache
def _indexed(service: Service) -> frozenset[str]:
    """The paths of the collections that are surely this service's, and no proxy's for another."""
    return frozenset(each.path for each in service.resources if each.index)
