"""Records every byte between two parties: a wire tap for HTTP without TLS.

A `Recorder` listens at free ports of 127.0.0.1 and passes each connection on to one server, both ways, as it
is: nothing is parsed, added or held back while it runs. Afterwards `exchanges` reads requests and responses out
of what was heard.
"""

import asyncio
import gzip
import io
import itertools
import threading
from bisect import bisect_right
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from http.client import parse_headers

_COUNT = itertools.count()


@dataclass(slots=True)
class Heard:
    """What one side of a connection said, and when (in one count for all connections)."""

    data: bytearray = field(default_factory=bytearray)
    starts: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def add(self, chunk: bytes) -> None:
        self.starts.append(len(self.data))
        self.counts.append(next(_COUNT))
        self.data += chunk

    def when(self, offset: int) -> int:
        return self.counts[bisect_right(self.starts, offset) - 1]


@dataclass(slots=True)
class Connection:
    """Both sides of one connection."""

    tap: str
    asked: Heard = field(default_factory=Heard)
    answered: Heard = field(default_factory=Heard)


@dataclass(frozen=True, slots=True)
class Part:
    """One request or response, its body without transfer and content encoding."""

    start: str
    headers: Message = field(repr=False)
    body: bytes = field(repr=False)
    when: int = 0

    @property
    def raw(self) -> bytes:
        """All of it in one piece of bytes."""
        head = "".join(f"{name}: {value}\n" for name, value in self.headers.items())
        return f"{self.start}\n{head}\n".encode("latin-1") + self.body


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its response."""

    tap: str
    request: Part
    response: Part

    @property
    def method(self) -> str:
        return self.request.start.split(" ")[0]

    @property
    def target(self) -> str:
        return self.request.start.split(" ")[1]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def status(self) -> int:
        return int(self.response.start.split(" ")[1])

    def __str__(self) -> str:
        return f"{self.tap}: {self.method} {self.target} -> {self.status}"


class Recorder:
    """All taps of one test run, served by one thread. Use as a context manager."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="recorder")

    def __enter__(self) -> "Recorder":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def tap(self, name: str, host: str, port: int) -> int:
        """A new port that leads to `host`:`port`."""
        opened: Future[int] = asyncio.run_coroutine_threadsafe(
            self._open(name, host, port), self._loop
        )
        return opened.result(10)

    def exchanges(self, tap: str = "") -> list[Exchange]:
        """All complete exchanges so far, of the taps whose name begins so, in order of their requests."""
        found = [
            exchange
            for connection in list(self.connections)
            if connection.tap.startswith(tap)
            for exchange in _exchanges(connection)
        ]
        return sorted(found, key=lambda each: each.request.when)

    async def _open(self, name: str, host: str, port: int) -> int:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = Connection(name)
            self.connections.append(connection)
            try:
                far_reader, far_writer = await asyncio.open_connection(host, port)
            except OSError:
                writer.close()
                return
            await asyncio.gather(
                _pass_on(reader, far_writer, connection.asked),
                _pass_on(far_reader, writer, connection.answered),
            )

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def _stop(self) -> None:
        for server in self._servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard
) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(65536):
            heard.add(chunk)
            writer.write(chunk)
            await writer.drain()
    with suppress(ConnectionError, OSError):
        writer.close()


def _exchanges(connection: Connection) -> Iterator[Exchange]:
    asked = _Stream(connection.asked)
    answered = _Stream(connection.answered)
    while request := asked.request():
        response = answered.response(request.start.split(" ")[0])
        if response is None:
            return
        yield Exchange(connection.tap, request, response)


class _Stream:
    """Reads HTTP messages out of what one side said."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._file = io.BytesIO(bytes(heard.data))

    def request(self) -> Part | None:
        return self._part(bodiless=False, until_end=False)

    def response(self, method: str) -> Part | None:
        while part := self._head():
            status = int(part.start.split(" ")[1])
            if status >= 200:
                bodiless = method == "HEAD" or status in (204, 304)
                return self._with_body(part, bodiless, until_end=True)
        return None

    def _part(self, *, bodiless: bool, until_end: bool) -> Part | None:
        head = self._head()
        return self._with_body(head, bodiless, until_end) if head else None

    def _head(self) -> Part | None:
        when = self._file.tell()
        start = self._file.readline()
        if not start.endswith(b"\n"):
            return None
        headers = parse_headers(self._file)
        return Part(start.decode("latin-1").strip(), headers, b"", self._heard.when(when))

    def _with_body(self, head: Part, bodiless: bool, until_end: bool) -> Part:
        headers, body = head.headers, b""
        if bodiless:
            pass
        elif headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b"".join(self._chunks())
        elif "Content-Length" in headers:
            body = self._file.read(int(headers["Content-Length"]))
        elif until_end:
            body = self._file.read()
        if headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return Part(head.start, headers, body, head.when)

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._file.readline().partition(b";")[0] or b"0", 16):
            yield self._file.read(size)
            self._file.readline()
        while self._file.readline().strip():
            pass
