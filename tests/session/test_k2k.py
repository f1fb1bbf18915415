"""Site tokens from real sites, of the newest release and of one that nobody upgraded for years."""

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from adapters.account import Account
from adapters.directory import Directory
from adapters.errors import (
    ExchangeRefused,
    HomeUnreachable,
    InvalidToken,
    NameNotCarried,
    NotScoped,
    ProjectNotThere,
    SiteUnreachable,
)
from tests.session.world import RELEASES, SITES, Gateway, People, gateway_at, new_people

at_each_site = pytest.mark.parametrize("site", SITES)


@at_each_site
async def test_a_login_at_home_is_the_same_user_project_and_roles_at_the_site(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    token = await gateway.site_token(await people.login("alice", "alpha"), site)
    said = await gateway.said_by_site(token)
    assert said["user"]["name"] == f"alice@{people.domain}"
    assert said["user"]["id"] == token.user_id
    assert said["project"]["name"] == "alpha"
    assert said["project"]["domain"]["name"] == people.domain
    assert said["project"]["id"] == token.project_id
    assert {role["name"] for role in said["roles"]} == {"member", "reader"}
    assert {"compute", "network", "image", "identity", "block-storage"} <= set(token.endpoints)
    assert token.token not in repr(token)


@at_each_site
async def test_full_and_restricted_logins_of_one_user_live_side_by_side(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    full = await gateway.site_token(await people.login("alice", "alpha"), site)
    credential = await people.application_credential("alice", "alpha", "reader")
    restricted = await gateway.site_token(credential, site)
    again = await gateway.site_token(await people.login("alice", "alpha"), site)
    assert again == full
    await asyncio.sleep(2.5)  # newer Keystones spare tokens of the last second when they revoke
    assert await gateway.roles_at_site(restricted) == {"reader"}
    assert await gateway.roles_at_site(full) == {"member", "reader"}


@at_each_site
async def test_a_login_for_another_project_ends_no_token(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    await people.project("beta")
    await people.user("alice", alpha="member", beta="reader")
    alpha = await gateway.site_token(await people.login("alice", "alpha"), site)
    await asyncio.sleep(2.5)
    beta = await gateway.site_token(await people.login("alice", "beta"), site)
    identity = await gateway.client.validate(await people.login("alice", "alpha"))
    gateway.sessions.forget(identity)
    fresh = await gateway.sessions.site_token(identity, site)
    assert fresh.token != alpha.token
    for token, roles in ((alpha, {"member", "reader"}), (beta, {"reader"}), (fresh, None)):
        assert await gateway.roles_at_site(token) == (roles or {"member", "reader"})
    assert alpha.project_id == fresh.project_id != beta.project_id


async def test_no_token_is_logged(
    gateway: Gateway, people: People, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await people.project("alpha")
    await people.user("alice", alpha="member")
    token = await people.login("alice", "alpha")
    for site in SITES:
        site_token = await gateway.site_token(token, site)
        assert site_token.token not in caplog.text
    assert "DEBUG" in caplog.text
    assert token not in caplog.text
    assert "SAML" not in caplog.text


async def test_admin_at_home_is_no_admin_at_a_site_that_does_not_say_so(
    gateway: Gateway, people: People
) -> None:
    await people.project("alpha")
    await people.user("root", alpha="admin")
    for site in SITES:
        token = await gateway.site_token(await people.login("root", "alpha"), site)
        assert "member" in await gateway.roles_at_site(token)
        assert "admin" not in await gateway.roles_at_site(token)


@at_each_site
async def test_admin_at_home_is_admin_at_a_site_that_says_so(
    clouds_yaml: Path, tmp_path: Path, people: People, site: str
) -> None:
    await people.project("alpha")
    await people.user("root", alpha="admin")
    changed = changed_clouds(clouds_yaml, tmp_path, site, federation={"admin": True})
    async with gateway_at(changed) as gateway:
        token = await gateway.site_token(await people.login("root", "alpha"), site)
        assert "admin" in await gateway.roles_at_site(token)


async def test_many_first_logins_at_once_at_all_sites_and_from_two_gateways(
    clouds_yaml: Path, people: People
) -> None:
    users = [f"user{number}" for number in range(6)]
    await people.project("alpha")
    await asyncio.gather(*(people.user(user, alpha="member") for user in users))
    tokens = await asyncio.gather(*(people.login(user, "alpha") for user in users))
    logins = list(zip(users, tokens, strict=True))
    async with gateway_at(clouds_yaml) as one, gateway_at(clouds_yaml) as two:
        wanted = [(g, u, t, s) for g in (one, two) for u, t in logins for s in SITES]
        got = await asyncio.gather(*(g.site_token(t, s) for g, _, t, s in wanted))
        for (gateway, user, _, site), token in zip(wanted, got, strict=True):
            said = await gateway.said_by_site(token)
            assert said["user"]["name"] == f"{user}@{people.domain}"
            assert said["project"]["id"] == token.project_id
            assert token.site == site
        for site in SITES:
            assert len({token.project_id for token in got if token.site == site}) == 1
            assert await projects_at(one.accounts[site], people.domain) == ["alpha"]


async def test_waiting_logins_share_one_exchange(gateway: Gateway, people: People) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    first, second = [await people.login("alice", "alpha") for _ in range(2)]
    tokens = await asyncio.gather(
        *(gateway.site_token(token, "paris") for token in (first, second) * 10)
    )
    assert len({token.token for token in tokens}) == 1


async def test_the_same_names_in_two_domains_are_two_users_and_two_projects(
    clouds_yaml: Path, at_every_release: Gateway, people: People
) -> None:
    async with new_people(clouds_yaml) as others:
        logins = []
        for group in (people, others):
            await group.project("alpha")
            await group.user("alice", alpha="member")
            logins.append(await group.login("alice", "alpha"))
        for site in RELEASES:
            one, other = [await at_every_release.site_token(login, site) for login in logins]
            assert one.user_id != other.user_id
            assert one.project_id != other.project_id


@pytest.mark.parametrize("project", ["a/b", "a;b", "prøve", "日本", "p" * 64])
async def test_a_project_that_cannot_be_carried_is_not_made(
    at_every_release: Gateway, people: People, project: str
) -> None:
    await people.project(project)
    await people.user("alice", **{project: "member"})
    token = await people.login("alice", project)
    for site in RELEASES:
        with pytest.raises(NameNotCarried):
            await at_every_release.site_token(token, site)
        domains = await Directory(at_every_release.accounts[site]).list(
            "domains", name=people.domain
        )
        assert domains == []


@pytest.mark.parametrize("user", ["al/ice", "al;ice", "ålice", "u" * 70])
async def test_a_user_who_cannot_be_carried_makes_nothing(
    at_every_release: Gateway, people: People, user: str
) -> None:
    await people.project("alpha")
    await people.user(user, alpha="member")
    token = await people.login(user, "alpha")
    for site in RELEASES:
        with pytest.raises(NameNotCarried, match=re.escape(user)):
            await at_every_release.site_token(token, site)
        domains = await Directory(at_every_release.accounts[site]).list(
            "domains", name=people.domain
        )
        assert domains == []


@at_each_site
async def test_a_project_of_somebody_else_at_the_site_is_not_used(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    at_site = Directory(gateway.accounts[site])
    domain = await at_site.add("domains", {"name": people.domain})
    assert domain
    theirs = await at_site.add("projects", {"name": "alpha", "domain_id": domain["id"]})
    assert theirs
    token = await people.login("alice", "alpha")
    with pytest.raises(ProjectNotThere, match=r"federation\.projects"):
        await gateway.site_token(token, site)
    groups = await at_site.list("groups")
    assert not [group for group in groups if group["name"].startswith(f"fed:{people.domain}:")]

    tags = {"tags": ["federator", "federator-home-0123"]}
    await at_site.call("PUT", f"/projects/{theirs['id']}/tags", tags, {200})
    with pytest.raises(ProjectNotThere):
        await gateway.site_token(token, site)


@at_each_site
async def test_a_listed_project_is_used_and_found_again(
    clouds_yaml: Path, tmp_path: Path, people: People, site: str
) -> None:
    home_project = await people.project("alpha")
    await people.user("alice", alpha="member")
    ours, theirs = f"{people.domain}/alpha", f"{people.domain}/customer-7"
    listed = {"projects": {ours: theirs}}
    changed = changed_clouds(clouds_yaml, tmp_path, site, federation=listed)
    async with gateway_at(changed) as gateway:
        token = await people.login("alice", "alpha")
        with pytest.raises(ProjectNotThere, match="customer-7"):
            await gateway.site_token(token, site)
        at_site = Directory(gateway.accounts[site])
        domain = await at_site.add("domains", {"name": people.domain})
        assert domain
        made = await at_site.add("projects", {"name": "customer-7", "domain_id": domain["id"]})
        assert made
        assert (await gateway.site_token(token, site)).project_id == made["id"]
        strategy = gateway.sessions.strategies[site]
        known = await strategy.known_projects(people.account)
        assert known[home_project] == made["id"]


@at_each_site
async def test_what_is_known_at_a_site_can_be_read_back(
    gateway: Gateway, people: People, site: str
) -> None:
    home_project = await people.project("alpha")
    await people.user("alice", alpha="member")
    token = await gateway.site_token(await people.login("alice", "alpha"), site)
    credential = await people.application_credential("alice", "alpha", "reader")
    reader = await gateway.site_token(credential, site)
    strategy = gateway.sessions.strategies[site]
    assert (await strategy.known_projects(people.account))[home_project] == token.project_id
    users = await strategy.known_users()
    assert users[token.user_id] == users[reader.user_id] == ("alice", people.domain)


@at_each_site
async def test_a_project_renamed_at_home_keeps_its_project_at_the_site(
    gateway: Gateway, people: People, site: str
) -> None:
    project = await people.project("alpha")
    await people.user("alice", alpha="member")
    before = await gateway.site_token(await people.login("alice", "alpha"), site)
    renamed = {"project": {"name": "gamma"}}
    await Directory(people.account).call("PATCH", f"/projects/{project}", renamed, {200})
    identity = await gateway.client.validate(await people.login("alice", "gamma"))
    gateway.sessions.forget(identity)
    after = await gateway.sessions.site_token(identity, site)
    assert after.project_id == before.project_id


@at_each_site
async def test_what_was_taken_away_at_the_site_is_made_again(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    token = await people.login("alice", "alpha")
    await gateway.site_token(token, site)
    at_site = Directory(gateway.accounts[site])
    for group in await at_site.list("groups"):
        if group["name"].startswith(f"fed:{people.domain}:"):
            await at_site.call("DELETE", f"/groups/{group['id']}", None, {204})
    identity = await gateway.client.validate(token)
    gateway.sessions.forget(identity)
    again = await gateway.sessions.site_token(identity, site)
    assert await gateway.roles_at_site(again) == {"member", "reader"}


async def test_only_a_project_can_be_carried(gateway: Gateway, people: People) -> None:
    await people.user("alice")
    identity = await gateway.client.validate(await people.login("alice"))
    assert identity.project_id is None
    with pytest.raises(NotScoped):
        await gateway.sessions.site_token(identity, "paris")


async def test_a_revoked_token_is_told_from_a_good_one(gateway: Gateway, people: People) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    token = await people.login("alice", "alpha")
    identity = await gateway.client.validate(token)
    await people.revoke(token)
    # A gateway that has not heard of it yet still makes no site token of it.
    with pytest.raises(InvalidToken):
        await gateway.sessions.site_token(identity, "paris")
    gateway.client.forget(token)
    with pytest.raises(InvalidToken) as caught:
        await gateway.client.validate(token)
    assert token not in str(caught.value)


@pytest.mark.parametrize("token", ["nonsense", "gAAAAA" + "x" * 180, "a b", "ü", "", "x" * 20_000])
async def test_what_is_no_token_of_home_is_invalid(gateway: Gateway, token: str) -> None:
    with pytest.raises(InvalidToken):
        await gateway.client.validate(token)


async def test_a_token_of_a_site_is_invalid_at_home(gateway: Gateway, people: People) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    foreign = await gateway.site_token(await people.login("alice", "alpha"), "paris")
    with pytest.raises(InvalidToken):
        await gateway.client.validate(foreign.token)


async def test_a_site_that_is_down_is_named_at_once(
    clouds_yaml: Path, tmp_path: Path, people: People, unused_tcp_port: int
) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    token = await people.login("alice", "alpha")
    auth_url = f"http://127.0.0.1:{unused_tcp_port}/v3"
    changed = changed_clouds(clouds_yaml, tmp_path, "tokyo", auth_url=auth_url)
    async with gateway_at(changed) as gateway, asyncio.timeout(5):
        with pytest.raises(SiteUnreachable) as caught:
            await gateway.site_token(token, "tokyo")
        assert caught.value.site == "tokyo"
        assert await gateway.site_token(token, "paris")


async def test_only_the_exchange_meets_a_site_that_is_down(
    gateway: Gateway, people: People, unused_tcp_port: int
) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    identity = await gateway.client.validate(await people.login("alice", "alpha"))
    await gateway.sessions.site_token(identity, "paris")
    gateway.sessions.forget(identity)
    body = {"token": dict(identity.body["token"])}
    nowhere = f"http://127.0.0.1:{unused_tcp_port}"
    body["token"]["service_providers"] = [
        provider
        | {key: re.sub("http://[^/]*", nowhere, provider[key]) for key in ("auth_url", "sp_url")}
        for provider in body["token"]["service_providers"]
    ]
    async with asyncio.timeout(5):
        with pytest.raises(SiteUnreachable):
            await gateway.sessions.site_token(replace(identity, body=body), "paris")


async def test_a_home_that_is_down_is_no_verdict(
    clouds_yaml: Path, tmp_path: Path, people: People, unused_tcp_port: int
) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    token = await people.login("alice", "alpha")
    auth_url = f"http://127.0.0.1:{unused_tcp_port}/v3"
    changed = changed_clouds(clouds_yaml, tmp_path, "home", auth_url=auth_url)
    async with gateway_at(clouds_yaml) as gateway, gateway_at(changed) as homeless:
        with pytest.raises(HomeUnreachable):
            await homeless.client.validate(token)
        identity = await gateway.client.validate(token)
        with pytest.raises(HomeUnreachable):
            await homeless.sessions.site_token(identity, "paris")


async def test_a_site_that_home_does_not_know_is_said(
    clouds_yaml: Path, tmp_path: Path, people: People
) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    unknown = {"service_provider": "atlantis"}
    changed = changed_clouds(clouds_yaml, tmp_path, "tokyo", federation=unknown)
    async with gateway_at(changed) as gateway:
        with pytest.raises(ExchangeRefused, match="atlantis"):
            await gateway.site_token(await people.login("alice", "alpha"), "tokyo")


async def test_the_account_calls_every_service_with_a_microversion(gateway: Gateway) -> None:
    for account in gateway.accounts.values():
        listed = await account.get("compute", "/v2.1/servers?all_tenants=1", microversion="2.90")
        assert listed.status == 200, listed
        assert (await account.get("network", "/v2.0/networks")).status == 200
        volumes = "/v3/{project_id}/volumes/detail?all_tenants=1"
        assert (await account.get("block-storage", volumes, microversion="3.60")).status == 200
        assert (await account.get("network", "/v2.0/networks/none")).status == 404
        with pytest.raises(SiteUnreachable, match="no dns in its catalogue"):
            await account.get("dns", "/v2/zones")


async def test_the_account_gets_a_new_token_when_its_own_is_refused(gateway: Gateway) -> None:
    account = gateway.accounts["paris"]
    assert (await account.get("identity", "/v3/users")).status == 200
    plugin = account._login._plugin
    assert plugin
    assert plugin.auth_ref
    plugin.auth_ref._auth_token = refused = "gAAAAA-refused"
    assert (await account.get("identity", "/v3/users")).status == 200
    assert plugin.auth_ref.auth_token != refused


async def projects_at(account: Account, domain_name: str) -> list[str]:
    directory = Directory(account)
    domain = await directory.find("domains", domain_name)
    projects = await directory.list("projects", domain_id=domain["id"]) if domain else []
    return [project["name"] for project in projects]


def changed_clouds(
    clouds_yaml: Path,
    folder: Path,
    name: str,
    *,
    auth_url: str = "",
    federation: Mapping[str, object] | None = None,
) -> Path:
    """A copy of the lab's clouds.yaml in which one entry is different."""
    clouds = yaml.safe_load(clouds_yaml.read_text())
    entry = clouds["clouds"][name]
    if auth_url:
        entry["auth"]["auth_url"] = auth_url
    if federation:
        entry["federation"] = {**entry.get("federation", {}), **federation}
    path = folder / "clouds.yaml"
    path.write_text(yaml.safe_dump(clouds))
    return path
