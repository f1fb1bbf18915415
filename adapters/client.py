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

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from adapters.errors import SiteSilent, SiteUnreachable

_LONG_HEADER = 256 * 1024
_LARGEST_ANSWER = 256 * 1024 * 1024
"""No answer that is read as a whole may be larger: a page of 1000 servers has some 3 MB."""


class SiteClient:
    """Sends requests to sites over kept connections. Use `open` and `close`, once per process."""

    def __init__(self, answer_seconds: float) -> None:
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=min(10.0, answer_seconds), sock_read=answer_seconds
        )
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the pool of connections."""
        self._session = aiohttp.ClientSession(
            timeout=self._timeout,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            connector=aiohttp.TCPConnector(limit=0, limit_per_host=64, keepalive_timeout=15),
            max_line_size=_LONG_HEADER,
            max_field_size=_LONG_HEADER,
        )

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

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
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The site's response with its body still to be read. Raises SiteUnreachable, SiteSilent.

        `url` has to be percent-encoded already. A body that is an iterator is sent chunked unless the headers
        state its length; it can be sent only once, so nothing here retries.
        """
        if self._session is None:
            raise RuntimeError("the client is not open")
        try:
            async with self._session.request(
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
