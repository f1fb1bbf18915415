"""Speaks HTTP by hand, to say what no client library would."""

import asyncio
import io
from collections.abc import Iterable
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from socket import socket
from typing import cast

from tests.adversarial.client import Answer

SECONDS = 30


async def talk(
    address: str, *parts: bytes, pause: float = 0, half_close: bool = False
) -> Answer | None:
    """What comes back on one connection after these bytes; None if it was closed without a word.

    Raises TimeoutError if neither happens: that is a hang.
    """
    host, _, port = address.rpartition(":")
    method = parts[0].partition(b" ")[0].decode(errors="replace")
    reader, writer = await asyncio.open_connection(host, int(port))
    heard = bytearray()
    try:
        async with asyncio.timeout(SECONDS):
            with suppress(ConnectionError):
                for part in parts:
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(pause)
                if half_close:
                    writer.write_eof()
            with suppress(ConnectionError):
                while chunk := await reader.read(65536):
                    heard += chunk
                    if _whole(heard, method):
                        break
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    asked = parts[0].partition(b"\r")[0][:80].decode(errors="replace")
    return _parsed(bytes(heard), method, asked) if heard else None


def request(
    method: str, target: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b""
) -> bytes:
    """The bytes of a request. Nothing is added but ``Host``."""
    lines = [f"{method} {target} HTTP/1.1", "Host: gateway"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _whole(heard: bytearray, method: str) -> bool:
    try:
        _parsed(bytes(heard), method, "")
    except (HTTPException, ValueError):
        return False
    return True


def _parsed(heard: bytes, method: str, asked: str) -> Answer:
    response = HTTPResponse(cast(socket, _Heard(heard)), method=method)
    response.begin()
    body = response.read()
    if response.length:
        raise ValueError("there is more to come")
    return Answer(response.status, dict(response.getheaders()), body, asked)


class _Heard:
    """What was heard already, as a socket."""

    def __init__(self, heard: bytes) -> None:
        self._heard = heard

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self._heard)
