"""Data that is too large to be held: images up and down. Constant memory, both ways.

A stream that has begun cannot be sent again, so nothing here retries. A client that takes nothing, or sends
nothing, for `Asker.write_seconds` counts as gone: it holds a connection to the site.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

from aiohttp import web
from multidict import CIMultiDict

from adapters.client import Response
from adapters.errors import ExchangeRefused, SiteError
from adapters.identity import SiteToken
from federator import metrics
from federator.answer import returned_headers
from federator.asker import Asker, Question
from federator.call import Call, SiteCall, SiteReply
from federator.faults import fault_of
from federator.requestlog import site_answered

CHUNK = 256 * 1024
_DATA = frozenset({"file", "stage"})
_METHODS = frozenset({"PUT", "GET", "HEAD"})


class ClientGone(ConnectionError):
    """The client has hung up. aiohttp's own error is the same for its connection and for that to the site."""


def streams(call: Call) -> bool:
    """Whether a call carries the data of an image, in one of the two directions."""
    if call.method not in _METHODS:
        # Nothing that a service knows; what comes with it has been read already if it has a key.
        return False
    return call.service.type == "image" and call.path.rpartition("/")[2] in _DATA


async def pass_through(
    asker: Asker, question: Question, site_name: str, request: web.Request
) -> web.StreamResponse:
    """Send the client's data to the site as it comes in, and the site's answer back as it comes in."""
    with asker.stream_places.taken(question.identity.user_id, site_name):
        return await _passed(asker, question, site_name, request)


async def _passed(
    asker: Asker, question: Question, site_name: str, request: web.Request
) -> web.StreamResponse:
    out = web.StreamResponse()
    try:
        async with _asked(asker, question, site_name, request) as (token, site_call, response):
            reply = SiteReply(site_name, response.status, response.headers)
            globalizer = asker.globalizer(question.identity, token)
            translated = globalizer.reply(question.call, question.shape, reply)
            headers = returned_headers(translated, question.request_id)
            if response.status >= 400:
                raw = await response.read()
                text = await asker.text_put_back(globalizer, raw, site_call.put_back)
                return web.Response(status=response.status, headers=headers, body=text)
            out = web.StreamResponse(status=response.status, headers=headers)
            if response.status != 204 and "Content-Length" in response.headers:
                out.content_length = int(response.headers["Content-Length"])
            await out.prepare(request)
            if request.method != "HEAD":
                async for chunk in response.chunks():
                    await _taken(request, out.write(chunk), asker.write_seconds)
            await _taken(request, out.write_eof(), asker.write_seconds)
            return out
    except SiteError as error:
        if request.content.exception() is None:
            metrics.site_error(site_name, question.call.service.type, error)
        if request.content.exception() is not None:
            # What broke was the data on its way to the site.
            raise ClientGone from error
        if out.prepared:
            # Half an image is with the client: only a broken connection can tell it.
            raise
        raise fault_of(error) from error


@asynccontextmanager
async def _asked(
    asker: Asker, question: Question, site_name: str, request: web.Request
) -> AsyncIterator[tuple[SiteToken, SiteCall, Response]]:
    """The site's response to the question, with the client's data behind it."""
    token = await asker.site_token(question.identity, site_name)
    for last in (False, True):
        site_call = asker.localized(question, token)
        headers = CIMultiDict(site_call.headers)
        if request.content_length is not None and request.body_exists:
            headers["Content-Length"] = str(request.content_length)
        asker.breakers.check(site_name, site_call.service)
        async with asker.client.request(
            site_name,
            site_call.method,
            site_call.url,
            headers,
            _chunks(request, asker.write_seconds) if request.body_exists else None,
            verify=asker.sites[site_name].verify,
            pool="streams",
        ) as response:
            asker.breakers.heard(site_name, site_call.service)
            metrics.site_status(site_name, site_call.service, response.status)
            site_answered(site_name, response.status, response.headers)
            if response.status != 401:
                yield token, site_call, response
                return
            # The site has forgotten its own token. Data that is under way cannot be sent again.
            asker.sessions.forget_site_token(token)
            if last or request.body_exists:
                raise ExchangeRefused(site_name, "its services refuse the tokens of its Keystone")
        token = await asker.site_token(question.identity, site_name)


async def _chunks(request: web.Request, seconds: float) -> AsyncIterator[bytes]:
    """The client's data. Raises ClientGone if none comes for so long."""
    chunks = request.content.iter_chunked(CHUNK)
    while True:
        try:
            async with asyncio.timeout(seconds):
                chunk = await anext(chunks, b"")
        except TimeoutError as error:
            # Whoever sees only that the request to the site broke learns from it why.
            request.content.set_exception(ClientGone())
            _hang_up(request)
            raise ClientGone from error
        if not chunk:
            return
        yield chunk


async def _taken(request: web.Request, sending: Awaitable[None], seconds: float) -> None:
    """Wait until the client takes what is sent. Raises ClientGone, also if it does not for so long."""
    try:
        async with asyncio.timeout(seconds):
            await sending
    except TimeoutError as error:
        _hang_up(request)
        raise ClientGone from error
    except ConnectionError as error:
        raise ClientGone from error


def _hang_up(request: web.Request) -> None:
    """End the connection at once: closing it would wait until the client has taken what was written."""
    if request.transport is not None:
        request.transport.abort()
