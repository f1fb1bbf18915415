"""Two gateway processes that ask home once an hour: what ends through one of them ends at once in both."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.adversarial.client import Login
from tests.adversarial.gateways import Fleet, new_fleet
from tests.adversarial.realm import Realm, new_realm
from tests.adversarial.test_bad_tokens import PATHS, is_401

SECONDS = 30
"""Far less than an hour; home's own processes need a moment to agree."""


@pytest.fixture(scope="module")
def pair(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two gateways on one Redis that ask home about a token once an hour."""
    with new_fleet(lab, tmp_path_factory.mktemp("pair")) as fleet:
        for _ in range(2):
            fleet.add(wait=False, revalidate_seconds=3600)
        for gateway in fleet.gateways:
            gateway.wait_until_ready()
        yield fleet
        fleet.check()


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def people(http: aiohttp.ClientSession, lab: Path, pair: Fleet) -> AsyncIterator[Realm]:
    async with new_realm(http, lab, pair.gateways[0].url) as realm:
        yield realm


async def all_401(login: Login, pair: Fleet, number: int) -> bool:
    answers = await asyncio.gather(
        *(login.ask("GET", name, path) for name, path in PATHS.items() if name != "identity")
    )
    return all(is_401(answer, pair.gateways[number]) for answer in answers)


Deed = Callable[[Realm, Login, str, str], Awaitable[Any]]


async def revoke(realm: Realm, login: Login, user: str, project: str) -> None:
    subject = {"X-Subject-Token": login.token}
    answer = await realm.admin.ask("DELETE", "identity", "/auth/tokens", headers=subject)
    assert answer.status == 204, answer


async def disable(realm: Realm, login: Login, user: str, project: str) -> None:
    await realm.admin.do("PATCH", "identity", f"/users/{user}", {"user": {"enabled": False}})


async def own_password(realm: Realm, login: Login, user: str, project: str) -> None:
    name = next(name for name, each in realm.users.items() if each == user)
    new = {"user": {"original_password": f"{name}-secret", "password": "another-secret"}}
    await login.do("POST", "identity", f"/users/{user}/password", new)


async def take_role(realm: Realm, login: Login, user: str, project: str) -> None:
    roles = await realm.admin.get("identity", "/roles?name=member")
    path = f"/projects/{project}/users/{user}/roles/{roles['roles'][0]['id']}"
    await realm.admin.do("DELETE", "identity", path)


async def disable_project(realm: Realm, login: Login, user: str, project: str) -> None:
    changed = {"project": {"enabled": False}}
    await realm.admin.do("PATCH", "identity", f"/projects/{project}", changed)


@pytest.mark.parametrize(
    "deed", [revoke, disable, own_password, take_role, disable_project], ids=lambda d: d.__name__
)
async def test_it_ends_in_both(pair: Fleet, people: Realm, deed: Deed) -> None:
    name = deed.__name__.replace("_", "-")
    project = await people.project(name)
    user = await people.user(f"u-{name}", **{name: "member"})
    login = await people.login(f"u-{name}", name)
    other = login.at(pair.gateways[1].url)
    for each in (login, other):
        assert (await each.ask("GET", "network", "/networks")).status == 200
    await deed(people, login, user, project)
    deadline = asyncio.get_running_loop().time() + SECONDS
    while not (await all_401(login, pair, 0) and await all_401(other, pair, 1)):
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.5)


async def test_an_application_credential_that_is_deleted(pair: Fleet, people: Realm) -> None:
    await people.project("credentials")
    await people.user("carol", credentials="member")
    owner = await people.login("carol", "credentials")
    login = await people.credential("carol", "credentials", "reader")
    other = login.at(pair.gateways[1].url)
    for each in (login, other):
        assert (await each.ask("GET", "network", "/networks")).status == 200
    path = f"/users/{owner.user_id}/application_credentials"
    for made in (await owner.get("identity", path))["application_credentials"]:
        await owner.do("DELETE", "identity", f"{path}/{made['id']}")
    deadline = asyncio.get_running_loop().time() + SECONDS
    while not (await all_401(login, pair, 0) and await all_401(other, pair, 1)):
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.5)
    # The owner's own logins live on.
    assert (await owner.at(pair.gateways[1].url).ask("GET", "network", "/networks")).status == 200
