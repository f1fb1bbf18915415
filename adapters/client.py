"""One HTTP call to a site, with the bytes left as they are.

A proxy must be exact. So: paths go out as they came in, bodies are not inflated, redirects are not followed,
no cookie is kept, no header is invented, and headers may be long (Keystone's fernet tokens and SAML assertions
are). How that is done is the affair of `adapters.http`; nobody but this module knows it.
"""

from collections.abc import AsyncIterator
from functools import cache
from ssl import CERT_NONE, SSLContext, create_default_context
from types import TracebackType
from typing import Literal, get_args

from multidict import CIMultiDict, CIMultiDictProxy

from adapters.errors import SiteSilent, SiteUnreachable
from adapters.http.connection import Connection
from adapters.http.head import head, parts
from adapters.http.pool import ConnectionPool

_LARGEST_ANSWER = 256 * 1024 * 1024
"""No answer that is read as a whole may be larger: a page of 1000 servers has some 3 MB."""

Pool = Literal["calls", "streams", "knocks"]
"""Connections of their own: who holds many of one kind for long keeps nobody from those of another."""

_POOLS: tuple[Pool, ...] = get_args(Pool)
_MOST_CONNECTIONS = 64
"""Of one pool, to one host and port."""
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Response:
    """What a site answers, its body still to be read."""

    __slots__ = ("_connection", "headers", "status")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.status = connection.status
        self.headers: CIMultiDictProxy[str] = connection.headers

    @property
    def content_type(self) -> str:
        """The type of the body without parameters, in lower case."""
        said = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return said or "application/octet-stream"

    async def read(self) -> bytes:
        """The whole body. Raises SiteSilent if the site breaks off, or never comes to an end."""
        return await self._connection.read_all(_LARGEST_ANSWER)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes in. Raises SiteSilent if the site breaks off."""
        while chunk := await self._connection.read_on():
            yield chunk


class SiteClient:
    """Sends requests to sites over kept connections. Use `open` and `close`, once per process."""

    def __init__(self, answer_seconds: float) -> None:
        """`answer_seconds` is how long a site may say nothing before or in its answer."""
        self._answer_seconds = answer_seconds
        self._pools: dict[Pool, ConnectionPool] = {}

    async def open(self) -> None:
        """Make the pools of connections."""
        seconds = self._answer_seconds
        self._pools = {
            pool: ConnectionPool(_MOST_CONNECTIONS, min(10.0, seconds), seconds) for pool in _POOLS
        }

    async def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            await pool.close()

    def request(
        self,
        site: str,
        method: str,
        url: str,
        headers: CIMultiDict[str],
        body: bytes | AsyncIterator[bytes] | None = None,
        *,
        verify: bool | str = True,
        pool: Pool = "calls",
    ) -> "_Exchange":
        """An ``async with`` around the site's response. Entering it raises SiteUnreachable, SiteSilent.

        `url` has to be percent-encoded already. A body that is an iterator is sent chunked unless the headers
        state its length; it can be sent only once.
        """
        if not self._pools:
            raise RuntimeError("the client is not open")
        return _Exchange(self._pools[pool], site, method, url, headers, body, verify)


class _Exchange:
    """A request and its response, from the connection's being taken to its being given back."""

    __slots__ = (
        "_body", "_connection", "_head", "_length", "_method", "_origin", "_pool", "_site", "_tls",
    )  # fmt: skip

    def __init__(
        self,
        pool: ConnectionPool,
        site: str,
        method: str,
        url: str,
        headers: CIMultiDict[str],
        body: bytes | AsyncIterator[bytes] | None,
        verify: bool | str,
    ) -> None:
        self._pool, self._site, self._method, self._body = pool, site, method, body
        self._origin, target = parts(url)
        self._tls = _tls(verify) if self._origin.tls else None
        self._length: int | None = None
        headers = CIMultiDict(headers)
        if body is None or isinstance(body, bytes):
            headers.popall("Transfer-Encoding", None)
            headers.popall("Content-Length", None)
            if body or method in _WITH_BODY:
                headers["Content-Length"] = str(len(body or b""))
        elif "Content-Length" in headers:
            self._length = int(headers["Content-Length"])
        else:
            headers["Transfer-Encoding"] = "chunked"
        self._head = head(method, target, self._origin.named, headers)

    async def __aenter__(self) -> Response:
        used = await self._asked(fresh=False)
        if used is None:
            # Its host had closed it just then, so nobody has heard the request: once more.
            used = await self._asked(fresh=True)
            assert used is not None
        self._connection = used
        return Response(used)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._give_back(self._connection)

    async def _give_back(self, connection: Connection) -> None:
        try:
            await connection.stop_sending()
        finally:
            self._pool.give_back(self._origin, self._tls, connection)

    async def _asked(self, *, fresh: bool) -> Connection | None:
        """A connection with the head of the answer; None if it turned out to be closed already."""
        try:
            connection, used = await self._pool.take(self._origin, self._tls, fresh=fresh)
        except (OSError, UnicodeError) as error:
            raise SiteUnreachable(self._site, "no connection") from error
        try:
            await connection.ask(self._site, self._method, self._head, self._body, self._length)
        except BaseException as error:
            stale = used and connection.unheard
            await self._give_back(connection)
            if isinstance(error, SiteSilent) and stale and self._can_be_sent_again:
                return None
            raise
        return connection

    @property
    def _can_be_sent_again(self) -> bool:
        """RFC 9110, section 9.2.2."""
        whole = self._body is None or isinstance(self._body, bytes)
        return whole and self._method in _IDEMPOTENT


@cache
def _tls(verify: bool | str) -> SSLContext:
    """What `verify` of clouds.yaml means: the system's CAs, none, or those in a file."""
    context = create_default_context(cafile=verify if isinstance(verify, str) else None)
    if verify is False:
        context.check_hostname = False
        context.verify_mode = CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context
