"""Requests that are hardly HTTP: each gets an answer or an end, none gets more than it should."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.adversarial.alike import Everybody
from tests.adversarial.client import Answer
from tests.adversarial.gateways import GatewayProcess
from tests.adversarial.raw import request, talk

SERVERS = "/compute/v2.1/servers"
ROOTS = {
    "compute": "/compute/v2.1/",
    "network": "/network/v2.0/",
    "image": "/image/v2/",
    "volume": "/volume/v3/",
    "placement": "/placement/",
    "identity": "/identity/v3/",
}
SEGMENTS = (
    "servers%2F..%2F..%2Fadmin",
    "..%2f..%2fidentity/v3/users",
    "../../identity/v3/users",
    "servers/../../../healthcheck",
    "%2e%2e/%2e%2e/metrics",
    "servers//detail",
    "//servers",
    "servers%00",
    "servers/%00",
    "%00",
    "%zz",
    "servers/%",
    "servers/%2",
    "servers/%u0041",
    "x" * 8192,
    "x/" * 3000,
    "servers;jsessionid=1",
    "servers/@",
    "servers/:80",
    "http://127.0.0.1:23100/v3/users",
    "servers%0d%0aX-Injected:%201",
    "servers%23",
    "servers%3Flimit=1",
    "\xe9t\xe9",
    "networks/..;/ports",
    "\\..\\..\\windows",
)


def headers_of(everybody: Everybody, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [("X-Auth-Token", everybody.member.token), ("Accept", "application/json"), *more]


async def still_well(everybody: Everybody) -> None:
    """The gateway answers normally."""
    member = everybody.member
    answers = await asyncio.gather(
        member.ask("GET", "compute", "/servers"), member.ask("GET", "network", "/networks")
    )
    assert [answer.status for answer in answers] == [200, 200], answers


def refused(answer: Answer | None) -> bool:
    """A client's mistake, said or made felt by hanging up."""
    return answer is None or 400 <= answer.status < 500


@pytest.mark.parametrize("service", ROOTS)
async def test_odd_paths_are_refused(
    gateway: GatewayProcess, everybody: Everybody, service: str
) -> None:
    headers = headers_of(everybody)
    targets = [ROOTS[service] + segment for segment in SEGMENTS]
    answers = await asyncio.gather(
        *(talk(gateway.address, request("GET", target, headers)) for target in targets)
    )
    wrong = [
        f"{target[:60]}: {answer.status} {answer.raw[:200]!r}"
        for target, answer in zip(targets, answers, strict=True)
        if answer and not refused(answer) and not _is_the_list(service, target, answer)
    ]
    assert not wrong, "\n".join(wrong)
    await still_well(everybody)


def _is_the_list(service: str, target: str, answer: Answer) -> bool:
    """Some of these spell what the service itself takes for the list of servers."""
    return (
        service == "compute"
        and answer.status == 200
        and set(answer.json) == {"servers"}
        and "servers" in target
    )


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PROPFIND", "BREW", "get", "X" * 2000])
async def test_odd_methods_are_refused(
    gateway: GatewayProcess, everybody: Everybody, method: str
) -> None:
    headers = headers_of(everybody)
    targets = [SERVERS, "/network/v2.0/networks", "/image/v2/images", "/placement", "/identity/v3"]
    answers = await asyncio.gather(
        *(talk(gateway.address, request(method, target, headers)) for target in targets)
    )
    allowed = {200, 204} if method == "OPTIONS" else set()
    assert [a for a in answers if a and not refused(a) and a.status not in allowed] == []
    for answer in answers:
        # TRACE would show the token to whoever made the client send it.
        assert answer is None or everybody.member.token.encode() not in answer.raw
    await still_well(everybody)


async def test_head_is_get_without_a_body(gateway: GatewayProcess, everybody: Everybody) -> None:
    for path in ("/healthcheck", "/compute/", "/identity/v3", "/image/v2/images"):
        got, headed = await asyncio.gather(
            *(
                talk(gateway.address, request(method, path, headers_of(everybody)))
                for method in ("GET", "HEAD")
            )
        )
        assert got
        assert headed
        # Glance itself knows no HEAD there.
        assert headed.status in (got.status, 404, 405), path
        assert headed.raw == b""


@pytest.mark.parametrize(
    "header",
    [
        ("X-Long", "x" * 100_000),
        ("X-Auth-Token", "x" * 100_000),
        ("Cookie", "x" * 100_000),
        ("X-Longer", "x" * 1_000_000),
        ("X" * 100_000, "x"),
    ],
    ids=["100 kB", "token", "cookie", "1 MB", "name"],
)
async def test_a_long_header_is_refused(
    gateway: GatewayProcess, everybody: Everybody, header: tuple[str, str]
) -> None:
    headers = headers_of(everybody, header)
    if header[0] == "X-Auth-Token":
        headers = [header]
    for target in (
        SERVERS,
        "/network/v2.0/networks",
        "/identity/v3/auth/tokens",
        "/image/v2/images",
    ):
        answer = await talk(gateway.address, request("GET", target, headers))
        assert answer is not None
        # Nobody needs cookies: they are dropped, and Keystone misses what is to be validated.
        assert answer.status in (400, 401, 413, 431) or header[0] == "Cookie", answer
        assert answer.status < 500, answer
    await still_well(everybody)


async def test_two_thousand_headers_do_no_harm(
    gateway: GatewayProcess, everybody: Everybody
) -> None:
    headers = headers_of(everybody, *((f"X-Number-{number}", "x") for number in range(2000)))
    for target in (SERVERS, "/network/v2.0/networks", "/identity/v3/auth/tokens"):
        answer = await talk(gateway.address, request("GET", target, headers))
        assert refused(answer) or (answer and answer.status == 200), answer
    await still_well(everybody)


@pytest.mark.parametrize(
    "lines",
    [
        ["X-Auth-Token : {}"],
        ["X Auth Token: {}"],
        ["X-Auth-Token: {}", " folded"],
        ["X-Auth-Token: {}\x00"],
        ["X-Auth-Token: {}", "X-Auth-Token: other"],
        ["X-Auth-Token: other", "X-Auth-Token: {}"],
        [": {}"],
        ["no colon at all"],
        ["X-Auth-Token: \xe9\xe9"],
        ["X-Auth-Token: gAAAAAB not a token"],
        ["X-Auth-Token:"],
        ["X-Auth-Token: " + "x" * 20_000],
    ],
)
async def test_odd_header_lines_are_refused(
    gateway: GatewayProcess, everybody: Everybody, lines: Sequence[str]
) -> None:
    token = everybody.member.token
    text = "\r\n".join(line.format(token) for line in lines)
    raw = f"GET {SERVERS} HTTP/1.1\r\nHost: gateway\r\n{text}\r\n\r\n".encode("latin-1")
    answer = await talk(gateway.address, raw)
    # Of two tokens either may count, as long as one does.
    assert refused(answer) or (answer and answer.status == 200 and "other" in text), answer
    await still_well(everybody)


@pytest.mark.parametrize(
    "start",
    [
        "GET /compute/v2.1/servers",
        "GET /compute/v2.1/servers HTTP/0.9",
        "GET /compute/v2.1/servers HTTP/3.7",
        "GET  HTTP/1.1",
        "GET compute HTTP/1.1",
        "GET * HTTP/1.1",
        "CONNECT 127.0.0.1:23100 HTTP/1.1",
        "GET http://127.0.0.1:23100/v3/users HTTP/1.1",
        "GET /compute/v2.1/servers#fragment HTTP/1.1",
        "PRI * HTTP/2.0",
        "\x16\x03\x01\x02\x00\x01\x00\x01",
        "hello",
    ],
)
async def test_odd_first_lines_are_refused(
    gateway: GatewayProcess, everybody: Everybody, start: str
) -> None:
    head = f"{start}\r\nHost: gateway\r\nX-Auth-Token: {everybody.member.token}\r\n\r\n"
    answer = await talk(gateway.address, head.encode("latin-1"), pause=0.5, half_close=True)
    plain = answer and answer.status == 200 and set(answer.json) == {"servers"}
    assert refused(answer) or plain, answer
    await still_well(everybody)


async def test_http_1_0_is_answered_and_closed(
    gateway: GatewayProcess, everybody: Everybody
) -> None:
    head = f"GET {SERVERS} HTTP/1.0\r\nX-Auth-Token: {everybody.member.token}\r\n\r\n"
    answer = await talk(gateway.address, head.encode())
    assert answer
    assert answer.status == 200
    assert "chunked" not in answer.headers.get("Transfer-Encoding", "")
    assert answer.json == {"servers": []}


@pytest.mark.parametrize("target", [SERVERS, "/network/v2.0/networks", "/identity/v3/auth/tokens"])
async def test_a_body_that_ends_too_early_makes_nothing(
    gateway: GatewayProcess, everybody: Everybody, target: str
) -> None:
    chunked = headers_of(
        everybody, ("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")
    )
    lying = headers_of(everybody, ("Content-Type", "application/json"), ("Content-Length", "500"))
    body = b'{"network": {"name": "cut off"}}'
    for raw in (
        request("POST", target, chunked, b"20\r\n" + body + b"\r\n"),
        request("POST", target, chunked, b"20\r\n" + body),
        request("POST", target, chunked, b"zz\r\n" + body + b"\r\n0\r\n\r\n"),
        request("POST", target, chunked, b"-5\r\n" + body + b"\r\n0\r\n\r\n"),
        request("POST", target, chunked, b"ffffffffffffffffff\r\n" + body),
        request("POST", target, lying, body),
    ):
        answer = await talk(gateway.address, raw, half_close=True)
        assert refused(answer), answer
    listed = await everybody.member.get("network", "/networks?name=cut%20off")
    assert listed["networks"] == []
    await still_well(everybody)


@pytest.mark.parametrize(
    "lengths",
    [
        [("Content-Length", "-1")],
        [("Content-Length", "abc")],
        [("Content-Length", "+5")],
        [("Content-Length", "5, 6")],
        [("Content-Length", "5"), ("Content-Length", "6")],
        [("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
        [("Transfer-Encoding", "chunked, identity")],
        [("Transfer-Encoding", "xchunked")],
        [("Transfer-Encoding", "gzip")],
        [("Content-Length", "9" * 40)],
    ],
)
async def test_contradictory_lengths_smuggle_nothing(
    gateway: GatewayProcess, everybody: Everybody, lengths: list[tuple[str, str]]
) -> None:
    inner = request("DELETE", "/network/v2.0/networks/smuggled", headers_of(everybody))
    head = headers_of(everybody, ("Content-Type", "application/json"), *lengths)
    raw = request("POST", "/network/v2.0/networks", head, b"0\r\n\r\n" + inner)
    before = gateway.log.stat().st_size
    answer = await talk(gateway.address, raw, pause=0.5, half_close=True)
    assert refused(answer), answer
    await still_well(everybody)
    said = gateway.log.read_bytes()[before:]
    assert b"networks/smuggled" not in said


async def test_expect_100_continue_is_answered_here(
    gateway: GatewayProcess, everybody: Everybody
) -> None:
    body = b'{"network": {"name": "expected"}}'
    length = ("Content-Length", str(len(body)))
    more = [("Content-Type", "application/json"), length, ("Expect", "100-continue")]
    head = request("POST", "/network/v2.0/networks", headers_of(everybody, *more))
    host, _, port = gateway.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head)
    async with asyncio.timeout(30):
        assert (await reader.readline()).startswith(b"HTTP/1.1 100")
        await reader.readline()
        writer.write(body)
        assert (await reader.readline()).startswith(b"HTTP/1.1 201")
        writer.close()
        await writer.wait_closed()
    odd = headers_of(everybody, ("Expect", "miracles"), length)
    answer = await talk(gateway.address, request("POST", SERVERS, odd, body))
    assert refused(answer), answer


async def test_slow_and_silent_clients_hold_up_nobody(
    gateway: GatewayProcess, everybody: Everybody
) -> None:
    host, _, port = gateway.address.rpartition(":")
    opened = await asyncio.gather(*(asyncio.open_connection(host, int(port)) for _ in range(100)))
    head = request("POST", SERVERS, headers_of(everybody, ("Content-Length", "100000")))
    try:
        for number, (_, writer) in enumerate(opened):
            writer.write(head[:40] if number % 2 else head + b"{")
        for _ in range(3):
            for _, writer in opened:
                writer.write(b"x")
            await still_well(everybody)
    finally:
        for _, writer in opened:
            writer.close()
        await asyncio.gather(
            *(writer.wait_closed() for _, writer in opened), return_exceptions=True
        )
    await still_well(everybody)


async def test_many_requests_on_one_connection_are_told_apart(
    gateway: GatewayProcess, everybody: Everybody
) -> None:
    one = request("GET", SERVERS, headers_of(everybody))
    other = request("GET", "/network/v2.0/networks?name=nobody", headers_of(everybody))
    host, _, port = gateway.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(one + other + one + other)
    heard = b""
    async with asyncio.timeout(30):
        while heard.count(b'{"servers":[]}') < 2 or heard.count(b'{"networks":[]}') < 2:
            chunk = await reader.read(65536)
            assert chunk, heard
            heard += chunk
        writer.close()
        await writer.wait_closed()
    order = [word for word in heard.split(b'"') if word in (b"servers", b"networks")]
    assert order == [b"servers", b"networks"] * 2
