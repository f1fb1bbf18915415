"""One project with long lists at two real sites, unevenly spread."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import redis

from tests.adversarial.client import Login
from tests.adversarial.gateways import Fleet, new_fleet
from tests.adversarial.realm import new_realm

HERE = Path(__file__).parent
NAMES = ("alpha", "Alpha", "beta", "émile", "Zoë", "zoo", "", "b", "B", "_x")
SPREAD = {"network": (11, 34), "volume": (2, 6), "image": (17, 5)}
"""Kind -> how many there are at paris and at tokyo."""
PATHS = {"network": "/networks", "volume": "/volumes/detail", "image": "/images"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("lab"):
            # One loop for all, so that logins and connections can be kept between tests.
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@dataclass(frozen=True)
class Estate:
    """Who has long lists, and where to ask for them."""

    login: Login
    fleet: Fleet
    mark: str
    """What tells the things of the lists from those of others that can be seen too."""

    def query(self, kind: str, *words: str) -> str:
        """These words, and what keeps the things of others out."""
        own = {"network": f"description={self.mark}", "image": f"tag={self.mark}", "volume": ""}
        return "&".join(word for word in (own[kind], *words) if word)

    def forget(self) -> None:
        """The gateway forgets where lists were left, as it does after a while."""
        with redis.Redis.from_url(self.fleet.redis.url) as client:
            kept = client.keys("federator:note:page:*")
            assert kept
            client.delete(*kept)

    async def page(self, kind: str, *words: str) -> Any:
        """The body of one page."""
        return await self.login.get(kind, f"{PATHS[kind]}?{self.query(kind, *words)}")

    async def ids(self, kind: str, *words: str) -> list[str]:
        """The IDs on one page."""
        return [item["id"] for item in (await self.page(kind, *words))[f"{kind}s"]]

    async def make(self, kind: str, site: str, count: int) -> None:
        """So many things at a site."""
        for number in range(count):
            await self.make_one(kind, site, NAMES[number % len(NAMES)], size=1 + number % 2)

    async def make_one(self, kind: str, site: str, name: str, size: int = 1) -> str:
        """One thing at a site; its ID."""
        fields: dict[str, Any] = {
            "network": {"description": self.mark},
            "image": {"tags": [self.mark]},
            "volume": {"size": size},
        }[kind]
        body = {"name": name, **fields}
        path, wrapped = f"/{kind}s", body if kind == "image" else {kind: body}
        made = await self.login.do("POST", kind, path, wrapped, site=site)
        return str((made if kind == "image" else made[kind])["id"])

    async def walk(self, kind: str, *words: str, by_link: bool) -> list[list[str]]:
        """The IDs on all pages, as clients go from one to the next."""
        pages: list[list[str]] = []
        query = self.query(kind, *words)
        while True:
            body = await self.login.get(kind, f"{PATHS[kind]}?{query}")
            if not body[f"{kind}s"]:
                return pages
            pages.append([item["id"] for item in body[f"{kind}s"]])
            query = self.query(kind, *words, f"marker={pages[-1][-1]}")
            if by_link:
                links = body.get(f"{kind}s_links", [])
                found = [link["href"] for link in links if link["rel"] == "next"]
                found += [body["next"]] if body.get("next") else []
                if not found:
                    return pages
                query = found[0].partition("?")[2]


@pytest.fixture(scope="session")
def fleet(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One gateway."""
    with new_fleet(lab, tmp_path_factory.mktemp("lists")) as fleet:
        fleet.add()
        yield fleet
        fleet.check()


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def estate(lab: Path, fleet: Fleet) -> AsyncIterator[Estate]:
    """The lists, made for one new project."""
    url = fleet.gateways[0].url
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
        new_realm(http, lab, url) as realm,
    ):
        await realm.project("alpha")
        await realm.user("alice", alpha="member")
        estate = Estate(await realm.login("alice", "alpha"), fleet, uuid.uuid4().hex)
        for kind, counts in SPREAD.items():
            each_site = zip(("paris", "tokyo"), counts, strict=True)
            await asyncio.gather(*(estate.make(kind, site, n) for site, n in each_site))
        yield estate
