"""One connection to a host: a request goes out, its answer comes in, again and again.

The body of an answer waits here until somebody reads it; if it grows too much meanwhile, the host has to wait.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from multidict import CIMultiDict, CIMultiDictProxy

from adapters.errors import SiteSilent

LONGEST_HEAD = 256 * 1024
"""Bytes of all headers of an answer: Keystone's tokens and SAML assertions are long. The same of trailers."""
_MOST_WAITING = 512 * 1024
"""Bytes of a body that nobody has read yet; then the host has to wait."""


class Connection(asyncio.Protocol):
    """Made by `adapters.http.pool`. One request at a time."""

    def __init__(self, silence: float, gone: Callable[["Connection"], None]) -> None:
        """`silence` is how many seconds the host may say nothing where it should. `gone` is told when the
        connection can be used no more."""
        self._loop = asyncio.get_running_loop()
        self._silence = silence
        self._gone = gone
        self._timer: asyncio.TimerHandle | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._full = False
        self.idle_since = self._loop.time()
        self._open = False
        self._clear()

    def _clear(self) -> None:
        self._site = ""
        self._method = ""
        self._parser: HttpResponseParser | None = None
        self._sending: asyncio.Task[None] | None = None
        self._sent = True
        self._told: list[tuple[str, str]] = []
        self._heard = False
        self._beside = 0
        """Bytes since the last that belonged to a body: of headers, and of what stands around chunks."""
        self._status = 0
        self._headers: CIMultiDictProxy[str] | None = None
        self._chunks: list[bytes] = []
        self._waiting = 0
        self._most = _MOST_WAITING
        self._paused = False
        self._complete = False
        self._keep = False
        self._error: SiteSilent | None = None
        self._hung_up = False
        self._since: float | None = None
        """Since when the host owes us something."""

    # --- the side of who asks

    async def ask(
        self,
        site: str,
        method: str,
        head: bytes,
        body: bytes | AsyncIterator[bytes] | None,
        length: int | None,
    ) -> None:
        """Send a request and wait for the head of its answer. Raises SiteSilent.

        A body that comes bit by bit has this `length`, or goes out in chunks if that is not known.
        """
        self._site, self._method = site, method
        self._parser = HttpResponseParser(self)
        self._since = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._silence, self._look)
        if body is None or isinstance(body, bytes):
            self._transport.write(head + body if body else head)
        else:
            self._transport.write(head)
            self._sent, self._since = False, None
            self._sending = self._loop.create_task(self._send(body, length))
        while self._headers is None:
            self._check()
            await self._wait()

    @property
    def unheard(self) -> bool:
        """Whether the host hung up without a byte of an answer: mostly it had done so before it was asked."""
        return self._hung_up and not self._heard

    @property
    def status(self) -> int:
        return self._status

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        assert self._headers is not None
        return self._headers

    async def read_on(self) -> bytes:
        """What has come of the body; empty at its end. Raises SiteSilent."""
        while not self._chunks and not self._complete:
            self._check()
            await self._wait()
        return self._taken()

    async def read_all(self, most: int) -> bytes:
        """All that is left of the body. Raises SiteSilent, also if it is longer than that."""
        self._most = most
        self._resume()
        while not self._complete:
            self._check()
            if self._waiting > most:
                raise SiteSilent(self._site, "its answer is too large")
            await self._wait()
        return self._taken()

    async def stop_sending(self) -> None:
        """Let go of the body of the request, if it is not out yet."""
        if self._sending is not None and not self._sending.done():
            self._sending.cancel()
            await asyncio.wait([self._sending])

    def end(self) -> bool:
        """The exchange is over. Whether the connection can be used for another one; else it is closed."""
        again = self._complete and self._keep and self._sent and self._open and not self._error
        if not again:
            self.close()
        self._resume()
        self._clear()
        self.idle_since = self._loop.time()
        return again

    def close(self) -> None:
        """Hang up at once."""
        if self._open:
            self._open = False
            self._transport.abort()
            self._gone(self)

    @property
    def open(self) -> bool:
        return self._open

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _taken(self) -> bytes:
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._waiting = 0
        self._resume()
        return data

    def _resume(self) -> None:
        if self._paused and self._open:
            self._paused = False
            self._since = None if self._complete else self._loop.time()
            self._transport.resume_reading()

    async def _send(self, body: AsyncIterator[bytes], length: int | None) -> None:
        sent = 0
        try:
            async for chunk in body:
                if not chunk:
                    continue
                sent += len(chunk)
                if length is not None and sent > length:
                    break
                if not self._open:
                    return
                self._transport.write(chunk if length is not None else _framed(chunk))
                if self._full:
                    self._since = self._loop.time()
                    self._drained = self._loop.create_future()
                    await self._drained
                    self._since = None
            if length is None:
                self._transport.write(b"0\r\n\r\n")
        except Exception as error:
            self._fail(f"the request broke off ({type(error).__name__})")
            return
        if length not in (None, sent):
            self._fail("the request is not as long as it said")
            return
        self._sent = True
        self._since = None if self._complete else self._loop.time()

    def _look(self) -> None:
        """Whether the host has been silent for too long. One timer for all exchanges: most need none."""
        self._timer = None
        if self._since is None or not self._open:
            return
        left = self._since + self._silence - self._loop.time()
        if left <= 0:
            self._fail("no answer (it is silent)", TimeoutError())
        else:
            self._timer = self._loop.call_later(left, self._look)

    def _fail(self, reason: str, cause: BaseException | None = None) -> None:
        if self._error is None and not self._complete:
            self._error = SiteSilent(self._site, reason)
            self._error.__cause__ = cause
        self._since = None
        self._wake()
        self.close()

    # --- the side of the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by name
        self._open = True

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def data_received(self, data: bytes) -> None:
        if self._parser is None:
            # Nobody has asked for anything.
            self.close()
            return
        self._heard = True
        self._beside += len(data)
        if self._since is not None:
            self._since = self._loop.time()
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._keep = False
            self._fail("its answer is not HTTP")
        if self._beside > LONGEST_HEAD:
            self._fail("the headers of its answer are too long")

    def connection_lost(self, error: Exception | None) -> None:
        headers = self._headers
        if headers is not None and error is None and not self._complete and not _sized(headers):
            # It has no other end.
            self._complete = True
        if self._parser is not None:
            self._hung_up = self._open
            self._fail("no answer (it hung up)")
        if self._drained is not None and not self._drained.done():
            self._drained.set_exception(ConnectionResetError())
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # The parser knows us, and we it.
        self._parser = None
        if self._open:
            self._open = False
            self._gone(self)

    # --- the side of the parser

    def on_message_begin(self) -> None:
        if self._complete:
            # More than was asked for.
            self._keep = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._headers is None:
            self._told.append((_text(name), _text(value)))

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        status = self._parser.get_status_code()
        if status < 200 or self._headers is not None:
            self._told = []
            return
        self._status, self._beside = status, 0
        self._headers = CIMultiDictProxy(CIMultiDict(self._told))
        if self._method == "HEAD":
            # The parser would wait for the body that the headers speak of.
            self._keep = self._parser.should_keep_alive()
            self._complete = True
            self._since = None
        self._wake()

    def on_body(self, data: bytes) -> None:
        if self._complete:
            self._keep = False
            return
        self._beside = 0
        self._chunks.append(data)
        self._waiting += len(data)
        if self._waiting > self._most and not self._paused:
            self._paused, self._since = True, None
            self._transport.pause_reading()
        if self._most == _MOST_WAITING or self._paused:
            self._wake()

    def on_message_complete(self) -> None:
        if self._headers is None or self._complete:
            return
        assert self._parser is not None
        self._keep = self._parser.should_keep_alive()
        self._complete = True
        self._since = None
        self._wake()


def _framed(chunk: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(chunk), chunk)


def _sized(headers: CIMultiDictProxy[str]) -> bool:
    """Whether the headers say where the body ends."""
    coding = headers.get("Transfer-Encoding", "").rpartition(",")[2].strip().lower()
    return coding == "chunked" or (not coding and "Content-Length" in headers)


def _text(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")
