"""One HTTP call to a site, with the bytes left as they are.

aiohttp's client is made to be friendly; a proxy must be exact. So: paths go out as they came in (`URL(...,
encoded=True)`), bodies are not inflated, redirects are not followed, no cookie is kept, no header is invented,
and headers may be long (Keystone's fernet tokens and SAML assertions are).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from ssl import SSLContext, create_default_context
from typing import Literal, get_args

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from adapters.errors import SiteSilent, SiteUnreachable

_LONG_HEADER = 256 * 1024
_LARGEST_ANSWER = 256 * 1024 * 1024
"""No answer that is read as a whole may be larger: a page of 1000 servers has some 3 MB."""

Pool = Literal["calls", "streams", "knocks"]
"""Connections of their own: who holds many of one kind for long keeps nobody from those of another."""

_POOLS: tuple[Pool, ...] = get_args(Pool)
_MOST_CONNECTIONS = 64
"""Of one pool, to one host and port."""


class SiteClient:
    """Sends requests to sites over kept connections. Use `open` and `close`, once per process."""

    def __init__(self, answer_seconds: float) -> None:
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=min(10.0, answer_seconds), sock_read=answer_seconds
        )
        self._sessions: dict[Pool, aiohttp.ClientSession] = {}

    async def open(self) -> None:
        """Make the pools of connections."""
        self._sessions = {pool: self._session() for pool in _POOLS}

    async def close(self) -> None:
        """Close all connections."""
        for session in self._sessions.values():
            await session.close()

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            timeout=self._timeout,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            connector=aiohttp.TCPConnector(
                limit=0, limit_per_host=_MOST_CONNECTIONS, keepalive_timeout=15
            ),
            max_line_size=_LONG_HEADER,
            max_field_size=_LONG_HEADER,
        )

    @asynccontextmanager
    async def request(
        self,
        site: str,
        method: str,
        url: str,
        headers: CIMultiDict[str],
        body: bytes | AsyncIterator[bytes] | None = None,
        *,
        verify: bool | str = True,
        pool: Pool = "calls",
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The site's response with its body still to be read. Raises SiteUnreachable, SiteSilent.

        `url` has to be percent-encoded already. A body that is an iterator is sent chunked unless the headers
        state its length; it can be sent only once, so nothing here retries.
        """
        if not self._sessions:
            raise RuntimeError("the client is not open")
        try:
            async with self._sessions[pool].request(
                method,
                URL(url, encoded=True),
                headers=headers,
                data=body,
                allow_redirects=False,
                ssl=_tls(verify),
            ) as response:
                yield response
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise SiteUnreachable(site, "no connection") from error
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError) as error:
            raise SiteSilent(site, f"no answer ({type(error).__name__})") from error


async def whole(site: str, response: aiohttp.ClientResponse) -> bytes:
    """The body of a response. Raises SiteSilent if the site never comes to an end."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _LARGEST_ANSWER:
            raise SiteSilent(site, "its answer is too large")
    return bytes(body)


@cache
def _tls(verify: bool | str) -> SSLContext | bool:
    """What `verify` of clouds.yaml means: the system's CAs, none, or those in a file."""
    return create_default_context(cafile=verify) if isinstance(verify, str) else verify
