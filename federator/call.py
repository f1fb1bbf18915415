"""The nouns of a request: what came in, what is asked of a site, what a site said.

A `Call` is one client request, understood. It becomes one `SiteCall` for each site that has to answer, in that
site's own IDs, and each of those becomes a `SiteReply`. A site that is silent or cannot be asked gives a
reply too: one with `missing` set.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy

from adapters.spec import Plug, Resource, Service

NO_HEADERS: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())


@dataclass(frozen=True, slots=True)
class Call:
    """One client request: which service, which resource, which object, with what in its body."""

    method: str
    service: Service
    resource: Resource | None
    """None for paths that nobody declared; they pass through."""
    path: str
    """Below the service's version, as it came (still percent-encoded), without the project's ID."""
    project: str = ""
    """``/<project ID>`` where the client had one before `path`: for links that look like the question."""
    path_ids: tuple[tuple[str, str], ...] = ()
    """(kind, ID) of each part of the path that is an ID."""
    object_id: str | None = None
    tail: str = ""
    """What follows the object's ID or, without one, the resource's path: "action", "file", "detail"."""
    is_list: bool = False
    query: str = ""
    said: str = ""
    """The query as the client wrote it, where that is another: it stands in links."""
    headers: CIMultiDictProxy[str] = field(default_factory=lambda: NO_HEADERS)
    body: Any = None
    """Parsed JSON; None if there is no body, or if it is not JSON."""
    raw: bytes = b""

    @property
    def is_action(self) -> bool:
        """Whether this is ``POST .../{id}/action``, whose body names what is to be done."""
        return self.method == "POST" and self.tail == "action"

    @property
    def is_create(self) -> bool:
        """Whether this makes a new object of its resource."""
        return self.method == "POST" and self.object_id is None and not self.tail

    @property
    def plugs_in(self) -> bool:
        """Whether this plugs a router into something."""
        return self.resource is not None and self.resource.plug is Plug.IN

    @property
    def unplugs(self) -> bool:
        """Whether this unplugs a router from something."""
        return self.resource is not None and self.resource.plug is Plug.OUT


@dataclass(frozen=True, slots=True)
class SiteCall:
    """The part of a call that one site has to answer, in that site's own IDs."""

    site: str
    service: str
    """Its type."""
    method: str
    base: str
    """Where the service's API version begins, with the project where there is one in the path."""
    path: str
    """Below that, percent-encoded."""
    query: str
    headers: CIMultiDict[str]
    body: bytes | None
    put_back: Mapping[str, str]
    """Local ID -> the ID the client sent for it: put back into error texts."""

    @property
    def url(self) -> str:
        """Whole, percent-encoded, with the query."""
        return f"{self.base}{self.path}?{self.query}" if self.query else self.base + self.path


@dataclass(frozen=True, slots=True)
class SiteReply:
    """What one site said, or why it said nothing."""

    site: str
    status: int = 0
    headers: CIMultiDictProxy[str] = field(default_factory=lambda: NO_HEADERS)
    body: Any = None
    """Parsed JSON if the site sent JSON, else None."""
    raw: bytes = b""
    """The bytes of the body, where they are still those that `body` was parsed from."""
    missing: str = ""
    """Why there is no answer: one sentence, fit for users. Empty if there is one."""
    away: bool = False
    """It gave no answer because it cannot be reached, and not because it refuses somebody."""
    last_known: int = 0
    """The site gave no answer, and this is what was last known: when, in seconds since 1970."""
    hidden: int = 0
    """So many items were taken out of the list that are not for tenants ..."""
    ends: tuple[str, str] = ("", "")
    """... and the local IDs of the first and the last of the list, where these were among them."""
    nothing_there: bool = False
    """The site cannot have anything of this caller's: to a list it adds nothing, and is not missing."""

    @property
    def ok(self) -> bool:
        """Whether the site did what it was asked."""
        return not self.missing and self.status < 400
