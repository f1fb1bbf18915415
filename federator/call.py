"""The nouns of a request: what came in, what is asked of a site, what a site said.

A `Call` is one client request, understood. It becomes one `SiteCall` for each site that has to answer, in that
site's own IDs, and each of those becomes a `SiteReply`. A site that is silent or cannot be asked gives a
reply too: one with `missing` set.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy

from adapters.spec import Resource, Service


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a path. `kind` is the kind of the object if the part is an ID, else None."""

    text: str
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One client request: which service, which resource, which object, with what in its body.

    `resource` is None for paths nobody declared; they pass through. `segments` are the parts of the raw (still
    percent-encoded) path below the service's version, in which IDs are marked with their kind.
    """

    method: str
    service: Service
    resource: Resource | None
    segments: tuple[Segment, ...]
    object_id: str | None = None
    verb: str = ""
    """What follows the object's ID: "action", "add_router_interface", "file"; empty for the object itself."""
    is_list: bool = False
    trailing_slash: bool = False
    query: str = ""
    headers: CIMultiDictProxy[str] = field(default_factory=lambda: CIMultiDictProxy(CIMultiDict()))
    body: Any = None
    """Parsed JSON; None if there is no body, or if it is not JSON (then it streams)."""


@dataclass(frozen=True, slots=True)
class SiteCall:
    """The part of a call that one site has to answer, in that site's own IDs."""

    site: str
    method: str
    path: str
    """Below the site's endpoint for the service, percent-encoded, with a leading slash."""
    query: str = ""
    body: bytes | None = None
    put_back: Mapping[str, str] = field(default_factory=dict)
    """Local ID -> the ID the client sent for it: put back into error texts."""


@dataclass(frozen=True, slots=True)
class SiteReply:
    """What one site said. `missing` is the reason why there is no answer, empty if there is one."""

    site: str
    status: int
    headers: CIMultiDictProxy[str]
    body: Any = None
    """Parsed JSON if the site sent JSON, else None (`raw` has the bytes)."""
    raw: bytes = b""
    missing: str = ""
