"""The client's HTTP, before hosts that say byte by byte what they are told to."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import trustme
from multidict import CIMultiDict

from adapters.client import SiteClient
from adapters.errors import SiteSilent, SiteUnreachable
from adapters.http.connection import LONGEST_HEAD
from adapters.http.head import head, parts

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Host:
    """Answers each request with what comes next: bytes; None hangs up; an event is waited for first."""

    answers: list[bytes | asyncio.Event | float | None]
    heard: list[bytes] = field(default_factory=list)
    connections: int = 0
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                heard = await reader.readuntil(b"\r\n\r\n")
                lower = heard.lower()
                if b"content-length: " in lower:
                    length = lower.partition(b"content-length: ")[2].partition(b"\r\n")[0]
                    heard += await reader.readexactly(int(length))
                elif b"transfer-encoding: chunked" in lower:
                    heard += await reader.readuntil(b"0\r\n\r\n")
                self.heard.append(heard)
                while True:
                    answer = self.answers.pop(0)
                    if answer is None:
                        return
                    if isinstance(answer, asyncio.Event):
                        await answer.wait()
                    elif isinstance(answer, float):
                        await asyncio.sleep(answer)
                    else:
                        writer.write(answer)
                        await writer.drain()
                        break
                if not self.answers or self.answers[0] is None:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def site(
    *answers: bytes | asyncio.Event | float | None, silence: float = 20
) -> AsyncIterator[tuple[Host, Callable[..., Awaitable[tuple[int, bytes]]], SiteClient]]:
    host = Host(list(answers))
    server = await asyncio.start_server(host.serve, "127.0.0.1", 0, limit=2**22)
    host.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    client = SiteClient(silence)
    await client.open()

    async def ask(method: str = "GET", body=None, path: str = "/", **headers: str):
        async with client.request(
            "tokyo", method, host.url + path, CIMultiDict(headers), body
        ) as response:
            return response.status, await response.read()

    try:
        async with asyncio.timeout(30):
            yield host, ask, client
    finally:
        await client.close()
        server.close()


@pytest.mark.parametrize(
    ("said", "body"),
    [
        (OK, b"ok"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
            b"ok",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n",
            b"ok",
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
    ],
)
async def test_bodies_end_where_they_say_and_the_connection_is_kept(said, body):
    async with site(said, OK, b"") as (host, ask, _):
        assert await ask() == (200, body)
        assert await ask() == (200, b"ok")
        assert host.connections == 1


async def test_answers_without_a_body_leave_the_connection_as_it_was():
    gone = b"HTTP/1.1 204 No Content\r\n\r\n"
    same = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"
    head_only = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    async with site(gone, same, head_only, OK, b"") as (host, ask, _):
        assert await ask("DELETE") == (204, b"")
        assert await ask() == (304, b"")
        assert await ask("HEAD") == (200, b"")
        assert await ask() == (200, b"ok")
        assert host.connections == 1


async def test_a_body_may_end_with_the_connection():
    for said in (b"HTTP/1.1 200 OK\r\n\r\nok", b"HTTP/1.0 200 OK\r\nServer: old\r\n\r\nok"):
        async with site(said, None, OK) as (host, ask, _):
            assert await ask() == (200, b"ok")
            host.answers = [OK]
            assert await ask() == (200, b"ok")
            assert host.connections == 2


async def test_who_says_close_is_not_asked_again_on_the_same_connection():
    async with site(OK.replace(b"Content", b"Connection: close\r\nContent"), OK, b"") as (
        host,
        ask,
        _,
    ):
        assert await ask() == (200, b"ok")
        assert await ask() == (200, b"ok")
        assert host.connections == 2


async def test_more_than_was_asked_for_is_believed_by_nobody():
    async with site(OK + OK.replace(b"ok", b"no"), OK, b"") as (host, ask, _):
        assert await ask() == (200, b"ok")
        assert await ask() == (200, b"ok")
        assert host.connections == 2


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * (LONGEST_HEAD + 1),
        # What comes with the end of the body does not count.
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Long: "
        + b"x" * (3 * LONGEST_HEAD),
        b"HTTP/1.1 100 Continue\r\n\r\n" * (LONGEST_HEAD // 20),
    ],
)
async def test_what_is_not_http_is_no_answer(said):
    async with site(said, asyncio.Event()) as (_, ask, _):
        with pytest.raises(SiteSilent, match=r"not HTTP|too long"):
            await ask()


async def test_half_an_answer_is_none():
    for half in (OK[:-1], OK[:20], OK.replace(b"ok", b"")):
        async with site(half, None) as (_, ask, _):
            with pytest.raises(SiteSilent):
                await ask("POST")


async def test_headers_and_paths_go_out_as_they_are():
    told = b"X-Twice: a\r\nx-twice: b\r\nX-Empty:\r\nX-Odd: \xff"
    async with site(OK.replace(b"Content", told + b"\r\nContent")) as (host, _, client):
        headers = CIMultiDict([("X-A", "ä"), ("x-a", "\udcff")])
        path = "/v2//%66lavors/%C3%A4?a=%20&b=+&&c"
        async with client.request("tokyo", "GET", f"{host.url}{path}#f", headers) as response:
            assert response.headers.getall("X-Twice") == ["a", "b"]
            assert response.headers["X-Empty"] == ""
            assert response.headers["X-Odd"] == "\udcff"
    line, *rest = host.heard[0].split(b"\r\n")
    assert line == f"GET {path} HTTP/1.1".encode()
    assert rest == [b"Host: " + host.url[7:].encode(), b"X-A: \xc3\xa4", b"x-a: \xff", b"", b""]


def test_what_would_be_read_as_two_headers_does_not_go_out():
    for value in ("a\r\nX-Admin: yes", "a\nb", "a\rb", "a\0"):
        with pytest.raises(ValueError, match="header"):
            head("GET", "/", "h", {"X": value})
        with pytest.raises(ValueError, match="header"):
            head("GET", "/", "h", {value: "X"})
    for url in ("http://h/a b", "http://h/a\r\nX: y", "h/a", "ftp://h/", "http:///a"):
        with pytest.raises(ValueError, match=r"path|URL"):
            parts(url)


def test_where_a_url_leads():
    origin, target = parts("http://[::1]:8774?limit=1")
    assert (origin.host, origin.port, origin.named) == ("::1", 8774, "[::1]:8774")
    assert target == "/?limit=1"
    origin, target = parts("https://bücher.example")
    assert (origin.tls, origin.port, origin.named) == (True, 443, "xn--bcher-kva.example")
    assert target == "/"


async def test_a_connection_that_was_closed_meanwhile_is_not_the_clients_affair():
    async with site(OK, None) as (host, ask, _):
        assert await ask() == (200, b"ok")
        await asyncio.sleep(0.05)
        host.answers = [OK]
        assert await ask("POST", b"x") == (200, b"ok")
        assert host.connections == 2


async def test_a_request_that_nobody_heard_is_sent_once_more_but_no_create_is():
    async with site(OK, None, OK) as (host, ask, _):
        # It hangs up when it is asked the second time.
        host.answers = [OK, 0.0, None]
        assert await ask() == (200, b"ok")
        host.answers = [0.0, None, OK, b""]
        assert await ask() == (200, b"ok")
        host.answers = [0.0, None, OK, b""]
        with pytest.raises(SiteSilent):
            await ask("POST", b"x")


async def test_silence_has_an_end_and_is_no_reason_to_ask_again():
    never = asyncio.Event()
    async with site(OK, never, silence=0.3) as (host, ask, _):
        assert await ask() == (200, b"ok")
        with pytest.raises(SiteSilent):
            await ask()
        assert len(host.heard) == 2
    async with site(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", never, silence=0.3) as (
        _,
        ask,
        _,
    ):
        with pytest.raises(SiteSilent):
            await ask()


async def test_nobody_there_is_no_connection():
    async with site() as (host, ask, _):
        host.url = "http://127.0.0.1:1"
        with pytest.raises(SiteUnreachable) as caught:
            await ask()
        assert not isinstance(caught.value, SiteSilent)


async def _pieces(*pieces: bytes, wait: asyncio.Event | None = None) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    if wait is not None:
        await wait.wait()
        raise ConnectionResetError


async def test_bodies_go_out_whole_in_pieces_or_with_a_length():
    async with site(OK, OK, OK, OK, b"") as (host, ask, _):
        await ask("POST", b"abc")
        await ask("PUT", _pieces(b"a", b"", b"bc"))
        await ask("PUT", _pieces(b"a", b"bc"), **{"Content-Length": "3"})
        await ask("POST")
        assert host.connections == 1
    assert [each.partition(b"\r\n\r\n")[2] for each in host.heard] == [
        b"abc",
        b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
        b"abc",
        b"",
    ]
    assert b"Content-Length: 0" in host.heard[3]


async def test_a_body_that_breaks_off_breaks_the_request():
    gone, early = asyncio.Event(), asyncio.Event()
    gone.set()
    async with site(OK, b"") as (host, ask, _):
        with pytest.raises(SiteSilent):
            await ask("PUT", _pieces(b"a", wait=gone))
        with pytest.raises(SiteSilent):
            await ask("PUT", _pieces(b"ab"), **{"Content-Length": "3"})
        with pytest.raises(SiteSilent):
            await ask("PUT", _pieces(b"abcd"), **{"Content-Length": "3"})
        # Refused before it was sent: that is an answer.
        host.answers = [OK, b""]
        sending = _pieces(b"a" * 10, b"0\r\n\r\n", wait=early)
        assert await ask("PUT", sending) == (200, b"ok")
        assert [each async for each in sending] == []


async def test_a_body_that_nobody_reads_waits_at_the_host():
    size = 30_000_000
    said = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size
    async with site(said + bytes(size), OK, b"") as (host, ask, client):
        async with client.request("tokyo", "GET", host.url, CIMultiDict()) as response:
            await asyncio.sleep(0.3)
            assert response._connection._waiting < 2_000_000
            assert sum([len(chunk) async for chunk in response.chunks()]) == size
        assert await ask() == (200, b"ok")
        assert host.connections == 1


async def test_who_leaves_early_and_who_is_cancelled_leave_no_mess():
    never = asyncio.Event()
    async with site(OK[:-1], never) as (host, ask, client):
        async with client.request("tokyo", "GET", host.url, CIMultiDict()) as response:
            assert response.status == 200
        host.answers = [never]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await ask()
        host.answers = [OK, b""]
        assert await ask() == (200, b"ok")
        assert host.connections == 3


async def test_a_certificate_of_nobody_we_know_is_no_connection(tmp_path):
    authority, stranger = trustme.CA(), trustme.CA()
    files = {True: tmp_path / "ca.pem", False: tmp_path / "other.pem"}
    authority.cert_pem.write_to_path(str(files[True]))
    stranger.cert_pem.write_to_path(str(files[False]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    host = Host([OK, OK, OK, OK, b""])
    server = await asyncio.start_server(host.serve, "127.0.0.1", 0, ssl=context)
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
    client = SiteClient(5)
    await client.open()

    async def ask(verify: bool | str, url: str = url) -> int:
        async with client.request("t", "GET", url, CIMultiDict(), verify=verify) as response:
            await response.read()
            return response.status

    try:
        assert [await ask(str(files[True])) for _ in range(2)] == [200, 200]
        assert host.connections == 1
        assert await ask(False) == 200
        for wrong in (True, str(files[False])):
            with pytest.raises(SiteUnreachable, match="no connection"):
                await ask(wrong)
        with pytest.raises(SiteUnreachable, match="no connection"):
            await ask(str(files[True]), url.replace("localhost", "127.0.0.1"))
    finally:
        await client.close()
        server.close()
