"""The real lab as a gateway sees it, and people at home who exist for one test only."""

import uuid
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import yaml

from adapters.access_tokens import AccessTokens
from adapters.account import Account
from adapters.client import SiteClient
from adapters.directory import Directory
from adapters.home import HomeClient
from adapters.identity import SiteToken
from adapters.session import SiteSessions
from adapters.sites import Site, load_home, load_sites
from adapters.strategies import make_strategy
from adapters.strategy import Surroundings

SITES = ("paris", "tokyo")
RELEASES = (*SITES, "osaka")
"""A site of each release whose way of mapping logins was measured."""


@dataclass
class Gateway:
    """What one gateway process has of all this."""

    home: Site
    accounts: dict[str, Account]
    client: HomeClient
    sessions: SiteSessions
    access_tokens: AccessTokens

    async def site_token(self, token: str, site: str) -> SiteToken:
        return await self.sessions.site_token(await self.client.validate(token), site)

    async def said_by_site(self, token: SiteToken) -> dict[str, Any]:
        """What the site itself says of its token; empty if it does not take it any more."""
        headers = {"X-Subject-Token": token.token}
        account = self.accounts[token.site]
        answer = await account.get("identity", "/v3/auth/tokens?nocatalog", headers=headers)
        return answer.json["token"] if answer.status == 200 else {}

    async def roles_at_site(self, token: SiteToken) -> set[str]:
        return {role["name"] for role in (await self.said_by_site(token)).get("roles", ())}


@asynccontextmanager
async def gateway_at(
    path: Path,
    seconds: float = 20.0,
    names: Collection[str] = SITES,
    *,
    revalidate: float = 60.0,
    secret: bytes | None = None,
    access_tokens: AccessTokens | None = None,
) -> AsyncIterator[Gateway]:
    """A gateway for home and the sites of these names in this clouds.yaml."""
    home, sites = load_home(path, "home"), load_sites(path, names)
    async with AsyncExitStack() as stack:
        accounts = {name: Account(site, timeout=seconds) for name, site in sites.items()}
        for account in accounts.values():
            stack.callback(account.close)
        access_tokens = access_tokens or AccessTokens()
        strategies = {
            name: make_strategy(
                Surroundings(
                    home, site, accounts[name], seconds, access_tokens=access_tokens, secret=secret
                )
            )
            for name, site in sites.items()
        }
        sessions = SiteSessions(sites, strategies, login_seconds=seconds)
        stack.callback(sessions.close)
        client = SiteClient(seconds)
        await client.open()
        stack.push_async_callback(client.close)
        yield Gateway(
            home,
            accounts,
            HomeClient(home, client, revalidate_seconds=revalidate, on_ended=sessions.ended),
            sessions,
            access_tokens,
        )


@dataclass
class People:
    """A domain at home, with its projects and users. Nothing of it is known at any site yet."""

    domain: str
    domain_id: str
    auth_url: str
    account: Account
    http: aiohttp.ClientSession

    async def project(self, name: str) -> str:
        entry = {"name": name, "domain_id": self.domain_id}
        project = await Directory(self.account).add("projects", entry)
        assert project
        return str(project["id"])

    async def user(self, name: str, **roles: str) -> str:
        """A user with one role on each of these projects. The password is the name, as far as it fits."""
        directory = Directory(self.account)
        new = {"name": name, "domain_id": self.domain_id, "password": name[:60]}
        user = await directory.add("users", new)
        assert user
        for project, role in roles.items():
            await self.give(name, project, role)
        return str(user["id"])

    async def give(self, user: str, project: str, role: str) -> None:
        path = await self._grant(user, project, role)
        await Directory(self.account).call("PUT", path, None, {204})

    async def take(self, user: str, project: str, role: str) -> None:
        path = await self._grant(user, project, role)
        await Directory(self.account).call("DELETE", path, None, {204})

    async def login(self, user: str, project: str = "", password: str = "") -> str:
        """A token; unscoped without a project."""
        domain = {"name": self.domain}
        method = {"user": {"name": user, "domain": domain, "password": password or user[:60]}}
        auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": method}}
        auth["scope"] = {"project": {"name": project, "domain": domain}} if project else "unscoped"
        return await self._token(auth)

    async def application_credential(self, user: str, project: str, *roles: str) -> str:
        """A token of a new application credential with these roles only."""
        token = await self.login(user, project)
        new = {"name": uuid.uuid4().hex, "roles": [{"name": role} for role in roles]}
        user_id = (await self._said(token))["user"]["id"]
        async with self.http.post(
            f"{self.auth_url}/users/{user_id}/application_credentials",
            json={"application_credential": new},
            headers={"X-Auth-Token": token},
        ) as response:
            assert response.status == 201, await response.text()
            made = (await response.json())["application_credential"]
        secret = {"id": made["id"], "secret": made["secret"]}
        kind = "application_credential"
        return await self._token({"identity": {"methods": [kind], kind: secret}})

    async def revoke(self, token: str) -> None:
        """End a token. Again, if a request at the same moment put Keystone's old list of
        revocations back into its cache."""
        headers = {"X-Auth-Token": token, "X-Subject-Token": token}
        for _ in range(5):
            async with self.http.delete(f"{self.auth_url}/auth/tokens", headers=headers):
                pass
            async with self.http.get(f"{self.auth_url}/auth/tokens", headers=headers) as response:
                if response.status in (401, 404):
                    return
        raise AssertionError("Keystone does not revoke")

    async def _grant(self, user_name: str, project_name: str, role_name: str) -> str:
        directory = Directory(self.account)
        user = await directory.find("users", user_name, domain_id=self.domain_id)
        project = await directory.find("projects", project_name, domain_id=self.domain_id)
        role = await directory.find("roles", role_name)
        assert user
        assert project
        assert role
        return f"/projects/{project['id']}/users/{user['id']}/roles/{role['id']}"

    async def _token(self, auth: dict[str, Any]) -> str:
        url = f"{self.auth_url}/auth/tokens"
        async with self.http.post(url, json={"auth": auth}) as response:
            assert response.status == 201, await response.text()
            return response.headers["X-Subject-Token"]

    async def _said(self, token: str) -> dict[str, Any]:
        headers = {"X-Auth-Token": token, "X-Subject-Token": token}
        async with self.http.get(f"{self.auth_url}/auth/tokens", headers=headers) as response:
            said: dict[str, Any] = (await response.json())["token"]
            return said


@asynccontextmanager
async def new_people(clouds_yaml: Path, domain: str = "") -> AsyncIterator[People]:
    """A new domain at home; afterwards it is gone there and everywhere it was carried to."""
    home = load_home(clouds_yaml, "home")
    account = Account(home)
    name = domain or f"test-{uuid.uuid4().hex[:8]}"
    made = await Directory(account).add("domains", {"name": name})
    assert made
    try:
        async with aiohttp.ClientSession() as http:
            yield People(name, made["id"], home.auth_url, account, http)
    finally:
        account.close()
        await remove(clouds_yaml, name)


async def remove(clouds_yaml: Path, domain_name: str) -> None:
    """Remove a domain of home, and all that was made for it at sites."""
    names = [site for site in (*SITES, "osaka") if site in clouds_in(clouds_yaml)]
    for keystone in (load_home(clouds_yaml, "home"), *load_sites(clouds_yaml, names).values()):
        account = Account(keystone)
        await _remove(account, domain_name)
        account.close()


def clouds_in(clouds_yaml: Path) -> Collection[str]:
    """The names of all entries: which sites this lab has."""
    return set(yaml.safe_load(clouds_yaml.read_text())["clouds"])


async def _remove(account: Account, domain_name: str) -> None:
    directory = Directory(account)
    # Users who stand for those of the domain; they have a domain of their own.
    for user in await directory.list("users"):
        if ":" in user["name"] and user["name"].endswith(f"@{quote(domain_name, safe='')}"):
            await directory.call("DELETE", f"/users/{user['id']}", None, {204, 404})
    domain = await directory.find("domains", domain_name)
    if domain:
        path = f"/domains/{domain['id']}"
        await directory.call("PATCH", path, {"domain": {"enabled": False}}, {200})
        await directory.call("DELETE", path, None, {204})
    for group in await directory.list("groups"):
        if group["name"].startswith(f"fed:{domain_name}:"):
            await directory.call("DELETE", f"/groups/{group['id']}", None, {204, 404})
