"""Keypairs belong to a user: one list for the user at home, whatever project, role or site he acts in."""

import asyncio
import base64
import os
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.adversarial.client import Login
from tests.adversarial.estate import equal_ones
from tests.adversarial.gateways import SITES, GatewayProcess
from tests.adversarial.realm import Realm, new_realm


@dataclass(frozen=True)
class Logins:
    """One user of two projects and a restricted credential, and his namesake."""

    alpha: Login
    beta: Login
    reader: Login
    namesake: Login
    realm: Realm

    @property
    def own(self) -> tuple[Login, ...]:
        return self.alpha, self.beta, self.reader


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def logins(
    http: aiohttp.ClientSession, lab: Path, gateway: GatewayProcess
) -> AsyncIterator[Logins]:
    async with (
        new_realm(http, lab, gateway.url) as realm,
        new_realm(http, lab, gateway.url) as other,
    ):
        for each in (realm, other):
            await each.project("alpha")
            await each.user("alice", alpha="member")
        await realm.project("beta")
        await realm.grant("alice", "beta", "member")
        found = await asyncio.gather(
            realm.login("alice", "alpha"),
            realm.login("alice", "beta"),
            realm.credential("alice", "alpha", "reader"),
            other.login("alice", "alpha"),
        )
        yield Logins(*found, realm)


async def names(login: Login) -> list[str]:
    listed = await login.get("compute", "/os-keypairs")
    return [item["keypair"]["name"] for item in listed["keypairs"]]


def public_key() -> str:
    """A new public key, of which nobody has the other half."""
    kind, key = b"ssh-ed25519", os.urandom(32)
    raw = b"".join(struct.pack(">I", len(part)) + part for part in (kind, key))
    return f"ssh-ed25519 {base64.b64encode(raw).decode()} nobody"


async def make(login: Login, name: str, site: str = "", public: str = "") -> dict[str, Any]:
    new = {"name": name, **({"public_key": public} if public else {})}
    body = {"keypair": new}
    return dict((await login.do("POST", "compute", "/os-keypairs", body, site=site))["keypair"])


async def at_sites(logins: Logins, site_admins: dict[str, Login]) -> dict[str, set[str]]:
    """Site -> the names of the keypairs that any shadow user of the user has there."""
    found: dict[str, set[str]] = {}
    for site, admin in site_admins.items():
        users = (await admin.get("identity", "/users"))["users"]
        shadows = [u["id"] for u in users if u["name"] == f"alice@{logins.realm.name}"]
        assert shadows
        found[site] = set()
        for shadow in shadows:
            path = f"/os-keypairs?user_id={shadow}"
            listed = await admin.get("compute", path, version="2.10")
            found[site] |= {item["keypair"]["name"] for item in listed["keypairs"]}
    return found


async def test_one_list_in_every_project_and_role(logins: Logins) -> None:
    made = [await make(logins.alpha, "of-alpha"), await make(logins.beta, "of-beta", "tokyo")]
    assert all("PRIVATE KEY" in each["private_key"] for each in made)
    for login in logins.own:
        assert await names(login) == ["of-alpha", "of-beta"]
        for each in made:
            shown = await login.get("compute", f"/os-keypairs/{each['name']}")
            assert shown["keypair"]["fingerprint"] == each["fingerprint"]
            assert shown["keypair"]["user_id"] == logins.alpha.user_id
            assert "private_key" not in shown["keypair"]
    assert await names(logins.namesake) == []
    for each in made:
        path = f"/os-keypairs/{each['name']}"
        assert (await logins.namesake.ask("GET", "compute", path)).status == 404
        assert (await logins.namesake.ask("DELETE", "compute", path)).status == 404
        asked = f"/os-keypairs?user_id={logins.alpha.user_id}"
        foreign = await logins.namesake.ask("GET", "compute", asked, version="2.10")
        assert foreign.status == 403, foreign
    again = await logins.beta.ask(
        "POST", "compute", "/os-keypairs", {"keypair": {"name": "of-alpha"}}
    )
    assert again.status == 409, again


async def test_the_same_name_is_another_key_for_the_namesake(logins: Logins) -> None:
    ours = await make(logins.alpha, "same-name", "paris")
    theirs = await make(logins.namesake, "same-name", "paris")
    assert ours["fingerprint"] != theirs["fingerprint"]
    gone = await logins.namesake.ask("DELETE", "compute", "/os-keypairs/same-name")
    assert gone.status in (202, 204), gone
    kept = await logins.beta.get("compute", "/os-keypairs/same-name")
    assert kept["keypair"]["fingerprint"] == ours["fingerprint"]


async def test_a_server_with_a_key_made_in_another_project_at_each_site(
    logins: Logins, site_admins: dict[str, Login]
) -> None:
    made = await make(logins.alpha, "travels")
    image, flavor = await equal_ones(logins.beta)
    for site in SITES:
        server = {
            "name": f"with-key-{site}",
            "imageRef": image,
            "flavorRef": flavor,
            "networks": "none",
            "key_name": "travels",
        }
        body = {"server": server}
        answer = await logins.beta.ask(
            "POST", "compute", "/servers", body, site=site, version="2.37"
        )
        assert answer.status == 202, answer
        path = f"/servers/{answer.json['server']['id']}"
        shown = (await logins.beta.get("compute", path))["server"]
        assert shown["key_name"] == "travels"
        assert shown["user_id"] == logins.beta.user_id
    there = await at_sites(logins, site_admins)
    assert all("travels" in found for found in there.values()), there
    for login in logins.own:
        shown = await login.get("compute", "/os-keypairs/travels")
        assert shown["keypair"]["fingerprint"] == made["fingerprint"]
    missing = {"server": {**server, "key_name": "no-such-key"}}
    answer = await logins.beta.ask("POST", "compute", "/servers", missing, version="2.37")
    assert answer.status == 400, answer

    gone = await logins.beta.ask("DELETE", "compute", "/os-keypairs/travels")
    assert gone.status in (202, 204), gone
    for login in logins.own:
        assert "travels" not in await names(login)
        answer = await login.ask("GET", "compute", "/os-keypairs/travels")
        assert answer.status == 404, answer
    there = await at_sites(logins, site_admins)
    assert not any("travels" in found for found in there.values()), there
    answer = await logins.alpha.ask(
        "POST", "compute", "/servers", {"server": {**server}}, site="tokyo", version="2.37"
    )
    assert answer.status == 400, answer


async def test_a_key_made_anew_under_its_name_is_the_new_one_everywhere(logins: Logins) -> None:
    image, flavor = await equal_ones(logins.alpha)
    await make(logins.alpha, "renewed", public=public_key())
    for turn, login in enumerate((logins.alpha, logins.beta, logins.alpha)):
        public = public_key()
        gone = await login.ask("DELETE", "compute", "/os-keypairs/renewed")
        assert gone.status in (202, 204), gone
        await make(login, "renewed", SITES[turn % 2], public)
        for site in SITES:
            server = {
                "name": f"renewed-{turn}",
                "imageRef": image,
                "flavorRef": flavor,
                "networks": "none",
                "key_name": "renewed",
            }
            body = {"server": server}
            answer = await login.ask("POST", "compute", "/servers", body, site=site, version="2.37")
            assert answer.status == 202, answer
        for each in logins.own:
            shown = await each.get("compute", "/os-keypairs/renewed")
            assert shown["keypair"]["public_key"].strip() == public


async def test_many_at_once_are_all_there(logins: Logins) -> None:
    wanted = [f"parallel-{number}" for number in range(8)]
    await asyncio.gather(
        *(
            make(logins.own[number % 2], name, SITES[number % 2])
            for number, name in enumerate(wanted)
        )
    )
    for login in logins.own:
        assert [name for name in await names(login) if name.startswith("parallel-")] == wanted
    twice = {"keypair": {"name": "only-once"}}
    answers = await asyncio.gather(
        *(login.ask("POST", "compute", "/os-keypairs", twice) for login in logins.own[:2] * 2)
    )
    assert all(answer.status in (200, 201, 409) for answer in answers), answers
    assert sum(answer.ok for answer in answers) == 1, answers
    right = next(answer.json["keypair"]["fingerprint"] for answer in answers if answer.ok)
    shown = await logins.reader.get("compute", "/os-keypairs/only-once")
    assert shown["keypair"]["fingerprint"] == right


@pytest.mark.parametrize("site", SITES)
async def test_a_reader_makes_no_key(logins: Logins, site: str) -> None:
    body = {"keypair": {"name": "of-a-reader"}}
    answer = await logins.reader.ask("POST", "compute", "/os-keypairs", body, site=site)
    # Nova lets every user manage his own keys, at some releases a reader too: then it is one like all.
    assert answer.status in (200, 201, 403), answer
    for login in logins.own:
        assert ("of-a-reader" in await names(login)) is answer.ok
    if answer.ok:
        await logins.alpha.do("DELETE", "compute", "/os-keypairs/of-a-reader")
