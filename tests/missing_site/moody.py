"""Stands before a real service and spoils what it says: for what no real one can be made to do at will."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import urlsplit

import requests

GOOD, SLOW, HALF, BROKEN, REFUSES = (
    "good",
    "slow",
    "half an answer",
    "broken JSON",
    "refuses the token",
)
STATUSES = {"429": 429, "500": 500, "503": 503}
MOODS = (GOOD, SLOW, HALF, BROKEN, REFUSES, *STATUSES)
SLOW_SECONDS = 1.5
"""Longer than anybody waits before knocking, shorter than the deadline of a read."""

_HOP = {"connection", "transfer-encoding", "content-length", "content-encoding", "host"}


class Moody:
    """A proxy before one service. Questions about servers and limits are spoilt; its root always answers."""

    def __init__(self) -> None:
        self.mood = GOOD
        self.root = self.path = ""
        moody = self

        class Handler(_Handler):
            owner = moody

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stand_before(self, url: str) -> None:
        """Pass on to the service at this URL."""
        parts = urlsplit(url)
        self.root, self.path = f"{parts.scheme}://{parts.netloc}", parts.path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{self.path}"

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    owner: ClassVar[Moody]
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        mood = self.owner.mood if "/servers" in self.path or "/limits" in self.path else GOOD
        if mood in STATUSES:
            self._say(STATUSES[mood], b'{"overLimit": {"code": 429, "message": "not now"}}')
        elif mood == REFUSES:
            self._say(401, b'{"error": {"code": 401, "message": "no", "title": "Unauthorized"}}')
        elif mood in (HALF, BROKEN):
            said = b'{"servers": [{"id": "0f0e0d0c-0b0a-4908-8706-050403020100", "name'
            self._say(200, said, len(said) * 2 if mood == HALF else len(said))
        else:
            if mood == SLOW:
                time.sleep(SLOW_SECONDS)
            self._pass_on(body)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def _pass_on(self, body: bytes) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        response = requests.request(
            self.command,
            self.owner.root + self.path,
            data=body,
            headers={**headers, "Accept-Encoding": "identity"},
            allow_redirects=False,
            timeout=60,
        )
        self.send_response(response.status_code)
        for name, value in response.headers.items():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self._end(response.content, len(response.content))

    def _say(self, status: int, body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self._end(body, len(body) if length is None else length)

    def _end(self, body: bytes, length: int) -> None:
        self.send_header("Connection", "close")
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass
