"""Home's URLs made ours, in the links of bodies and in headers. Pure.

Only where Keystone itself writes a URL: ``links``, ``*_links`` and version documents. A URL in a
description is somebody's text and stays.
"""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

_VERSION = re.compile(r"/v3/?$")


def root_of(url: str) -> str:
    """The URL of a Keystone without its version and without a slash at the end."""
    return _VERSION.sub("", url.rstrip("/"))


class Links:
    """Knows the URLs under which home speaks of itself, and ours for it."""

    def __init__(self, homes: Iterable[str], public_identity: str) -> None:
        # The longest first: one may be the beginning of another.
        self._homes = sorted({root_of(home) for home in homes}, key=len, reverse=True)
        self._paths = [urlsplit(home).path for home in self._homes]
        self._ours = public_identity.rstrip("/")

    def url(self, url: str) -> str:
        """`url` below our ``/identity`` if it was one of home's."""
        for home in self._homes:
            if url == home or url.startswith((f"{home}/", f"{home}?")):
                return self._ours + url[len(home) :]
        return url

    def location(self, url: str) -> str:
        """The value of a ``Location``: it may also be a path alone."""
        if not url.startswith("/") or url.startswith("//"):
            return self.url(url)
        for path in self._paths:
            if url.startswith(f"{path}/"):
                return self._ours + url[len(path) :]
        return url

    def challenge(self, value: str) -> str:
        """The value of a ``WWW-Authenticate``. Keystone adds a version that our clients' base lacks."""
        if not value.lower().startswith("keystone "):
            return value
        return f'Keystone uri="{self._ours}"'

    def body(self, value: Any) -> Any:
        """A parsed body with all its links made ours. What has none is returned as it is."""
        if isinstance(value, dict):
            return {
                key: self._rewritten(item) if _is_link(key) else self.body(item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.body(item) for item in value]
        return value

    def text(self, text: bytes) -> bytes:
        """A page for people, as the web framework writes one of redirects and errors."""
        for home in self._homes:
            text = text.replace(home.encode(), self._ours.encode())
        return text

    def occur_in(self, body: bytes) -> bool:
        """Whether a body has to be looked into at all."""
        return any(home.encode() in body for home in self._homes)

    def _rewritten(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.url(value)
        if isinstance(value, dict):
            return {key: self._rewritten(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._rewritten(item) for item in value]
        return value


def _is_link(key: str) -> bool:
    return key == "links" or key.endswith("_links")
