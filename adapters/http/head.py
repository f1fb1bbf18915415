"""A request's head as it goes over the wire, and where it goes. Pure.

Nothing is corrected: what cannot go out as it is does not go out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}
_PARTS = re.compile(r"([A-Za-z]+://[^/?#]+)([^#]*)")
_NO_TARGET = re.compile(r"[\0-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class Origin:
    """Who answers for a URL."""

    tls: bool
    host: str
    """A name or an address, without brackets."""
    port: int
    named: str
    """As the header ``Host`` has it."""


def parts(url: str) -> tuple[Origin, str]:
    """Who is to be asked, and for what: path and query as they stand in the URL. Raises ValueError."""
    found = _PARTS.match(url)
    if found is None:
        raise ValueError("not the URL of a host")
    target = found[2]
    if _NO_TARGET.search(target):
        raise ValueError("a path has no spaces and no control characters")
    return _origin(found[1]), target if target.startswith("/") else f"/{target}"


def head(method: str, target: str, host: str, headers: Mapping[str, str]) -> bytes:
    """The head of a request. Raises ValueError for what would be read as more than one header."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    text = "\r\n".join(lines) + "\r\n\r\n"
    ends = len(lines) + 1
    if text.count("\r") != ends or text.count("\n") != ends or "\0" in text:
        raise ValueError("a header has no line ends in it")
    # What a client sent may be no text at all; it goes on as it came.
    return text.encode(errors="surrogateescape")


@lru_cache(1000)
def _origin(root: str) -> Origin:
    found = urlsplit(root)
    if found.scheme not in _PORTS or not found.hostname:
        raise ValueError("not the URL of a host that speaks HTTP")
    usual = _PORTS[found.scheme]
    port = found.port or usual
    host = found.hostname if found.hostname.isascii() else found.hostname.encode("idna").decode()
    named = f"[{host}]" if ":" in host else host
    return Origin(
        found.scheme == "https", host, port, named if port == usual else f"{named}:{port}"
    )
