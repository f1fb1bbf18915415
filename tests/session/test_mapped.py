"""Site tokens of sites that trust no logins of home: by users that the gateway makes there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from adapters.directory import Directory, Entry
from adapters.errors import ExchangeRefused, NotScoped, ProjectNotThere, TokenMixUp
from adapters.identity import SiteToken
from tests.conftest import missing
from tests.session.world import Gateway, People, clouds_in, gateway_at, new_people

SITES = ("paris", "tokyo", "osaka")
at_each_site = pytest.mark.parametrize("site", SITES)

SECRET = b"s" * 64
NEW_SECRET = b"t" * 64


def mapped_clouds(clouds_yaml: Path, folder: Path, **federation: object) -> Path:
    """A copy of the lab's clouds.yaml in which no site trusts home."""
    clouds = yaml.safe_load(clouds_yaml.read_text())
    for site in set(SITES) & set(clouds["clouds"]):
        clouds["clouds"][site]["federation"] = {"strategy": "mapped", **federation}
    path = folder / "mapped.yaml"
    path.write_text(yaml.safe_dump(clouds))
    return path


@asynccontextmanager
async def gateway_of(path: Path, secret: bytes = SECRET) -> AsyncIterator[Gateway]:
    async with gateway_at(path, names=SITES, secret=secret) as gateway:
        yield gateway


@pytest.fixture
def clouds(clouds_yaml: Path, tmp_path: Path) -> Path:
    if away := set(SITES) - set(clouds_in(clouds_yaml)):
        missing(f"sites of the lab: {', '.join(sorted(away))}; start them with python -m lab up")
    return mapped_clouds(clouds_yaml, tmp_path)


@pytest.fixture
async def gateway(clouds: Path) -> AsyncIterator[Gateway]:
    async with gateway_of(clouds) as gateway:
        yield gateway


async def users_for(gateway: Gateway, site: str, home_id: str) -> list[Entry]:
    """The users at a site who stand for a home user."""
    at_site = Directory(gateway.accounts[site])
    domain = await at_site.find("domains", "federation")
    assert domain
    users = await at_site.list("users", domain_id=domain["id"])
    return [user for user in users if user["name"].startswith(f"{home_id}:")]


async def change(gateway: Gateway, site: str, user: Entry, **news: object) -> None:
    path = f"/users/{user['id']}"
    await Directory(gateway.accounts[site]).call("PATCH", path, {"user": news}, {200})


async def anew(gateway: Gateway, token: str, site: str) -> SiteToken:
    """A site token that is not from memory."""
    identity = await gateway.client.validate(token)
    gateway.sessions.forget(identity)
    return await gateway.sessions.site_token(identity, site)


# ---- who it is, and what they may do


@at_each_site
async def test_a_login_at_home_is_a_user_of_the_site_with_its_project_and_roles(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    home_id = await people.user("alice", alpha="member")
    token = await gateway.site_token(await people.login("alice", "alpha"), site)
    said = await gateway.said_by_site(token)
    assert said["user"]["id"] == token.user_id
    assert said["user"]["name"] == f"{home_id}:member+reader:alice@{people.domain}"
    assert said["user"]["domain"]["name"] == "federation"
    assert said["project"]["name"] == "alpha"
    assert said["project"]["domain"]["name"] == people.domain
    assert {role["name"] for role in said["roles"]} == {"member", "reader"}
    assert {"image", "identity"} <= set(token.endpoints)
    (user,) = await users_for(gateway, site, home_id)
    assert f"alice of domain {people.domain}" in user["description"]
    assert home_id in user["description"]


@at_each_site
async def test_rules_for_passwords_of_people_are_not_for_these_users(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    home_id = await people.user("alice", alpha="member")
    await gateway.site_token(await people.login("alice", "alpha"), site)
    (user,) = await users_for(gateway, site, home_id)
    assert user["password_expires_at"] is None
    assert user["options"] == {
        "ignore_password_expiry": True,
        "ignore_change_password_upon_first_use": True,
        "ignore_lockout_failure_attempts": True,
        "ignore_user_inactivity": True,
        "lock_password": True,
    }


@at_each_site
async def test_full_and_restricted_logins_of_one_user_live_side_by_side(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    home_id = await people.user("alice", alpha="member")
    full = await gateway.site_token(await people.login("alice", "alpha"), site)
    credential = await people.application_credential("alice", "alpha", "reader")
    restricted = await gateway.site_token(credential, site)
    await asyncio.sleep(2.5)  # newer Keystones spare tokens of the last second when they revoke
    again = await anew(gateway, await people.login("alice", "alpha"), site)
    assert await gateway.roles_at_site(restricted) == {"reader"}
    for token in (full, again):
        assert await gateway.roles_at_site(token) == {"member", "reader"}
    assert full.user_id == again.user_id != restricted.user_id
    assert len(await users_for(gateway, site, home_id)) == 2


@at_each_site
async def test_logins_for_other_projects_end_no_token_and_give_nothing_away(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    await people.project("beta")
    await people.project("gamma")
    home_id = await people.user("alice", alpha="member", beta="reader", gamma="member")
    alpha = await gateway.site_token(await people.login("alice", "alpha"), site)
    await asyncio.sleep(2.5)
    beta = await gateway.site_token(await people.login("alice", "beta"), site)
    gamma = await gateway.site_token(await people.login("alice", "gamma"), site)
    assert await gateway.roles_at_site(alpha) == {"member", "reader"}
    assert await gateway.roles_at_site(beta) == {"reader"}
    assert await gateway.roles_at_site(gamma) == {"member", "reader"}
    assert alpha.user_id == gamma.user_id != beta.user_id
    assert len({alpha.project_id, beta.project_id, gamma.project_id}) == 3
    assert len(await users_for(gateway, site, home_id)) == 2


@at_each_site
async def test_a_role_taken_away_at_home_is_gone_with_the_next_login(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    await gateway.site_token(await people.login("alice", "alpha"), site)
    await people.give("alice", "alpha", "reader")
    await people.take("alice", "alpha", "member")
    less = await gateway.site_token(await people.login("alice", "alpha"), site)
    assert await gateway.roles_at_site(less) == {"reader"}


@at_each_site
async def test_admin_counts_only_where_the_settings_say_so(
    clouds_yaml: Path, tmp_path: Path, gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    await people.user("root", alpha="admin")
    token = await people.login("root", "alpha")
    assert "admin" not in await gateway.roles_at_site(await gateway.site_token(token, site))
    trusting = mapped_clouds(clouds_yaml, tmp_path, admin=True)
    async with gateway_of(trusting) as other:
        assert "admin" in await other.roles_at_site(await other.site_token(token, site))


@at_each_site
async def test_the_same_names_in_two_domains_are_two_users_and_two_projects(
    clouds_yaml: Path, gateway: Gateway, people: People, site: str
) -> None:
    async with new_people(clouds_yaml) as others:
        tokens = []
        for group in (people, others):
            await group.project("alpha")
            await group.user("alice", alpha="member")
            tokens.append(await gateway.site_token(await group.login("alice", "alpha"), site))
        assert tokens[0].user_id != tokens[1].user_id
        assert tokens[0].project_id != tokens[1].project_id


NAMES = ["al/ice", "al;ice", "ålice", "日本", "a:b+c@d %", "u" * 255, "'\"\\ \t<b>"]


@at_each_site
async def test_any_name_of_home_will_do(gateway: Gateway, people: People, site: str) -> None:
    await people.project("alpha")
    for name in NAMES:
        home_id = await people.user(name, alpha="member")
        token = await gateway.site_token(await people.login(name, "alpha"), site)
        said = await gateway.said_by_site(token)
        assert said["user"]["name"].startswith(f"{home_id}:member+reader:"), name
        assert said["user"]["name"].isascii()
        (user,) = await users_for(gateway, site, home_id)
        assert name in user["description"]


@at_each_site
@pytest.mark.parametrize("project", ["a/b", "a;b", "prøve", "日本", "p" * 64])
async def test_any_name_of_a_project_will_do(
    gateway: Gateway, people: People, site: str, project: str
) -> None:
    await people.project(project)
    await people.user("alice", **{project: "member"})
    token = await gateway.site_token(await people.login("alice", project), site)
    assert (await gateway.said_by_site(token))["project"]["name"] == project


async def test_only_logins_for_a_project_have_a_way(gateway: Gateway, people: People) -> None:
    await people.user("alice")
    with pytest.raises(NotScoped):
        await gateway.site_token(await people.login("alice"), SITES[0])


async def test_roles_that_no_site_knows_make_nothing(gateway: Gateway, people: People) -> None:
    await people.project("alpha")
    home_id = await people.user("alice", alpha="service")
    token = await people.login("alice", "alpha")
    for site in SITES:
        with pytest.raises(ExchangeRefused, match="it knows none"):
            await gateway.site_token(token, site)
        assert not await users_for(gateway, site, home_id)


# ---- home changes


@at_each_site
async def test_a_user_renamed_at_home_stays_the_same_user(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    home_id = await people.user("alice", alpha="member")
    before = await gateway.site_token(await people.login("alice", "alpha"), site)
    renamed = {"user": {"name": "alicia"}}
    await Directory(people.account).call("PATCH", f"/users/{home_id}", renamed, {200})
    token = await people.login("alicia", "alpha", password="alice")
    after = await anew(gateway, token, site)
    assert after.user_id == before.user_id
    (user,) = await users_for(gateway, site, home_id)
    assert user["name"] == f"{home_id}:member+reader:alicia@{people.domain}"
    assert "alicia" in user["description"]
    assert await gateway.roles_at_site(before) == {"member", "reader"}


@at_each_site
async def test_a_user_made_again_under_the_same_name_is_another_one(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    first = await people.user("alice", alpha="member")
    before = await gateway.site_token(await people.login("alice", "alpha"), site)
    await Directory(people.account).call("DELETE", f"/users/{first}", None, {204})
    await people.user("alice", alpha="reader")
    after = await gateway.site_token(await people.login("alice", "alpha"), site)
    assert after.user_id != before.user_id
    assert await gateway.roles_at_site(after) == {"reader"}


@at_each_site
async def test_a_project_renamed_at_home_keeps_its_project_at_the_site(
    gateway: Gateway, people: People, site: str
) -> None:
    project = await people.project("alpha")
    await people.user("alice", alpha="member")
    before = await gateway.site_token(await people.login("alice", "alpha"), site)
    renamed = {"project": {"name": "gamma"}}
    await Directory(people.account).call("PATCH", f"/projects/{project}", renamed, {200})
    after = await anew(gateway, await people.login("alice", "gamma"), site)
    assert after.project_id == before.project_id


async def test_a_listed_project_cannot_be_claimed_by_a_slash_in_the_name_of_a_domain(
    clouds_yaml: Path, tmp_path: Path
) -> None:
    """``a/b/c`` in the table is project ``b/c`` of domain ``a``, never project ``c`` of ``a/b``."""
    async with new_people(clouds_yaml) as owner:
        slashed = f"{owner.domain}/b"
        async with new_people(clouds_yaml, slashed) as other:
            listed = {f"{slashed}/c": "Default/service"}
            path = mapped_clouds(clouds_yaml, tmp_path, projects=listed)
            async with gateway_of(path) as gateway:
                await other.project("c")
                await other.user("mallory", c="member")
                token = await gateway.site_token(await other.login("mallory", "c"), SITES[0])
                said = await gateway.said_by_site(token)
                assert said["project"]["domain"]["name"] == slashed


# ---- many at once


@at_each_site
async def test_twenty_first_logins_at_once_from_two_gateways_make_one_user(
    clouds: Path, people: People, site: str
) -> None:
    await people.project("alpha")
    home_id = await people.user("alice", alpha="member")
    tokens = [await people.login("alice", "alpha") for _ in range(2)]
    async with gateway_of(clouds) as one, gateway_of(clouds) as two:
        got = await asyncio.gather(
            *(g.site_token(token, site) for g in (one, two) for token in tokens * 5)
        )
        assert len({token.user_id for token in got}) == 1
        assert len({token.project_id for token in got}) == 1
        for token in {token.token: token for token in got}.values():
            assert await one.roles_at_site(token) == {"member", "reader"}
        assert len(await users_for(one, site, home_id)) == 1


async def test_twenty_users_at_once_are_not_mixed_up(clouds: Path, people: People) -> None:
    await people.project("alpha")
    users = [f"user{number}" for number in range(10)]
    ids = [await people.user(user, alpha="member") for user in users]
    logins = [await people.login(user, "alpha") for user in users]
    async with gateway_of(clouds) as one, gateway_of(clouds) as two:
        wanted = [
            (gateway, home_id, token)
            for gateway in (one, two)
            for home_id, token in zip(ids, logins, strict=True)
        ]
        for site in SITES:
            got = await asyncio.gather(*(g.site_token(token, site) for g, _, token in wanted))
            for (gateway, home_id, _), token in zip(wanted, got, strict=True):
                said = await gateway.said_by_site(token)
                assert said["user"]["name"].startswith(f"{home_id}:")


# ---- somebody changes things behind our back


@at_each_site
async def test_a_user_deleted_at_the_site_is_made_again(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    home_id = await people.user("alice", alpha="member")
    token = await people.login("alice", "alpha")
    before = await gateway.site_token(token, site)
    (user,) = await users_for(gateway, site, home_id)
    await Directory(gateway.accounts[site]).call("DELETE", f"/users/{user['id']}", None, {204})
    after = await anew(gateway, token, site)
    assert after.user_id != before.user_id
    assert await gateway.roles_at_site(after) == {"member", "reader"}


@at_each_site
async def test_a_password_that_somebody_changed_is_set_again_once_for_all_who_wait(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    home_id = await people.user("alice", alpha="member")
    token = await people.login("alice", "alpha")
    await gateway.site_token(token, site)
    (user,) = await users_for(gateway, site, home_id)
    await change(gateway, site, user, password="changed-by-somebody")
    identity = await gateway.client.validate(token)
    gateway.sessions.forget(identity)
    got = await asyncio.gather(*(gateway.sessions.site_token(identity, site) for _ in range(20)))
    assert len({token.token for token in got}) == 1
    assert await gateway.roles_at_site(got[0]) == {"member", "reader"}


@at_each_site
async def test_a_new_secret_is_a_new_password(clouds: Path, people: People, site: str) -> None:
    await people.project("alpha")
    home_id = await people.user("alice", alpha="member")
    token = await people.login("alice", "alpha")
    async with gateway_of(clouds) as old:
        await old.site_token(token, site)
        async with gateway_of(clouds, NEW_SECRET) as one, gateway_of(clouds, NEW_SECRET) as two:
            got = await asyncio.gather(*(g.site_token(token, site) for g in (one, two) * 10))
            assert len({token.user_id for token in got}) == 1
            # Of two processes that set it at once the later one ends the tokens of the earlier.
            assert await one.roles_at_site(await anew(one, token, site)) == {"member", "reader"}
            assert await two.roles_at_site(await anew(two, token, site)) == {"member", "reader"}
            assert len(await users_for(one, site, home_id)) == 1


@at_each_site
async def test_two_secrets_at_once_are_named_and_do_not_fight_for_ever(
    clouds: Path, people: People, site: str
) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    token = await people.login("alice", "alpha")
    async with gateway_of(clouds) as one, gateway_of(clouds, NEW_SECRET) as two:
        await one.site_token(token, site)
        await two.site_token(token, site)
        await anew(one, token, site)
        with pytest.raises(ExchangeRefused, match="have the same secret_file"):
            await anew(two, token, site)


@at_each_site
async def test_a_locked_password_with_options_taken_away_comes_back(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    home_id = await people.user("alice", alpha="member")
    token = await people.login("alice", "alpha")
    await gateway.site_token(token, site)
    (user,) = await users_for(gateway, site, home_id)
    nothing = dict.fromkeys(user["options"])
    await change(gateway, site, user, password="changed-by-somebody", options=nothing)
    assert (await users_for(gateway, site, home_id))[0]["options"] == {}
    await anew(gateway, token, site)
    assert (await users_for(gateway, site, home_id))[0]["options"] == user["options"]


@at_each_site
async def test_a_user_disabled_at_the_site_stays_so_and_is_named(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    home_id = await people.user("alice", alpha="member")
    token = await people.login("alice", "alpha")
    await gateway.site_token(token, site)
    (user,) = await users_for(gateway, site, home_id)
    await change(gateway, site, user, enabled=False)
    for _ in range(2):
        with pytest.raises(ExchangeRefused, match=f"user {user['id']} there.*is disabled"):
            await anew(gateway, token, site)
    await change(gateway, site, user, enabled=True)
    assert (await anew(gateway, token, site)).user_id == user["id"]


@at_each_site
async def test_a_role_taken_away_at_the_site_is_given_again(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    token = await people.login("alice", "alpha")
    before = await gateway.site_token(token, site)
    at_site = Directory(gateway.accounts[site])
    for role in await at_site.list("roles"):
        path = f"/projects/{before.project_id}/users/{before.user_id}/roles/{role['id']}"
        await at_site.call("DELETE", path, None, {204, 404})
    after = await anew(gateway, token, site)
    assert after.user_id == before.user_id
    assert await gateway.roles_at_site(after) == {"member", "reader"}


@at_each_site
async def test_a_role_that_somebody_added_at_the_site_is_no_role_of_ours(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="reader")
    token = await people.login("alice", "alpha")
    before = await gateway.site_token(token, site)
    at_site = Directory(gateway.accounts[site])
    role = await at_site.find("roles", "member")
    assert role
    await at_site.grant_to_user(before.project_id, before.user_id, role["id"])
    with pytest.raises(TokenMixUp, match="roles"):
        await anew(gateway, token, site)


@at_each_site
async def test_a_project_disabled_at_the_site_is_named(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    token = await people.login("alice", "alpha")
    before = await gateway.site_token(token, site)
    path, off = f"/projects/{before.project_id}", {"project": {"enabled": False}}
    await Directory(gateway.accounts[site]).call("PATCH", path, off, {200})
    with pytest.raises(ProjectNotThere, match="is disabled there"):
        await anew(gateway, token, site)


@at_each_site
async def test_a_project_deleted_at_the_site_is_made_again(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    token = await people.login("alice", "alpha")
    before = await gateway.site_token(token, site)
    at_site = Directory(gateway.accounts[site])
    await at_site.call("DELETE", f"/projects/{before.project_id}", None, {204})
    after = await anew(gateway, token, site)
    assert after.project_id != before.project_id
    assert after.user_id == before.user_id


@at_each_site
async def test_a_token_can_be_ended_alone(gateway: Gateway, people: People, site: str) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    token = await people.login("alice", "alpha")
    first = await gateway.site_token(token, site)
    second = await anew(gateway, token, site)
    await gateway.sessions.strategies[site].logout(first.token)
    assert not await gateway.said_by_site(first)
    assert await gateway.roles_at_site(second) == {"member", "reader"}
    await gateway.sessions.strategies[site].logout(first.token)


# ---- reading back


@at_each_site
async def test_what_is_known_at_a_site_can_be_read_back(
    gateway: Gateway, people: People, site: str
) -> None:
    home_project = await people.project("alpha")
    home_id = await people.user("al/ice", alpha="member")
    token = await gateway.site_token(await people.login("al/ice", "alpha"), site)
    credential = await people.application_credential("al/ice", "alpha", "reader")
    reader = await gateway.site_token(credential, site)
    strategy = gateway.sessions.strategies[site]
    assert (await strategy.known_projects(people.account))[home_project] == token.project_id
    users = await strategy.known_users()
    assert users[token.user_id] == users[reader.user_id] == home_id


@at_each_site
async def test_the_password_of_one_site_is_worthless_at_the_other(
    gateway: Gateway, people: People, site: str
) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    identity = await gateway.client.validate(await people.login("alice", "alpha"))
    passwords = {
        gateway.sessions.strategies[each]._users.password(identity)  # type: ignore[attr-defined]
        for each in SITES
    }
    assert len(passwords) == len(SITES)
