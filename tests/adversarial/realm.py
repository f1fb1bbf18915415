"""Domains at home with projects and users that nobody else has, and what is left of them at the sites."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from tests.adversarial.client import Login, log_in, password
from tests.adversarial.gateways import SITES
from tests.e2e.api import cloud
from tests.e2e.people import remove_domain, sweep_project


@dataclass
class Realm:
    """One domain at home. `admin` is home's, `identity` the URL that users log in at."""

    name: str
    domain_id: str
    admin: Login
    identity: str
    projects: dict[str, str] = field(default_factory=dict)
    """Name -> ID at home."""
    users: dict[str, str] = field(default_factory=dict)

    async def project(self, name: str) -> str:
        """A new project."""
        new = {"project": {"name": name, "domain_id": self.domain_id}}
        made = await self.admin.do("POST", "identity", "/projects", new)
        self.projects[name] = made["project"]["id"]
        return self.projects[name]

    async def user(self, name: str, **roles: str) -> str:
        """A new user with one role in each of these projects."""
        secret = f"{name}-secret"
        new = {"user": {"name": name, "domain_id": self.domain_id, "password": secret}}
        self.users[name] = (await self.admin.do("POST", "identity", "/users", new))["user"]["id"]
        for project, role in roles.items():
            await self.grant(name, project, role)
        return self.users[name]

    async def grant(self, user: str, project: str, role: str) -> None:
        """One more role."""
        found = await self.admin.get("identity", f"/roles?name={role}")
        of_user = f"users/{self.users[user]}/roles/{found['roles'][0]['id']}"
        await self.admin.do("PUT", "identity", f"/projects/{self.projects[project]}/{of_user}")

    async def login(self, user: str, project: str) -> Login:
        """A new token of a user."""
        return await log_in(self.admin.http, self.identity, password(user, self.name, project))

    async def credential(self, user: str, project: str, role: str) -> Login:
        """A login by a new application credential that has this role only."""
        full = await self.login(user, project)
        new = {"name": uuid.uuid4().hex, "roles": [{"name": role}]}
        path = f"/users/{full.user_id}/application_credentials"
        made = await full.do("POST", "identity", path, {"application_credential": new})
        kind = "application_credential"
        secret = {name: made[kind][name] for name in ("id", "secret")}
        auth = {"identity": {"methods": [kind], kind: secret}}
        return await log_in(self.admin.http, self.identity, auth)


def home_auth(lab: Path, name: str = "home") -> dict[str, Any]:
    """The body of an admin's login, as clouds.yaml has it."""
    auth = yaml.safe_load(lab.read_text())["clouds"][name]["auth"]
    domain = {"id": "default"}
    who = {"name": auth["username"], "domain": domain, "password": auth["password"]}
    return {
        "identity": {"methods": ["password"], "password": {"user": who}},
        "scope": {"project": {"name": auth["project_name"], "domain": domain}},
    }


def site_urls(lab: Path) -> dict[str, str]:
    """Where each site's own Keystone is."""
    clouds = yaml.safe_load(lab.read_text())["clouds"]
    return {site: clouds[site]["auth"]["auth_url"].removesuffix("/v3") for site in SITES}


@asynccontextmanager
async def new_realm(
    http: aiohttp.ClientSession,
    lab: Path,
    url: str,
    name: str = "",
    sites: Sequence[str] = SITES,
) -> AsyncIterator[Realm]:
    """A new domain; afterwards nothing of it is left, at home or at the sites."""
    admin = await log_in(http, f"{url}/identity", home_auth(lab))
    new = {"domain": {"name": name or f"adv-{uuid.uuid4().hex[:8]}"}}
    domain = (await admin.do("POST", "identity", "/domains", new))["domain"]
    realm = Realm(domain["name"], domain["id"], admin, f"{url}/identity")
    try:
        yield realm
    finally:
        await asyncio.gather(*(asyncio.to_thread(_sweep, lab, site, realm) for site in sites))
        path = f"/domains/{realm.domain_id}"
        # Anew: by now a token may have expired.
        admin = await log_in(http, f"{url}/identity", home_auth(lab))
        await admin.do("PATCH", "identity", path, {"domain": {"enabled": False}})
        await admin.do("DELETE", "identity", path)


def _sweep(lab: Path, site: str, realm: Realm) -> None:
    admin = cloud(lab, f"{site}-admin")
    for home_id in realm.projects.values():
        tag = f"federator-home-{home_id}"
        for project in admin.get("identity", f"/projects?tags={tag}")["projects"]:
            sweep_project(admin, project["id"])
    if realm.name.isascii() and realm.name.replace("-", "").isalnum():
        remove_domain(admin, realm.name)
    for user in admin.get("identity", "/users")["users"]:
        if user["name"].endswith(f"@{realm.name}"):
            admin.call("DELETE", "identity", f"/users/{user['id']}")
    admin.close()
