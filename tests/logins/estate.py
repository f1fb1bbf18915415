"""What the tests of login paths have to do with, all of it real: gateways, home, the provider."""

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from keystoneauth1 import session
from keystoneauth1.identity import v3
from keystoneauth1.identity.base import BaseIdentityPlugin

from adapters.sites import load_home
from tests.session.world import remove

MISSING = "X-Federation-Missing-Sites"
PASSWORD = "a-password-of-alice"


@dataclass(frozen=True)
class Estate:
    """Two gateways that know the same, and the OpenID Connect provider."""

    url: str
    other_url: str
    issuer: str
    logs: list[Path]
    redis: str
    secret: bytes

    @property
    def auth_url(self) -> str:
        return f"{self.url}/identity"

    def session(self, plugin: BaseIdentityPlugin) -> session.Session:
        return session.Session(plugin)

    def openid(self, kind: type[v3.OidcPassword] = v3.OidcPassword, **options: Any) -> Any:
        """A login by OpenID Connect for acme's alpha; `options` are the plugin's."""
        usual = {
            "identity_provider": "corp",
            "protocol": "openid",
            "client_id": "openstack",
            "client_secret": "openstack-secret",
            "access_token_endpoint": f"{self.issuer}/token",
            "scope": "openid profile",
            "project_name": "alpha",
            "project_domain_name": "acme",
        }
        if kind is v3.OidcPassword:
            usual |= {"username": "erin", "password": "erin-secret"}
        return kind(self.auth_url, **(usual | options))

    def access_token(self, user: str) -> str:
        """What the provider gives for a user's name and password."""
        form = {"grant_type": "password", "username": user, "password": f"{user}-secret"}
        response = requests.post(
            f"{self.issuer}/token",
            form | {"scope": "openid profile"},
            auth=("openstack", "openstack-secret"),
            timeout=60,
        )
        return str(response.json()["access_token"])

    def servers(self, token: str, url: str = "") -> requests.Response:
        """A list of servers: every site is asked."""
        headers = {"X-Auth-Token": token}
        return requests.get(f"{url or self.url}/compute/v2.1/servers", headers=headers, timeout=60)

    def missing(self, token: str, url: str = "") -> str:
        """The sites that have nothing for this token."""
        response = self.servers(token, url)
        assert response.status_code == 200, response.text
        return response.headers.get(MISSING, "")

    def cli(self, *words: str, **env: str) -> Any:
        """What the ``openstack`` command prints."""
        options = {"OS_AUTH_URL": self.auth_url, "OS_IDENTITY_API_VERSION": "3", **env}
        command = [str(Path(sys.executable).with_name("openstack")), *words, "-f", "json"]
        rest = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
        done = subprocess.run(command, env=rest | options, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)


@dataclass(frozen=True)
class Home:
    """Home's Keystone as its admin, with a domain of ours: alice is a member of alpha there."""

    url: str
    admin: session.Session
    domain: str
    domain_id: str

    @property
    def alice(self) -> dict[str, Any]:
        """alice's password, as options of a plugin."""
        return {"username": "alice", "password": PASSWORD, "user_domain_name": self.domain}

    @property
    def alpha(self) -> dict[str, Any]:
        """The project, as options of a plugin."""
        return {"project_name": "alpha", "project_domain_name": self.domain}

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        response = self.admin.request(f"{self.url}{path}", method, json=body)
        return response.json() if response.content else None

    def user(self, name: str, role: str = "member", project: str = "alpha", **more: Any) -> str:
        """A further user with this role on a project."""
        new = {"name": name, "domain_id": self.domain_id, "password": PASSWORD, **more}
        user = self.call("POST", "/users", {"user": new})["user"]["id"]
        self.give(user, role, f"/projects/{self.project(project)}")
        return str(user)

    def give(self, user: str, role: str, where: str) -> None:
        role_id = self.call("GET", f"/roles?name={role}")["roles"][0]["id"]
        self.call("PUT", f"{where}/users/{user}/roles/{role_id}")

    def project(self, name: str) -> str:
        found = self.call("GET", f"/projects?name={name}&domain_id={self.domain_id}")["projects"]
        return str(found[0]["id"])


@contextmanager
def new_home(lab: Path) -> Iterator[Home]:
    """Home with a domain of ours, which is gone afterwards."""
    entry = load_home(lab, "home")
    admin = session.Session(v3.Password(**entry.auth))
    name = f"logins-{uuid.uuid4().hex[:8]}"
    made = admin.post(f"{entry.auth_url}/domains", json={"domain": {"name": name}}).json()
    home = Home(entry.auth_url, admin, name, made["domain"]["id"])
    try:
        for project in ("alpha", "beta"):
            new = {"name": project, "domain_id": home.domain_id}
            home.call("POST", "/projects", {"project": new})
        alice = home.user("alice")
        home.give(alice, "reader", f"/projects/{home.project('beta')}")
        yield home
    finally:
        asyncio.run(remove(lab, name))
