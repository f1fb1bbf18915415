"""What logins cost, before the sites of the running lab: ``make bench-logins``.

    home          logins, validations and exchanges that home makes by itself
    gateway       the same through one gateway process
    saved         patterns of real clients: how many exchanges they would cost one by one, how many they do

Prints a table and writes ``bench/results/logins.json``. Nothing here is a test: the numbers are those of
the machine and of what else it does.
"""

import asyncio
import json
import os
import platform
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp
import yaml

from tests.adversarial.client import Login
from tests.adversarial.gateways import SITES, GatewayProcess, new_fleet
from tests.adversarial.realm import Realm, new_realm

RESULTS = Path(__file__).parent / "results" / "logins.json"
USERS = 8
SECONDS = 8.0
"""How long each rate is measured."""
AT_ONCE = 8


@dataclass
class Rate:
    """Something done again and again by so many clients at once."""

    what: str
    where: str
    per_second: float
    median_ms: float
    failed: int


@dataclass
class Saved:
    """What a pattern of requests costs: logins at sites one by one, and those that were made."""

    pattern: str
    requests: int
    answered: int
    exchanges_without: int
    exchanges: int
    seconds: float


async def rate(what: str, where: str, work: Callable[[int], Awaitable[bool]]) -> Rate:
    """`work` is given the number of the client."""
    end = time.perf_counter() + SECONDS
    took: list[float] = []
    failed = 0

    async def client(number: int) -> None:
        nonlocal failed
        while (begun := time.perf_counter()) < end:
            if await work(number):
                took.append(time.perf_counter() - begun)
            else:
                failed += 1

    begun = time.perf_counter()
    await asyncio.gather(*map(client, range(AT_ONCE)))
    seconds = time.perf_counter() - begun
    median = sorted(took)[len(took) // 2] if took else 0.0
    return Rate(what, where, round(len(took) / seconds, 1), round(median * 1000), failed)


@asynccontextmanager
async def people(
    http: aiohttp.ClientSession, lab: Path, url: str
) -> AsyncIterator[tuple[Realm, list[Login]]]:
    """Users in one project, each logged in."""
    async with new_realm(http, lab, url) as realm:
        await realm.project("alpha")
        for number in range(USERS):
            await realm.user(f"u{number}", alpha="member")
        yield realm, [await realm.login(f"u{number}", "alpha") for number in range(USERS)]


async def rates(
    gateway: GatewayProcess, home: str, realm: Realm, logins: list[Login]
) -> list[Rate]:
    """Home alone and through the gateway."""
    http = realm.admin.http

    def password(identity: str) -> Callable[[int], Awaitable[bool]]:
        async def work(number: int) -> bool:
            user = f"u{number % USERS}"
            domain = {"name": realm.name}
            who = {"name": user, "domain": domain, "password": f"{user}-secret"}
            scope = {"project": {"name": "alpha", "domain": domain}}
            methods = {"methods": ["password"], "password": {"user": who}}
            body = {"auth": {"identity": methods, "scope": scope}}
            async with http.post(f"{identity}/auth/tokens", json=body) as response:
                await response.read()
                return response.status == 201

        return work

    def validation(identity: str) -> Callable[[int], Awaitable[bool]]:
        async def work(number: int) -> bool:
            token = logins[number % USERS].token
            headers = {"X-Auth-Token": token, "X-Subject-Token": token}
            async with http.get(f"{identity}/auth/tokens", headers=headers) as response:
                await response.read()
                return response.status == 200

        return work

    async def assertion(number: int) -> bool:
        auth = {
            "identity": {"methods": ["token"], "token": {"id": logins[number % USERS].token}},
            "scope": {"service_provider": {"id": SITES[number % len(SITES)]}},
        }
        url = f"{home}/auth/OS-FEDERATION/saml2/ecp"
        async with http.post(url, json={"auth": auth}) as response:
            await response.read()
            return response.status == 200

    async def first_use(number: int) -> bool:
        """A new login and its first request; the site tokens of an older login serve it."""
        user = await realm.login(f"u{number % USERS}", "alpha")
        return (await user.ask("GET", "network", "/networks?limit=1")).ok

    async def kept(number: int) -> bool:
        return (await logins[number % USERS].ask("GET", "network", "/networks?limit=1")).ok

    ours = f"{gateway.url}/identity/v3"
    await asyncio.gather(*map(kept, range(USERS)))
    return [
        await rate("password login", "home", password(home)),
        await rate("password login", "gateway", password(ours)),
        await rate("validation of a token", "home", validation(home)),
        await rate("validation of a token", "gateway", validation(ours)),
        await rate("assertion for a site", "home", assertion),
        await rate("list of networks, both sites, kept tokens", "gateway", kept),
        await rate("login and list of networks, both sites", "gateway", first_use),
    ]


async def exchanges(gateway: GatewayProcess, http: aiohttp.ClientSession) -> int:
    """Site tokens that this gateway has got so far."""
    async with http.get(f"{gateway.url}/metrics") as response:
        lines = (await response.text()).splitlines()
    name = "federator_site_login_seconds_count{"
    return round(sum(float(line.split()[-1]) for line in lines if line.startswith(name)))


async def saved(
    gateway: GatewayProcess,
    pattern: str,
    requests: Sequence[Callable[[], Awaitable[bool]]],
    http: aiohttp.ClientSession,
    at_once: int,
) -> Saved:
    """Each of the requests would cost one exchange at each site, if nothing were kept or shared."""
    before, begun = await exchanges(gateway, http), time.perf_counter()
    answered = 0
    for start in range(0, len(requests), at_once):
        outcomes = await asyncio.gather(*(ask() for ask in requests[start : start + at_once]))
        answered += sum(outcomes)
    return Saved(
        pattern,
        len(requests),
        answered,
        len(requests) * len(SITES),
        await exchanges(gateway, http) - before,
        round(time.perf_counter() - begun, 1),
    )


async def patterns(gateway: GatewayProcess, realm: Realm) -> list[Saved]:
    """Real clients. Each pattern has a project of its own, which no site knows yet."""
    http = realm.admin.http

    async def newcomer(name: str) -> Callable[[], Awaitable[Login]]:
        await realm.project(name)
        await realm.user(f"user-{name}", **{name: "member"})
        return lambda: realm.login(f"user-{name}", name)

    async def listed(login: Login) -> bool:
        return (await login.ask("GET", "network", "/networks?limit=1")).ok

    horizon = await (await newcomer("horizon"))()
    login_each_time = await newcomer("libcloud")

    async def libcloud() -> bool:
        return await listed(await login_each_time())

    tenant = []
    for number in range(6):
        login = await (await newcomer(f"tenant{number}"))()
        tenant += [lambda login=login: listed(login)] * 5
    return [
        await saved(
            gateway,
            "a dashboard: one token, 10 requests at once",
            [lambda: listed(horizon)] * 10,
            http,
            10,
        ),
        await saved(gateway, "a password login for every request", [libcloud] * 20, http, 1),
        await saved(gateway, "the same, 10 at once", [libcloud] * 20, http, 10),
        await saved(gateway, "6 users, 5 requests each, all at once", tenant, http, 30),
    ]


def table(rows: Sequence[Rate] | Sequence[Saved]) -> str:
    """Aligned columns, the names of the fields on top."""
    cells = [[name.replace("_", " ") for name in asdict(rows[0])]]
    cells += [[str(value) for value in asdict(row).values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


async def main() -> None:
    lab = (Path(os.environ.get("LAB_DIR", ".lab")) / "clouds.yaml").resolve()
    if not lab.is_file():
        raise SystemExit("no lab runs here; start one with python -m lab up")
    home = f"{home_url(lab)}/v3"
    connector = aiohttp.TCPConnector(limit=0)
    with tempfile.TemporaryDirectory() as folder, new_fleet(lab, Path(folder)) as fleet:
        gateway = fleet.add()
        async with (
            aiohttp.ClientSession(connector=connector) as http,
            people(http, lab, gateway.url) as (realm, logins),
        ):
            measured = await rates(gateway, home, realm, logins)
            savings = await patterns(gateway, realm)
    print(f"{AT_ONCE} clients at once, {os.cpu_count()} cores, {platform.machine()}\n")
    print(table(measured), "", table(savings), sep="\n")
    RESULTS.parent.mkdir(exist_ok=True)
    found = {"rates": list(map(asdict, measured)), "saved": list(map(asdict, savings))}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")


def home_url(lab: Path) -> str:
    """The URL of home's Keystone."""
    url: str = yaml.safe_load(lab.read_text())["clouds"]["home"]["auth"]["auth_url"]
    return url.rstrip("/").removesuffix("/v3")


if __name__ == "__main__":
    asyncio.run(main())
