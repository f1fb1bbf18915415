"""Names at home that cannot be told to a site unchanged: home knows them, every service refuses them, aloud."""

import asyncio
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from tests.adversarial.client import Answer, Login, log_in, password
from tests.adversarial.gateways import SITES, GatewayProcess
from tests.adversarial.realm import Realm, new_realm

ODD = {
    "slash": "al/ice",
    "semicolon": "al;ice",
    "space": "al ice",
    "Latin": "ålice",
    "Japanese": "日本",
    "colon": "al:ice",
    "at": "al@ice",
    "percent": "al%2Fice",
    "quote": "al'ice\"",
    "newline": "al\nice",
    "right to left": "\u202eecila",
    "look-alike": "\u0430lice",
}
"""The last one begins with a Cyrillic letter."""
CALLS = (
    ("GET", "compute", "/servers", None),
    ("POST", "compute", "/os-server-groups", {"server_group": {"name": "x", "policies": []}}),
    ("GET", "network", "/networks", None),
    ("POST", "network", "/networks", {"network": {"name": "x"}}),
    ("GET", "image", "/images", None),
    ("GET", "volume", "/volumes", None),
    ("GET", "placement", "/usages", None),
)


def message_of(service: str, answer: Answer) -> str:
    """The message, from where the service itself would put it."""
    said: Any = answer.json
    if service in ("compute", "volume"):
        (fault,) = said.values()
        assert fault["code"] == answer.status
        return str(fault["message"])
    if service == "network":
        assert {"type", "message", "detail"} == set(said["NeutronError"])
        return str(said["NeutronError"]["message"])
    if service == "placement":
        return str(said["errors"][0]["detail"])
    return str(said["message"])


async def refused_everywhere(login: Login, name: str) -> None:
    for method, service, path, body in CALLS:
        answer = await login.ask(method, service, path, body)
        assert answer.status in (400, 403), answer
        message = message_of(service, answer)
        assert name in message or repr(name)[1:-1] in message, message
        assert "A-Z" in message or "at most" in message, message


async def nothing_made(site_admins: dict[str, Login], realm: Realm, *names: str) -> None:
    for site in SITES:
        admin = site_admins[site]
        for name in (realm.name, *names):
            for kind in ("domains", "projects", "users") if len(name) < 65 else ():
                found = await admin.get("identity", f"/{kind}?name={quote(name, safe='')}")
                assert found[kind] == [], (site, name)
        users = (await admin.get("identity", "/users"))["users"]
        assert not [user for user in users if user["name"].endswith(f"@{realm.name}")]
        groups = await admin.get("identity", "/groups")
        assert not [g for g in groups["groups"] if g["name"].startswith(f"fed:{realm.name}:")]


async def test_users(
    http: aiohttp.ClientSession, lab: Path, gateway: GatewayProcess, site_admins: dict[str, Login]
) -> None:
    names = [*ODD.values(), "u" * 65]
    async with new_realm(http, lab, gateway.url) as realm:
        await realm.project("alpha")

        async def one(name: str) -> None:
            await realm.user(name, alpha="member")
            login = await realm.login(name, "alpha")
            assert (await login.ask("GET", "identity", "/auth/projects")).status == 200
            await refused_everywhere(login, name)

        await asyncio.gather(*(one(name) for name in names))
        await nothing_made(site_admins, realm, *names)


async def test_projects(
    http: aiohttp.ClientSession, lab: Path, gateway: GatewayProcess, site_admins: dict[str, Login]
) -> None:
    names = [*ODD.values(), "p" * 64]
    async with new_realm(http, lab, gateway.url) as realm:
        await realm.user("alice")

        async def one(name: str) -> None:
            await realm.project(name)
            await realm.grant("alice", name, "member")
            await refused_everywhere(await realm.login("alice", name), name)

        await asyncio.gather(*(one(name) for name in names))
        await nothing_made(site_admins, realm, *names)


@pytest.mark.parametrize("name", ["a/b", "a;b", "日本", "a:b", "d" * 55])
async def test_a_domain(
    http: aiohttp.ClientSession,
    lab: Path,
    gateway: GatewayProcess,
    site_admins: dict[str, Login],
    name: str,
) -> None:
    unique = f"{name}-{uuid.uuid4().hex[:8]}"
    async with new_realm(http, lab, gateway.url, unique) as realm:
        await realm.project("alpha")
        await realm.user("alice", alpha="member")
        await refused_everywhere(await realm.login("alice", "alpha"), unique)
        await nothing_made(site_admins, realm)


async def test_an_odd_user_of_a_plain_project_disturbs_nobody_in_it(
    realm: Realm, site_admins: dict[str, Login]
) -> None:
    await realm.project("shared")
    await realm.user("plain", shared="member")
    await realm.user("odd/one", shared="member")
    plain, odd = await realm.login("plain", "shared"), await realm.login("odd/one", "shared")
    for _ in range(2):
        new = {"network": {"name": "shared"}}
        assert (await plain.ask("POST", "network", "/networks", new)).status == 201
        assert (await odd.ask("POST", "network", "/networks", new)).status in (400, 403)
        assert (await odd.ask("GET", "network", "/networks")).status in (400, 403)
    listed = await plain.get("network", "/networks?name=shared")
    assert len(listed["networks"]) == 2
    wrong = await odd.ask("GET", "identity", "/auth/catalog")
    assert wrong.status == 200, wrong


async def test_names_that_differ_in_capitals_only_are_not_mixed_up(
    http: aiohttp.ClientSession, lab: Path, gateway: GatewayProcess, realm: Realm
) -> None:
    await realm.project("Case-One")
    await realm.user("Case", **{"Case-One": "member"})
    right = await log_in(http, f"{gateway.url}/identity", password("Case", realm.name, "Case-One"))
    new = {"network": {"name": "cased"}}
    made = await right.do("POST", "network", "/networks", new, site="tokyo")
    shown = await right.get("network", f"/networks/{made['network']['id']}")
    assert shown["network"]["project_id"] == right.project_id
