"""The pools of connections to a site: who holds all of one kind, and who is kept waiting by it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from multidict import CIMultiDict

from adapters import client as clients
from adapters.breakers import Breakers
from adapters.client import Pool, SiteClient
from adapters.knocking import knocker
from adapters.sites import Site

_FEW = 3


async def _half(request: web.Request) -> web.StreamResponse:
    """An answer whose end does not come."""
    answer = web.StreamResponse()
    await answer.prepare(request)
    await answer.write(b"half")
    await asyncio.Event().wait()
    return answer


async def _root(request: web.Request) -> web.Response:
    return web.json_response({})


class Full:
    """A site, and a client all of whose connections of some pools are taken."""

    def __init__(self, url: str, client: SiteClient) -> None:
        self.client = client
        self._url = url
        site = Site("tokyo", url, "password", {})
        self.knock = knocker(client, {"tokyo": site}, {"tokyo": {"image": url}})

    async def get(self, path: str, pool: Pool) -> int:
        async with self.client.request(
            "tokyo", "GET", f"{self._url}{path}", CIMultiDict(), pool=pool
        ) as response:
            return response.status

    async def take(self, stack: AsyncExitStack, pool: Pool) -> None:
        for _ in range(_FEW):
            await stack.enter_async_context(
                self.client.request("tokyo", "GET", f"{self._url}/half", CIMultiDict(), pool=pool)
            )


@asynccontextmanager
async def _full(*pools: Pool) -> AsyncIterator[Full]:
    app = web.Application()
    app.router.add_get("/half", _half)
    app.router.add_get("/", _root)
    client = SiteClient(20)
    async with TestServer(app) as server, AsyncExitStack() as stack:
        await client.open()
        stack.push_async_callback(client.close)
        full = Full(str(server.make_url("")).rstrip("/"), client)
        async with asyncio.timeout(20):
            for pool in pools:
                await full.take(stack, pool)
        yield full


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "_MOST_CONNECTIONS", _FEW)


async def test_streams_that_stand_still_keep_no_call_waiting() -> None:
    async with _full("streams") as site, asyncio.timeout(20):
        assert await site.get("/", "calls") == 200


async def test_a_knock_waits_for_nobody() -> None:
    async with _full("streams", "calls") as site, asyncio.timeout(20):
        assert await site.knock("tokyo", "image")


async def test_to_wait_for_a_connection_takes_no_service_away() -> None:
    async with _full("calls") as site:
        breakers = Breakers(site.knock)
        knocking = asyncio.create_task(breakers.run())

        async def ask() -> int:
            async with asyncio.timeout(2.5) as timeout:
                with breakers.reading("tokyo", "image", timeout):
                    return await site.get("/", "calls")

        ends = await asyncio.gather(*(ask() for _ in range(4)), return_exceptions=True)
        assert all(isinstance(end, TimeoutError) for end in ends)
        breakers.check("tokyo", "image")
        knocking.cancel()
