"""One project with long lists at three real sites, unevenly spread."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import redis
import yaml

from lab.copies import ServerCopy
from lab.lab import Lab
from tests.adversarial.client import Answer, Login
from tests.adversarial.gateways import Fleet, new_fleet
from tests.adversarial.realm import Realm, new_realm
from tests.conftest import missing
from tests.e2e.api import cloud
from tests.e2e.openstack_cli import CommandServer, Openstack
from tests.e2e.recording import Recorder
from tests.e2e.running import through_tap

HERE = Path(__file__).parent
SITES = ("paris", "tokyo", "denver")
NAMES = ("alpha", "Alpha", "beta", "émile", "Zoë", "zoo", "", "b", "B", "_x")
SPREAD = {
    "server": (190, 83, 27),
    "network": (11, 34, 5),
    "volume": (2, 6, 1),
    "image": (17, 5, 3),
}
"""Kind -> how many there are at each site."""
SERVICES = {"server": "compute"}
"""What a kind belongs to, where the service is not called like it."""
PATHS = {
    "server": "/servers/detail",
    "network": "/networks",
    "volume": "/volumes/detail",
    "image": "/images",
}


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
    recorder: Recorder
    """What stands between the gateway and the Nova of each site."""
    mark: str
    """What tells the things of the lists from those of others that can be seen too."""
    realm: Realm
    """Where alice is a member of alpha. Passwords are the name with ``-secret`` behind it."""

    def command(self, commands: CommandServer, folder: Path, project: str = "alpha") -> Openstack:
        """The command of alice in a project."""
        auth = {
            "auth_url": f"{self.fleet.gateways[0].url}/identity",
            "username": "alice",
            "password": "alice-secret",
            "project_name": project,
            "user_domain_name": self.realm.name,
            "project_domain_name": self.realm.name,
        }
        clouds = {"clouds": {"alice": {"auth": auth, "region_name": "federation"}}}
        (folder / "clouds.yaml").write_text(yaml.safe_dump(clouds))
        return Openstack(commands, folder, "alice")

    async def ask(self, method: str, kind: str, path: str, **options: Any) -> Answer:
        """Something of the service that things of this kind belong to."""
        return await self.login.ask(method, SERVICES.get(kind, kind), path, **options)

    async def get(self, kind: str, path: str, **options: Any) -> Any:
        """The same, that has to be there."""
        return await self.login.get(SERVICES.get(kind, kind), path, **options)

    def query(self, kind: str, *words: str) -> str:
        """These words, and what keeps the things of others out."""
        own = {"network": f"description={self.mark}", "image": f"tag={self.mark}"}
        return "&".join(word for word in (own.get(kind, ""), *words) if word)

    def forget(self) -> None:
        """The gateway forgets where lists were left, as it does after a while."""
        with redis.Redis.from_url(self.fleet.redis.url) as client:
            kept = client.keys("federator:note:page:*")
            assert kept
            client.delete(*kept)

    async def page(self, kind: str, *words: str) -> Any:
        """The body of one page."""
        return await self.get(kind, f"{PATHS[kind]}?{self.query(kind, *words)}")

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
            "server": {"flavorRef": "1", "networks": "none"},
            "network": {"description": self.mark},
            "image": {"tags": [self.mark]},
            "volume": {"size": size},
        }[kind]
        if kind == "server":
            found = await self.login.get("image", "/images?name=cirros&limit=1")
            fields["imageRef"] = found["images"][0]["id"]
        body = {"name": name, **fields}
        wrapped = body if kind == "image" else {kind: body}
        version = "2.37" if kind == "server" else ""
        service = SERVICES.get(kind, kind)
        made = await self.login.do(
            "POST", service, f"/{kind}s", wrapped, site=site, version=version
        )
        return str((made if kind == "image" else made[kind])["id"])

    async def walk(self, kind: str, *words: str, by_link: bool) -> list[list[str]]:
        """The IDs on all pages, as clients go from one to the next."""
        pages: list[list[str]] = []
        query = self.query(kind, *words)
        while True:
            body = await self.get(kind, f"{PATHS[kind]}?{query}")
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


@pytest.fixture(scope="package")
def recorder() -> Iterator[Recorder]:
    """Hears what the Novas of the sites are asked, and what they say."""
    with Recorder() as recorder:
        yield recorder


@pytest.fixture(scope="package")
def fleet(
    lab: Path, recorder: Recorder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """One gateway."""
    folder = tmp_path_factory.mktemp("lists")
    clouds = yaml.safe_load(lab.read_text())
    for site in SITES:
        if site not in clouds["clouds"]:
            missing(f"the site {site}; python -m lab up --sites {','.join(SITES)}")
        account = cloud(lab, site)
        tap = through_tap(account.catalog()["compute"], site, recorder)
        clouds["clouds"][site]["compute_endpoint_override"] = tap
        account.close()
    (folder / "sites.yaml").write_text(yaml.safe_dump(clouds))
    with new_fleet(folder / "sites.yaml", folder) as fleet:
        fleet.add(sites=list(SITES))
        yield fleet
        fleet.check()


@pytest_asyncio.fixture(loop_scope="session", scope="package")
async def estate(lab: Path, fleet: Fleet, recorder: Recorder) -> AsyncIterator[Estate]:
    """The lists, made for one new project."""
    url = fleet.gateways[0].url
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
        new_realm(http, lab, url, sites=SITES) as realm,
    ):
        await realm.project("alpha")
        await realm.user("alice", alpha="member")
        login = await realm.login("alice", "alpha")
        estate = Estate(login, fleet, recorder, uuid.uuid4().hex, realm)
        for kind, counts in SPREAD.items():
            if kind != "server":
                each_site = zip(SITES, counts, strict=True)
                await asyncio.gather(*(estate.make(kind, site, n) for site, n in each_site))
        name = f"template-{estate.mark}"
        name = f"template-{estate.mark}"
        templates = [await estate.make_one("server", site, name) for site in SITES]
        for template in templates:
            await _until_active(estate, template)
        with ExitStack() as stack:
            for site, count in zip(SITES, SPREAD["server"], strict=True):
                await asyncio.to_thread(
                    stack.enter_context, copied_servers(lab, site, name, count - 1)
                )
            yield estate


async def _until_active(estate: Estate, server: str) -> None:
    for _ in range(120):
        if (await estate.get("server", f"/servers/{server}"))["server"]["status"] == "ACTIVE":
            return
        await asyncio.sleep(0.5)
    raise AssertionError("a server does not become ACTIVE")


@contextmanager
def copied_servers(lab: Path, site: str, template: str, count: int) -> Iterator[None]:
    """So many more servers like the one of this name at a site, and room for some more."""
    admin = cloud(lab, f"{site}-admin")
    path = f"/servers/detail?all_tenants=1&name=^{template}$"
    (found,) = admin.get("compute", path)["servers"]
    dice = Random(f"{site} {count}")
    copies = [
        ServerCopy(
            str(uuid.uuid4()),
            dice.choice(NAMES[:6]),
            # Few moments, so that many are equal in it.
            f"2026-01-01 {dice.randrange(24):02}:{dice.randrange(3):02}:00",
            dice.choice(["active", "stopped", "error", "paused"]),
        )
        for _ in range(count)
    ]
    quota = f"/os-quota-sets/{found['tenant_id']}"
    Lab().copy_server(site, found["id"], copies)
    try:
        room = {"instances": -1, "cores": -1, "ram": -1}
        admin.do("PUT", "compute", quota, {"quota_set": room})
        yield
    finally:
        Lab().remove_copies(site, [copy.id for copy in copies])
        admin.do("DELETE", "compute", quota)
        admin.close()
