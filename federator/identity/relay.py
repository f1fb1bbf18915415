"""Asks home, and knows its version documents: the half of the identity API that does I/O."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import orjson
from multidict import CIMultiDict, MultiMapping

from adapters.client import SiteClient
from adapters.errors import SiteSilent, SiteUnreachable
from adapters.sites import Site
from federator.faults import (
    BadGateway,
    BadRequest,
    Fault,
    Forbidden,
    NotFound,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from federator.identity.headers import size, to_client
from federator.identity.links import Links, root_of

_UNREACHABLE = "The Keystone that tokens come from cannot be reached."
_LONG_HEADERS = 32 * 1024
_VERSIONS_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of home."""

    status: int
    headers: MultiMapping[str]
    content_type: str
    body: bytes

    def with_cookies(self, values: Iterable[str]) -> "Reply":
        """This answer with these ``Set-Cookie``."""
        headers = CIMultiDict(self.headers)
        headers.extend(("Set-Cookie", value) for value in values)
        return replace(self, headers=headers)


class HomeRelay:
    """Sends requests to home and reads its answers. Nothing is retried: a POST may have been heard."""

    def __init__(self, client: SiteClient, home: Site, public_identity: str) -> None:
        self._client = client
        self._home = home
        self.root = root_of(home.auth_url)
        self._public = public_identity
        self.links = Links([self.root], public_identity)
        """Turns home's URLs into ours; after the first `version_document` also those it says."""
        self._documents: dict[str, tuple[float, Reply]] = {}

    async def ask(
        self,
        method: str,
        target: str,
        headers: CIMultiDict[str],
        body: bytes | None = None,
    ) -> Reply:
        """Home's answer to a request for `target` (percent-encoded) below its root. Raises Fault."""
        try:
            async with self._client.request(
                self._home.name, method, self.root + target, headers, body, verify=self._home.verify
            ) as response:
                if "Content-Encoding" in response.headers:
                    raise BadGateway("The Keystone that tokens come from compresses unasked.")
                content = await response.read()
                return Reply(response.status, response.headers, response.content_type, content)
        except SiteUnreachable as error:
            if size(headers) > _LONG_HEADERS:
                # Servers hang up on headers that are longer than they like.
                raise BadRequest("The headers of the request are too long.") from error
            if isinstance(error, SiteSilent):
                # It heard us. What it choked on it will choke on again.
                raise BadGateway("The Keystone that tokens come from gave no answer.") from error
            raise Unavailable(_UNREACHABLE) from error

    async def version_document(self, path: str) -> Reply:
        """What home says at its root (``""``) or version (``"/v3"``), with our URLs.

        From memory if it is fresh, and an old one while home cannot be reached.
        """
        known = self._documents.get(path)
        if known and time.monotonic() - known[0] < _VERSIONS_SECONDS:
            return known[1]
        try:
            reply = await self.ask("GET", path or "/", CIMultiDict())
        except (Unavailable, BadGateway):
            if known is None:
                raise
            ours = known[1]
        else:
            document = _document(reply)
            if document is None:
                return known[1] if known else self.ours(reply, reply.body)
            self.links = Links([self.root, *_self_links(document)], self._public)
            ours = self.ours(reply, orjson.dumps(self.links.body(document)))
        self._documents[path] = (time.monotonic(), ours)
        return ours

    def ours(self, reply: Reply, body: bytes) -> Reply:
        """`reply` with our headers and this body."""
        headers = to_client(reply.headers, self.links)
        return Reply(reply.status, headers, reply.content_type, body)


def refused_before_keystone(reply: Reply) -> Fault | None:
    """What the server before home's Keystone (Apache, a load balancer) refused, for clients that read JSON.

    Its pages of HTML say nothing that the status does not. What Keystone says carries its request ID.
    """
    if (
        reply.status < 400
        or "X-Openstack-Request-Id" in reply.headers
        or not reply.content_type.startswith("text/html")
    ):
        return None
    match reply.status:
        case 401:
            return Unauthorized()
        case 403:
            return Forbidden("The Keystone that tokens come from does not allow this request.")
        case 404:
            return NotFound("The resource could not be found.")
        case 413:
            return TooLarge("Request is too large.")
        case 502 | 503 | 504:
            return Unavailable(_UNREACHABLE)
        case status if status < 500:
            return BadRequest("The Keystone that tokens come from could not read the request.")
        case _:
            return BadGateway("The Keystone that tokens come from gave no answer.")


def _document(reply: Reply) -> dict[str, Any] | None:
    """The version document in `reply`, or None if a proxy before home answered, or home is ill."""
    if reply.status not in (200, 300):
        return None
    try:
        document = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _self_links(document: dict[str, Any]) -> list[str]:
    """The URLs under which home speaks of itself: behind a load balancer not the one we use."""
    try:
        versions = document.get("versions", {}).get("values") or [document["version"]]
        return [str(link["href"]) for version in versions for link in version["links"]]
    except (KeyError, TypeError, AttributeError):
        return []
