"""A client that says exactly what it is told to say, to the gateway or to a site, and keeps every answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import orjson
from yarl import URL

SECONDS = 30
"""Longer than any answer may take."""
PATHS = {
    "identity": "/identity/v3",
    "compute": "/compute/v2.1",
    "network": "/network/v2.0",
    "image": "/image/v2",
    "volume": "/volume/v3/{project_id}",
    "placement": "/placement",
}
_KINDS = {"volumev3": "volume", "block-storage": "volume"}
_VERSIONS = {"network": "/v2.0", "image": "/v2"}
MICROVERSION = {"compute": "compute", "volume": "volume", "placement": "placement"}


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    raw: bytes
    asked: str

    @property
    def json(self) -> Any:
        # Not orjson: sites say things that it refuses, halves of surrogates among them.
        return json.loads(self.raw) if self.raw else None

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def retry(self) -> bool:
        """An honest "not now"."""
        return self.status == 503 and self.headers.get("Retry-After", "").isdigit()

    def __repr__(self) -> str:
        return f"<{self.asked}: {self.status} {self.raw[:300]!r}>"


@dataclass(frozen=True)
class Login:
    """A token, and the URLs it is good for."""

    http: aiohttp.ClientSession = field(repr=False)
    bases: Mapping[str, str]
    token: str = field(repr=False)
    project_id: str = ""
    user_id: str = ""

    async def ask(
        self,
        method: str,
        service: str,
        path: str,
        body: object = None,
        *,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        site: str = "",
        version: str = "",
    ) -> Answer:
        """The answer, whatever it is. `path` is sent as it stands."""
        sent = {"X-Auth-Token": self.token, "Accept": "application/json"}
        if body is not None:
            data = orjson.dumps(body)
            sent["Content-Type"] = "application/json"
        if site:
            sent["X-Federation-Site"] = site
        if version:
            sent["OpenStack-API-Version"] = f"{MICROVERSION[service]} {version}"
        url = self.bases[service] + path
        return await send(self.http, method, url, data=data, headers={**sent, **(headers or {})})

    async def do(self, method: str, service: str, path: str, *args: Any, **options: Any) -> Any:
        """The body of an answer that has to be a success."""
        answer = await self.ask(method, service, path, *args, **options)
        assert answer.ok, answer
        return answer.json

    async def get(self, service: str, path: str, **options: Any) -> Any:
        return await self.do("GET", service, path, **options)

    def at(self, url: str) -> "Login":
        """The same login at another gateway."""
        return replace(self, bases=gateway_bases(url, self.project_id))


async def send(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    data: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request and its whole answer."""
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with http.request(
        method,
        URL(url, encoded=True),
        data=data,
        headers=headers,
        allow_redirects=False,
        timeout=timeout,
        skip_auto_headers=("Content-Type", "Accept-Encoding"),
    ) as response:
        raw = await response.read()
        asked = f"{method} {url[:200]}"
        return Answer(response.status, response.headers, raw, asked)


def gateway_bases(url: str, project_id: str) -> dict[str, str]:
    """Service -> URL below which its paths begin."""
    return {name: url + path.format(project_id=project_id) for name, path in PATHS.items()}


async def log_in(
    http: aiohttp.ClientSession, identity: str, auth: Mapping[str, Any], *, site: bool = False
) -> Login:
    """A login at a gateway, whose identity URL this is; or at a `site` itself."""
    url = f"{identity}/v3/auth/tokens"
    answer = await send(
        http,
        "POST",
        url,
        data=orjson.dumps({"auth": auth}),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status == 201, answer
    said = answer.json["token"]
    project_id = said.get("project", {}).get("id", "")
    bases = (
        {**site_bases(said), "identity": f"{identity}/v3"}
        if site
        else gateway_bases(identity.removesuffix("/identity"), project_id)
    )
    token = answer.headers["X-Subject-Token"]
    return Login(http, bases, token, project_id, said["user"]["id"])


def site_bases(said: Mapping[str, Any]) -> dict[str, str]:
    """The same for a site, by its catalogue."""
    bases = {}
    for service in said.get("catalog", ()):
        kind = _KINDS.get(service["type"], service["type"])
        for endpoint in service["endpoints"]:
            if endpoint["interface"] == "public" and kind in PATHS:
                url = endpoint["url"].rstrip("/")
                bases[kind] = url if kind not in _VERSIONS else url + _VERSIONS[kind]
    return bases


def password(user: str, domain: str, project: str = "") -> dict[str, Any]:
    """Who logs in by a password, which is the name, and for which project of the domain."""
    whose = {"name": domain}
    who = {"name": user, "domain": whose, "password": f"{user}-secret"}
    auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": who}}}
    auth["scope"] = {"project": {"name": project, "domain": whose}} if project else "unscoped"
    return auth
