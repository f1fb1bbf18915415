"""The front rooms as a server of their own: before the real home and sites, or before nothing."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from multidict import CIMultiDict

from adapters.account import Account
from adapters.client import SiteClient
from adapters.endings import Ending
from adapters.probe import Probe
from adapters.registry import all_services
from adapters.sites import Site, load_home, load_sites
from federator.faults import Fault, NotFound
from federator.identity.api import IdentityApi
from federator.identity.catalog import Catalog
from federator.versions.api import VersionApi

SITES = ("paris", "tokyo")
REGION = "everywhere"
LONG_HEADER = 256 * 1024
"""More than home's own server takes: what it does then must not look like home being down."""


@dataclass
class Front:
    """The running front rooms."""

    url: str = ""
    home: str = ""
    sites: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    endings: list[Ending] = field(default_factory=list)
    said: list[tuple[str, bytes]] = field(default_factory=list)
    """Request and whole answer, of everything that was ever answered."""
    rooms: tuple[IdentityApi, VersionApi] | None = None


@pytest.fixture(scope="package")
def front(lab: Path) -> Iterator[Front]:
    """The front rooms before the lab's home and sites."""
    endpoints = asyncio.run(_endpoints(load_sites(lab, SITES)))
    with served(load_home(lab, "home"), endpoints) as running:
        yield running


@pytest.fixture(autouse=True)
def nobody_elses_url(request: pytest.FixtureRequest) -> Iterator[None]:
    """No answer of any test has shown a URL of home or of a site."""
    yield
    if "front" not in request.fixturenames:
        return
    front: Front = request.getfixturevalue("front")
    urls = [front.home, *(url for site in front.sites.values() for url in site.values())]
    hosts = {urlsplit(url).netloc.encode() for url in urls}
    for asked, answered in front.said:
        assert not any(host in answered for host in hosts), asked


@contextmanager
def served(home: Site, endpoints: Mapping[str, Mapping[str, str]]) -> Iterator[Front]:
    """Front rooms in a thread of their own, for clients that block."""
    front = Front(home=home.auth_url.removesuffix("/v3"), sites=endpoints)
    loop = asyncio.new_event_loop()
    ready, done = threading.Event(), asyncio.Event()

    async def run() -> None:
        client = SiteClient(20.0)
        await client.open()
        runner = web.AppRunner(
            web.Application(middlewares=[_recorder(front)], client_max_size=0),
            max_field_size=LONG_HEADER,
            max_line_size=LONG_HEADER,
        )
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        front.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        await _furnish(front, client, home)
        ready.set()
        await done.wait()
        await runner.cleanup()
        await client.close()

    def run_in_thread() -> None:
        try:
            loop.run_until_complete(run())
        finally:
            ready.set()

    thread = threading.Thread(target=run_in_thread)
    thread.start()
    assert ready.wait(60)
    assert front.rooms, "the front rooms did not start"
    try:
        yield front
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(20)
        loop.close()


async def _furnish(front: Front, client: SiteClient, home: Site) -> None:
    """Handlers need our own URL, which is known only once the port is."""
    services = tuple(all_services().values())

    async def fetch(site: str, url: str) -> tuple[int, bytes]:
        async with client.request(site, "GET", url, CIMultiDict()) as response:
            return response.status, await response.read()

    async def on_ended(ending: Ending) -> None:
        front.endings.append(ending)

    probe = Probe(fetch, front.sites, services)
    await probe.refresh()
    catalog = Catalog(front.url, REGION, services)
    front.rooms = (
        IdentityApi(client, home, catalog, front.url, on_ended),
        VersionApi(probe, services, front.url),
    )


def _recorder(front: Front) -> object:
    shapes = {service.prefix[1:]: service.faults for service in all_services().values()}

    async def answer(request: web.Request) -> web.StreamResponse:
        assert front.rooms is not None
        identity, versions = front.rooms
        path = request.rel_url.raw_path
        try:
            if path == "/identity" or path.startswith("/identity/"):
                return await identity.answer(request)
            found = versions.answer(request)
            if found is None:
                raise NotFound("The resource could not be found.")
            return found
        except Fault as fault:
            shape = shapes.get(path.split("/")[1], "keystone")
            accept = request.headers.get("Accept", "")
            return fault.response(shape, login_url=f"{front.url}/identity", accept=accept)

    @web.middleware
    async def record(request: web.Request, handler: object) -> web.StreamResponse:
        response = await answer(request)
        headers = "".join(f"{name}: {value}\n" for name, value in response.headers.items())
        body = response.body if isinstance(response, web.Response) else None
        text = headers.encode() + (body if isinstance(body, bytes) else b"")
        front.said.append((f"{request.method} {request.raw_path}", text))
        return response

    return record


async def _endpoints(sites: Mapping[str, Site]) -> dict[str, dict[str, str]]:
    found = {}
    for name, site in sites.items():
        account = Account(site)
        found[name] = dict(await account.endpoints())
        account.close()
    return found
