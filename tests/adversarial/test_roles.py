"""One user, several logins: a restricted one stays restricted, and none of them disturbs another."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.adversarial.client import Answer, Login
from tests.adversarial.gateways import SITES, GatewayProcess
from tests.adversarial.realm import Realm, new_realm

CREATES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("network", "/networks", "network", {"name": "of-roles"}),
    ("network", "/security-groups", "security_group", {"name": "of-roles"}),
    ("volume", "/volumes", "volume", {"name": "of-roles", "size": 1}),
    (
        "compute",
        "/os-server-groups",
        "server_group",
        {"name": "of-roles", "policies": ["affinity"]},
    ),
    ("image", "/images", "", {"name": "of-roles"}),
]
LISTED = {
    "/networks": "networks",
    "/security-groups": "security_groups",
    "/volumes": "volumes",
    "/os-server-groups": "server_groups",
    "/images": "images",
}


@dataclass(frozen=True)
class Logins:
    """What one project is seen with."""

    full: Login
    credential: Login
    reader: Login
    realm: Realm


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def logins(
    http: aiohttp.ClientSession, lab: Path, gateway: GatewayProcess
) -> AsyncIterator[Logins]:
    async with new_realm(http, lab, gateway.url) as realm:
        await realm.project("alpha")
        await realm.project("beta")
        await realm.user("alice", alpha="member", beta="member")
        await realm.user("rita", alpha="reader")
        yield Logins(
            await realm.login("alice", "alpha"),
            await realm.credential("alice", "alpha", "reader"),
            await realm.login("rita", "alpha"),
            realm,
        )


async def _create(login: Login, number: int, site: str) -> Answer:
    service, path, key, body = CREATES[number]
    return await login.ask("POST", service, path, {key: body} if key else body, site=site)


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("number", range(len(CREATES)), ids=[create[1] for create in CREATES])
async def test_readers_make_and_delete_nothing(logins: Logins, number: int, site: str) -> None:
    service, path, key, _ = CREATES[number]
    for _ in range(2):
        # Alternating on purpose: what one login has must not rub off on the next.
        made = await _create(logins.full, number, site)
        assert made.status in (200, 201, 202), made
        thing = (made.json[key] if key else made.json)["id"]
        for login in (logins.credential, logins.reader):
            refused = await _create(login, number, site)
            assert refused.status == 403, refused
            kept = await login.ask("DELETE", service, f"{path}/{thing}")
            assert kept.status in (403, 404), kept
            shown = await login.ask("GET", service, f"{path}/{thing}")
            assert shown.status == 200, shown
            listed = await login.ask("GET", service, path)
            assert thing in [item["id"] for item in listed.json[LISTED[path]]]
        await _deleted(logins.full, service, path, thing)


async def _deleted(login: Login, service: str, path: str, thing: str) -> None:
    for _ in range(100):
        gone = await login.ask("DELETE", service, f"{path}/{thing}")
        if gone.ok or gone.status == 404:
            return
        # A volume that is still being made.
        assert gone.status == 400, gone
        await asyncio.sleep(0.3)
    raise AssertionError(f"{path}/{thing} cannot be deleted")


async def test_full_and_restricted_logins_at_the_same_time(logins: Logins) -> None:
    async def full(number: int) -> None:
        made = await _create(logins.full, 0, SITES[number % 2])
        assert made.status == 201, made
        await _deleted(logins.full, "network", "/networks", made.json["network"]["id"])

    async def restricted(login: Login, number: int) -> None:
        refused = await _create(login, 0, SITES[number % 2])
        assert refused.status == 403, refused

    for _ in range(2):
        await asyncio.gather(
            *(full(number) for number in range(4)),
            *(restricted(logins.credential, number) for number in range(4)),
            *(restricted(logins.reader, number) for number in range(4)),
        )


async def test_one_user_in_two_projects_by_turns(logins: Logins) -> None:
    alpha, beta = logins.full, await logins.realm.login("alice", "beta")
    made: dict[str, set[str]] = {alpha.project_id: set(), beta.project_id: set()}
    for number in range(8):
        login = (alpha, beta)[number % 2]
        new = {"network": {"name": "by-turns"}}
        answer = await login.ask("POST", "network", "/networks", new, site=SITES[number // 4])
        assert answer.status == 201, answer
        network = answer.json["network"]
        assert network["project_id"] == login.project_id
        made[login.project_id].add(network["id"])
        for each in (alpha, beta):
            listed = await each.get("network", "/networks?name=by-turns")
            assert {n["id"] for n in listed["networks"]} == made[each.project_id]
            assert {n["project_id"] for n in listed["networks"]} <= {each.project_id}


async def test_a_role_given_later_counts_from_the_next_login(logins: Logins) -> None:
    realm = logins.realm
    await realm.user("novice", alpha="reader")
    before = await realm.login("novice", "alpha")
    for site in SITES:
        assert (await _create(before, 0, site)).status == 403
    await realm.grant("novice", "alpha", "member")
    after = await realm.login("novice", "alpha")
    for site in SITES:
        made = await _create(after, 0, site)
        assert made.status == 201, made
        assert made.json["network"]["project_id"] == before.project_id
