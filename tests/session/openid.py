"""Users of the lab's OpenID Connect provider, logged in at home, and settings of sites that trust it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import yaml

from tests.conftest import missing
from tests.session.world import Gateway

_PROVIDER_PORT = 16
"""The provider's, counted from home's."""
ALL_SITES = ("paris", "tokyo", "osaka")
"""Keystone 30, 23 and 25."""


@dataclass
class OpenId:
    """The provider, and logins by it at a home."""

    home: str
    http: aiohttp.ClientSession

    @property
    def issuer(self) -> str:
        return issuer_of(self.home)

    async def access_token(self, user: str) -> str:
        """By user name and password, as the command line asks for one."""
        form = {"grant_type": "password", "username": user, "password": f"{user}-secret"}
        return await self._asked_for("openstack", form | {"scope": "openid profile"})

    async def access_token_of_machine(self, name: str) -> str:
        """By client credentials: there is no user."""
        return await self._asked_for(name, {"grant_type": "client_credentials"})

    async def _asked_for(self, name: str, form: dict[str, str]) -> str:
        client = {"Authorization": aiohttp.encode_basic_auth(name, f"{name}-secret")}
        url = f"{self.issuer}/token"
        async with self.http.post(url, data=form, headers=client) as response:
            assert response.status == 200, await response.text()
            return str((await response.json())["access_token"])

    async def login(self, gateway: Gateway, user: str, project: str) -> str:
        """A token of home for acme's `project`; the gateway saw how it came about."""
        return await self.login_with(gateway, await self.access_token(user), project)

    async def login_with(self, gateway: Gateway, access_token: str, project: str) -> str:
        """A token of home by this access token."""
        url = f"{self.home}/OS-FEDERATION/identity_providers/corp/protocols/openid/auth"
        headers = {"Authorization": f"Bearer {access_token}"}
        async with self.http.post(url, headers=headers) as response:
            assert response.status == 201, await response.text()
            unscoped = response.headers["X-Subject-Token"]
            ends = datetime.fromisoformat((await response.json())["token"]["expires_at"])
        await gateway.access_tokens.keep(unscoped, access_token, ends)
        scoped = await self.rescoped(unscoped, project)
        await gateway.access_tokens.inherit(unscoped, scoped)
        return scoped

    async def rescoped(self, token: str, project: str) -> str:
        scope = {"project": {"name": project, "domain": {"name": "acme"}}}
        identity = {"methods": ["token"], "token": {"id": token}}
        body = {"auth": {"identity": identity, "scope": scope}}
        async with self.http.post(f"{self.home}/auth/tokens", json=body) as response:
            assert response.status == 201, await response.text()
            return response.headers["X-Subject-Token"]


def issuer_of(home: str) -> str:
    """The provider beside the home at this URL."""
    address = urlsplit(home)
    assert address.port
    return f"http://{address.hostname}:{address.port + _PROVIDER_PORT}"


def trusting(clouds_yaml: Path, site: str, folder: Path, **federation: Any) -> Path:
    """A clouds.yaml in which this site trusts the provider, with these settings besides."""
    clouds = yaml.safe_load(clouds_yaml.read_text())["clouds"]
    if site not in clouds:
        missing(f"site {site} of the lab; start it with python -m lab up --sites {site}")
    settings = {"strategy": "oidc", "identity_provider": "corp", "service_provider": site}
    clouds[site]["federation"] = settings | federation
    path = folder / "clouds.yaml"
    path.write_text(yaml.safe_dump({"clouds": clouds}))
    return path


def exchange_at(home: str, **changes: str) -> dict[str, str]:
    """The settings of a token exchange at the provider beside this home."""
    client = {"client_id": "federator", "client_secret": "federator-secret"}
    return {"endpoint": f"{issuer_of(home)}/token"} | client | changes
