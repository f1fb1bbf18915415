"""What goes wrong with a site is counted by what it was, and only if the site was asked."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from multidict import CIMultiDict
from prometheus_client import REGISTRY

from adapters.client import SiteClient
from adapters.errors import (
    ExchangeRefused,
    SiteError,
    SitePaused,
    SiteSilent,
    SiteUnreachable,
    TokenMixUp,
)
from federator import metrics
from tests.e2e.running import free_port

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def counted(site: str, service: str = "compute") -> dict[str, float]:
    """Kind -> how often."""
    found = {}
    for kind in ("refused", "timeout", "broken", "5xx", "login refused", "login failed"):
        labels = {"site": site, "service": service, "kind": kind}
        value = REGISTRY.get_sample_value("federator_site_errors_total", labels)
        if value:
            found[kind] = value
    return found


async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.close()


async def gives_half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await writer.drain()
    writer.close()


async def asked(site: str, port: int) -> SiteError:
    """What the client for sites makes of a site."""
    client = SiteClient(0.3)
    await client.open()
    try:
        url = f"http://127.0.0.1:{port}/"
        async with client.request(site, "GET", url, CIMultiDict()) as response:
            await response.read()
    except SiteError as error:
        return error
    finally:
        await client.close()
    raise AssertionError("the site answered")


@pytest.mark.parametrize(
    ("serve", "kind"), [(hangs, "timeout"), (hangs_up, "broken"), (gives_half, "broken")]
)
async def test_a_site_that_gives_no_answer(serve: Serve, kind: str) -> None:
    site = f"that {serve.__name__}"  # type: ignore[attr-defined]
    served = asyncio.Event()

    async def to_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(reader, writer)
        await writer.wait_closed()
        served.set()

    async with await asyncio.start_server(to_the_end, "127.0.0.1", 0) as server:
        error = await asked(site, server.sockets[0].getsockname()[1])
        await served.wait()
    metrics.site_error(site, "compute", error)
    assert counted(site) == {kind: 1}


async def test_a_site_that_is_not_there() -> None:
    metrics.site_error("gone", "compute", await asked("gone", free_port()))
    assert counted("gone") == {"refused": 1}


def test_what_the_asker_says_itself() -> None:
    late, unread = SiteSilent("said", "late"), SiteSilent("said", "its answer is too large")
    late.__cause__ = TimeoutError()
    for error in (late, unread):
        metrics.site_error("said", "network", error)
    assert counted("said", "network") == {"timeout": 1, "broken": 1}


def test_who_was_not_asked_did_nothing_wrong() -> None:
    for error in (SitePaused("idle", "paused"), SiteUnreachable("idle", "away since")):
        metrics.site_error("idle", "compute", error)
    metrics.site_status("idle", "compute", 404)
    assert counted("idle") == {}


def test_answers_that_say_so_themselves() -> None:
    for status in (200, 429, 500, 503):
        metrics.site_status("ill", "compute", status)
    assert counted("ill") == {"5xx": 2}


def test_logins() -> None:
    for error in (ExchangeRefused("strict", "no"), TokenMixUp("strict", "another user")):
        metrics.login_error("strict", error)
    metrics.login_error("strict", SiteUnreachable("strict", "no connection"))
    assert counted("strict", "identity") == {"login refused": 2, "login failed": 1}
