"""Requests without the cost of a client, and what they cost whoever answers them."""

import asyncio
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

import orjson

from bench.standin import USER_TOKEN
from bench.world import cpu_seconds


class Connection:
    """One connection that is kept, to who answers with a length."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)

    async def __aenter__(self) -> "Connection":
        host, port = self._url.hostname, self._url.port
        tls = None
        if self._url.scheme == "https":
            # Whom we ask is ours, and a moment old.
            tls = ssl.create_default_context()
            tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        self._reader, self._writer = await asyncio.open_connection(host, port, limit=2**24, ssl=tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def get(self, target: str) -> bytes:
        """GET of a path with its query: the body. Raises RuntimeError if that is not answered 200."""
        request = f"GET {target} HTTP/1.1\r\nHost: {self._url.netloc}\r\nX-Auth-Token: {USER_TOKEN}\r\n\r\n"
        self._writer.write(request.encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = await self._reader.readexactly(length)
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(f"{target}: {head[:12].decode()} {body[:200]!r}")
        return body


@dataclass(frozen=True)
class Target:
    """Who is asked, and what: the paths in turn."""

    name: str
    url: str
    pid: int
    paths: Sequence[str]


async def cost(target: Target, seconds: float, at_once: int) -> float:
    """Microseconds of CPU per request, at so many requests at once, for so long."""
    paths, asked = cycle(target.paths), 0

    async def client(end: float) -> None:
        nonlocal asked
        async with Connection(target.url) as connection:
            # In whole turns, for the paths may differ in cost.
            while time.perf_counter() < end or asked % len(target.paths):
                asked += 1
                await connection.get(next(paths))

    before = cpu_seconds(target.pid)
    end = time.perf_counter() + seconds
    await asyncio.gather(*(client(end) for _ in range(at_once)))
    return (cpu_seconds(target.pid) - before) / asked * 1e6


async def pages(url: str, target: str) -> list[str]:
    """The paths of all pages of a list of servers, found by its links."""
    found = []
    async with Connection(url) as connection:
        while target:
            body: dict[str, Any] = orjson.loads(await connection.get(target))
            if body["servers"]:
                found.append(target)
            onward = [link["href"] for link in body.get("servers_links", [])]
            parts = urlsplit(onward[0]) if onward else None
            target = f"{parts.path}?{parts.query}" if parts else ""
    return found


async def server_ids(url: str, target: str) -> list[str]:
    """The IDs on one page of servers."""
    async with Connection(url) as connection:
        return [server["id"] for server in orjson.loads(await connection.get(target))["servers"]]
