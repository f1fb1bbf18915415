"""What home ends, ends at all sites, and the site tokens are worth nothing any more: asked of real sites."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from adapters.directory import Directory
from adapters.errors import InvalidToken
from adapters.identity import SiteToken
from tests.session.world import SITES, Gateway, People, gateway_at

SECONDS = 60
"""Home's processes, and a site's, tell each other of a revocation through a cache, and that takes a while."""


async def until(what: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + SECONDS
    while not await what():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.5)


async def refused(gateway: Gateway, token: str) -> bool:
    try:
        await gateway.client.validate(token)
    except InvalidToken:
        return True
    return False


async def worthless(gateway: Gateway, *tokens: SiteToken) -> None:
    """Until the sites themselves take none of these."""

    async def none_is_good() -> bool:
        return not any([await gateway.said_by_site(token) for token in tokens])

    await gateway.client.settled()
    await gateway.sessions.settled()
    await until(none_is_good)


async def end(people: People, what: str, token: str, user: str, project: str) -> None:
    """Do this at home, without the gateway."""
    directory = Directory(people.account)
    match what:
        case "token revoked":
            await people.revoke(token)
        case "user disabled":
            disabled = {"user": {"enabled": False}}
            await directory.call("PATCH", f"/users/{user}", disabled, {200})
        case "password changed":
            changed = {"user": {"password": "another"}}
            await directory.call("PATCH", f"/users/{user}", changed, {200})
        case "role removed":
            role = await directory.find("roles", "member")
            assert role
            path = f"/projects/{project}/users/{user}/roles/{role['id']}"
            await directory.call("DELETE", path, None, {204})
        case "project deleted":
            await directory.call("DELETE", f"/projects/{project}", None, {204})


@pytest.mark.parametrize(
    "what",
    ["token revoked", "user disabled", "password changed", "role removed", "project deleted"],
)
async def test_what_ends_at_home_ends_at_the_sites(
    clouds_yaml: Path, people: People, what: str
) -> None:
    project = await people.project("alpha")
    await people.project("beta")
    user = await people.user("alice", alpha="member")
    await people.user("bob", beta="member")
    async with gateway_at(clouds_yaml, revalidate=1) as gateway:
        token, other = await people.login("alice", "alpha"), await people.login("bob", "beta")
        tokens = [await gateway.site_token(token, site) for site in SITES]
        others = [await gateway.site_token(other, site) for site in SITES]
        await end(people, what, token, user, project)
        await until(lambda: refused(gateway, token))
        await worthless(gateway, *tokens)
        # Nobody else noticed.
        assert [await gateway.site_token(other, site) for site in SITES] == others
        assert all([await gateway.said_by_site(each) for each in others])


async def test_one_of_two_logins_is_revoked_and_the_other_one_keeps_its_site_token(
    clouds_yaml: Path, people: People
) -> None:
    await people.project("alpha")
    await people.user("alice", alpha="member")
    async with gateway_at(clouds_yaml, revalidate=1) as gateway:
        first, second = [await people.login("alice", "alpha") for _ in range(2)]
        token = await gateway.site_token(first, "paris")
        assert await gateway.site_token(second, "paris") == token
        await people.revoke(first)
        await until(lambda: refused(gateway, first))
        await gateway.client.settled()
        await gateway.sessions.settled()
        assert await gateway.site_token(second, "paris") == token
        assert await gateway.said_by_site(token)
        await people.revoke(second)
        await until(lambda: refused(gateway, second))
        await worthless(gateway, token)


async def test_a_login_that_lost_one_role_loses_the_token_that_had_it(
    clouds_yaml: Path, people: People
) -> None:
    project = await people.project("alpha")
    user = await people.user("alice", alpha="member")
    directory = Directory(people.account)
    reader, member = [await directory.find("roles", role) for role in ("reader", "member")]
    assert reader
    assert member
    grants = f"/projects/{project}/users/{user}/roles"
    await directory.call("PUT", f"{grants}/{reader['id']}", None, {204})
    async with gateway_at(clouds_yaml, revalidate=1) as gateway:
        login = await people.login("alice", "alpha")
        token = await gateway.site_token(login, "paris")
        await directory.call("DELETE", f"{grants}/{member['id']}", None, {204})

        async def less() -> bool:
            # Home revokes the token, or says that it has fewer roles now: that is for its release.
            if await refused(gateway, login):
                return True
            return (await gateway.client.validate(login)).roles == {"reader"}

        await until(less)
        await worthless(gateway, token)
        again = await gateway.site_token(await people.login("alice", "alpha"), "paris")
        assert await gateway.roles_at_site(again) == {"reader"}
