"""Streams that stand still, and more of them than there may be."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.breakers import Breakers
from adapters.client import SiteClient
from adapters.registry import all_services
from federator import stream_places
from federator.asker import Asker, Question
from federator.call import SiteReply
from federator.faults import TooManyRequests, Unavailable
from federator.stream import ClientGone, pass_through
from federator.stream_places import StreamPlaces

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
PART_OF_A_PUT = b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nten bytes!"


class Glance:
    """Gives data without end, takes all it gets, and says when either has ended."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def data(self, request: web.Request) -> web.StreamResponse:
        try:
            answer = web.StreamResponse()
            if request.method == "PUT":
                await request.read()
            await answer.prepare(request)
            while True:
                await answer.write(bytes(1 << 20))
        finally:
            self.ended.set()


class Gateway:
    """Passes everything on to one Glance; writes down what became of it."""

    def __init__(self, glance: str, client: SiteClient) -> None:
        self.outcome: asyncio.Future[BaseException | None] = asyncio.Future()
        self.places = StreamPlaces()
        self._glance = glance
        self._client = client

    async def _knock(self, site: str, service: str) -> bool:
        return True

    def _asker(self, method: str) -> Asker:
        async def site_token(identity: object, site: str) -> None:
            return None

        site_call = SimpleNamespace(
            method=method, url=f"{self._glance}/file", headers={}, service="image"
        )
        as_it_is: Callable[..., SiteReply] = lambda call, shape, reply: reply  # noqa: E731
        parts: dict[str, Any] = {
            "site_token": site_token,
            "localized": lambda question, token: site_call,
            "globalizer": lambda identity, token: SimpleNamespace(reply=as_it_is),
            "breakers": Breakers(self._knock),
            "client": self._client,
            "sites": {"tokyo": SimpleNamespace(verify=True)},
            "stream_places": self.places,
            "write_seconds": 0.3,
        }
        return cast(Asker, SimpleNamespace(**parts))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        question = SimpleNamespace(
            identity=SimpleNamespace(user_id="u1"), call=None, shape=None, request_id="req-1"
        )
        asker = self._asker(request.method)
        try:
            return await pass_through(asker, cast(Question, question), "tokyo", request)
        except BaseException as error:
            self.outcome.set_result(error)
            raise ConnectionError from error


@pytest.fixture
async def glance() -> Glance:
    return Glance()


@pytest.fixture
async def gateway(glance: Glance) -> AsyncIterator[Gateway]:
    app = web.Application(client_max_size=0)
    app.router.add_route("*", "/file", glance.data)
    client = SiteClient(20)
    await client.open()
    async with TestServer(app) as server:
        yield Gateway(str(server.make_url("")).rstrip("/"), client)
        await client.close()


@asynccontextmanager
async def _sent(gateway: Gateway, request: bytes) -> AsyncIterator[BaseException | None]:
    """What became of a client that sends this, and then does nothing at all."""
    app = web.Application()
    app.router.add_route("*", "/", gateway.answer)
    # As the gateway itself is run: who hangs up does not end the handler by that.
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    # So small a limit has the reader stop reading from its socket.
    _, writer = await asyncio.open_connection(host, port, limit=1024)
    async with asyncio.timeout(20):
        writer.write(request)
        yield await gateway.outcome
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    await runner.cleanup()


async def test_who_takes_nothing_holds_no_download(gateway: Gateway, glance: Glance) -> None:
    async with _sent(gateway, GET) as outcome:
        assert isinstance(outcome, ClientGone)
        await glance.ended.wait()


async def test_who_sends_nothing_holds_no_upload(gateway: Gateway, glance: Glance) -> None:
    async with _sent(gateway, PART_OF_A_PUT) as outcome:
        assert isinstance(outcome, ClientGone)
        await glance.ended.wait()


def test_a_user_has_so_many_streams_and_another_one_as_many() -> None:
    places = StreamPlaces()
    with ExitStack() as stack:
        for _ in range(stream_places._MOST_OF_A_USER):
            stack.enter_context(places.taken("greedy", "tokyo"))
        with pytest.raises(TooManyRequests), places.taken("greedy", "paris"):
            pass
        with places.taken("modest", "tokyo"):
            pass
    with places.taken("greedy", "tokyo"):
        pass


def test_a_site_has_so_many_streams_and_another_one_as_many() -> None:
    places = StreamPlaces()
    with ExitStack() as stack:
        for number in range(stream_places._MOST_OF_A_SITE):
            stack.enter_context(places.taken(f"u{number}", "tokyo"))
        with pytest.raises(Unavailable), places.taken("one more", "tokyo"):
            pass
        with places.taken("one more", "paris"):
            pass
    with places.taken("one more", "tokyo"):
        pass


async def test_a_stream_takes_a_place_of_its_user(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_places, "_MOST_OF_A_USER", 0)
    async with _sent(gateway, GET) as fault:
        assert isinstance(fault, TooManyRequests)
        assert fault.response(all_services()["image"].faults).status == 429
