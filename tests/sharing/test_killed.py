"""``kill -9`` of daemons and of the gateway while they are at it, at real sites: in the end it is as without.

Every single call of a daemon is one to be killed after in `tests.sync.test_kills`, where sites are stand-ins.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from adapters.marks import marks_of
from tests.adversarial.client import Login
from tests.adversarial.realm import new_realm
from tests.sharing.conftest import Federation, new_federation
from tests.sharing.test_networks_that_span import Admins, at_site, until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

BOTH = ["paris", "tokyo"]
TIMES = 2
"""A daemon that comes after a killed one has to wait until it is believed dead: 15 seconds."""
KINDS = {
    "/networks": "networks",
    "/subnets": "subnets",
    "/routers": "routers",
    "/ports?device_owner=network:router_interface": "ports",
}


@pytest.fixture(scope="module")
def mortal(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    """One whose processes may be killed."""
    with new_federation(lab, tmp_path_factory.mktemp("killed")) as there:
        yield there


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def eve(http: aiohttp.ClientSession, lab: Path, mortal: Federation) -> AsyncIterator[Login]:
    """A member of a project of hers."""
    async with new_realm(http, lab, mortal.gateway.url) as realm:
        await realm.project("alpha")
        await realm.user("eve", alpha="member")
        yield await realm.login("eve", "alpha")
        for daemon in mortal.daemons.values():
            daemon.kill()


async def patiently(login: Login, method: str, path: str, body: Any = None, done: str = "") -> Any:
    """As often as the gateway is away or asks to come again; `done` is what is said if it was done already."""

    async def ask() -> Any:
        try:
            answer = await login.ask(method, "network", path, body)
        except aiohttp.ClientError:
            return None
        already = (done and done in str(answer.json)) or (method, answer.status) == ("DELETE", 404)
        assert answer.ok or already or answer.retry or answer.status == 409, answer
        return (answer,) if answer.ok or already else None

    return (await until(ask))[0].json


async def made(login: Login, key: str, **fields: Any) -> str:
    """The ID of a new object, made once, whoever dies before he can say so."""

    async def ask() -> Any:
        try:
            known = await login.ask("GET", "network", f"/{key}s?name={fields['name']}")
            if known.ok and known.json[f"{key}s"]:
                return known.json[f"{key}s"][0]["id"]
            if known.ok:
                answer = await login.ask("POST", "network", f"/{key}s", {key: fields})
                assert answer.ok or answer.retry or answer.status == 409, answer
        except aiohttp.ClientError:
            pass
        return None

    return str(await until(ask))


@asynccontextmanager
async def deadly(mortal: Federation, dice: random.Random) -> AsyncIterator[None]:
    """Meanwhile daemons die, one after the other, and once the gateway; each comes back."""

    async def kill() -> None:
        for number in range(TIMES):
            await asyncio.sleep(dice.uniform(0.2, 2))
            for daemon in mortal.daemons.values():
                daemon.kill()
                daemon.start()
                await asyncio.sleep(dice.uniform(0.2, 2))
            if number == 1:
                mortal.gateway.kill()
                await asyncio.to_thread(mortal.gateway.start)
            for daemon in mortal.daemons.values():
                await asyncio.to_thread(daemon.wait_until_it_leads)

    task = asyncio.create_task(kill())
    yield
    await task


async def test_in_the_end_it_is_as_if_nobody_had_been_killed(
    mortal: Federation, eve: Login, site_admins: Admins
) -> None:
    async def there() -> dict[str, dict[str, list[Any]]]:
        return {
            site: {
                keys: await at_site(admin, path, keys, eve.project_id)
                for path, keys in KINDS.items()
            }
            for site, admin in site_admins.items()
        }

    dice = random.Random(7)
    network = await made(eve, "network", name="n", availability_zone_hints=BOTH)
    async with deadly(mortal, dice):
        sub = await made(
            eve, "subnet", name="s", network_id=network, ip_version=4, cidr="10.67.0.0/24"
        )
        router = await made(eve, "router", name="r")
        plug = f"/routers/{router}/add_router_interface"
        await patiently(eve, "PUT", plug, {"subnet_id": sub}, "already has a port")
        await patiently(eve, "PUT", f"/networks/{network}", {"network": {"name": "n2"}})

    async def alike() -> bool:
        found = await there()
        once = all(len(items) == 1 for kinds in found.values() for items in kinds.values())
        names = {item["name"] for kinds in found.values() for item in kinds["networks"]}
        macs = {item["mac_address"] for kinds in found.values() for item in kinds["ports"]}
        told = [
            marks_of(item) for kinds in found.values() for items in kinds.values() for item in items
        ]
        done = all(marks is not None and marks.generation for marks in told)
        return once and done and names == {"n2"} and len(macs) == 1

    await until(alike)
    async with deadly(mortal, dice):
        unplug = f"/routers/{router}/remove_router_interface"
        await patiently(eve, "PUT", unplug, {"subnet_id": sub}, "has no interface on")
        await patiently(eve, "DELETE", f"/routers/{router}")
        await patiently(eve, "DELETE", f"/networks/{network}")

    async def nothing() -> bool:
        found = await there()
        return not any(items for kinds in found.values() for items in kinds.values())

    await until(nothing)
