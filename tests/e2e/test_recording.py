"""The recorders and the search for leaks can be trusted: they hear everything, and they do find something."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from tests.e2e import leaks
from tests.e2e.exemptions import Exemption
from tests.e2e.recording import Recorder

LOCAL = "3a5a6a0e-3c0e-4a55-9d0b-7a3f6f1f7c11"
"""Random as those that sites give, and the same in every process, as it is in the names of tests."""


class Parrot(BaseHTTPRequestHandler):
    """Says what it is told to say, in the way that the path names."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for byte in asked:
                self.wfile.write(b"1\r\n%c\r\n" % byte)
            self.wfile.write(b"0\r\n\r\n")
            return
        if self.path == "/gzip":
            asked = gzip.compress(asked)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(asked)))
        self.end_headers()
        self.wfile.write(asked)

    def do_HEAD(self) -> None:
        self.send_response(204 if self.path == "/nothing" else 200)
        self.send_header("X-Found", LOCAL)
        if self.path != "/nothing":
            self.send_header("Content-Length", "1000")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def parrot() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Parrot) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


@pytest.fixture
def said(recorder: Recorder) -> Iterator[Any]:
    """Lets a tap of this name hear something: `said("client", "/plain", {...})`."""
    with parrot() as port, requests.Session() as http:
        urls: dict[str, str] = {}

        def say(tap: str, path: str, body: object, **headers: str) -> None:
            if tap not in urls:
                urls[tap] = f"http://127.0.0.1:{recorder.tap(tap, '127.0.0.1', port)}"
            http.post(urls[tap] + path, json=body, headers=headers, timeout=10)

        say.head = lambda path: http.head(urls["client"] + path, timeout=10)  # type: ignore[attr-defined]
        say.urls = urls  # type: ignore[attr-defined]
        yield say


def gateway(recorder: Recorder, *urls: str) -> Any:
    """As much of a running gateway as the search for leaks looks at."""
    return SimpleNamespace(recorder=recorder, site_urls={"tokyo": list(urls)})


@pytest.mark.parametrize("path", ["/plain", "/chunked", "/gzip"])
def test_a_recorder_hears_both_sides(recorder: Recorder, said: Any, path: str) -> None:
    for number in range(3):
        said("client", path, {"n": number})
    said.head("/nothing")
    said.head("/long")
    said("client", path, {"n": 3})
    heard = recorder.exchanges("client")
    assert [each.method for each in heard] == ["POST"] * 3 + ["HEAD"] * 2 + ["POST"]
    bodies = [json.loads(each.response.body)["n"] for each in heard if each.method == "POST"]
    assert bodies == [0, 1, 2, 3]
    assert [json.loads(each.request.body)["n"] for each in heard if each.request.body] == bodies
    assert [each.status for each in heard] == [200, 200, 200, 204, 200, 200]


def found(recorder: Recorder, *urls: str) -> set[tuple[str, str]]:
    """(place, first words) of every leak."""
    running = gateway(recorder, *urls)
    hidden = leaks.secrets(running, (), ())
    return {
        (each.place, " ".join(each.what.split()[:2])) for each in leaks.leaks(running, hidden)[0]
    }


@pytest.mark.parametrize(
    "shown", [LOCAL, LOCAL.replace("-", ""), LOCAL.upper(), f"tap{LOCAL}x", f"a{LOCAL}0"]
)
def test_an_id_is_found_in_every_spelling(shown: str) -> None:
    assert LOCAL.replace("-", "") in leaks.anywhere(f'{{"a": ["{shown}"]}}'.encode())


def test_ids_addresses_and_tokens_are_found(
    recorder: Recorder, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaks, "EXEMPTIONS", (Exemption("/plain", "free", "as a test"),))
    said("site:tokyo:compute", "/plain", {"id": LOCAL}, **{"X-Auth-Token": "gAAA-secret"})
    address = "127.0.0.1:9"
    said("client", "/plain", {"url": f"http://{address}/v2.1", "near": "127.0.0.1:99"})
    said("client", "/plain", {"deep": [{"text": "it is gAAA-secret."}]})
    said.head("/long")
    assert found(recorder, f"http://{address}/v2") == {
        ("url", "the address"),
        ("deep[].text", "a token"),
        ("header x-found", "the ID"),
    }


def test_what_the_client_said_first_is_no_leak_and_what_it_was_shown_is(
    recorder: Recorder, said: Any
) -> None:
    said("site:tokyo:compute", "/plain", {"id": LOCAL})
    said("client", "/plain", {"asked for": LOCAL})
    assert not found(recorder)


def test_an_id_stays_a_leak_when_the_client_uses_it(recorder: Recorder, said: Any) -> None:
    said("site:tokyo:compute", "/plain", {"id": LOCAL})
    said("client", "/plain", {})
    said.head("/long")
    said("client", "/plain", {"asked for": LOCAL})
    assert found(recorder) == {("header x-found", "the ID"), ("asked for", "the ID")}


def test_an_id_of_home_is_no_leak_and_one_of_nobody_is(recorder: Recorder, said: Any) -> None:
    said("site:tokyo:compute", "/plain", {"id": LOCAL})
    said("home", "/plain", {"id": LOCAL})
    said("client", "/plain", {})
    said.head("/long")
    assert not found(recorder)


def test_an_id_of_unknown_origin_is_a_leak(recorder: Recorder, said: Any) -> None:
    said("client", "/plain", {})
    said.head("/long")
    assert found(recorder) == {("header x-found", "the ID")}
