"""Home and sites that say what real ones said (`recorded/`), for whom they are asked: a process of its own.

They keep state as the real ones do: an assertion is good once; the login behind it is in a cookie, and
whoever shows the cookie is that user; a scoped token is given for an unscoped one. On top of that they
are slow, fail, and fall silent at random. Home's tokens name their holder: ``user/project/roles``.

    python -m tests.adversarial.recorded_cloud     prints its port and serves until its input ends
"""

import asyncio
import json
import logging
import random
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from aiohttp import web

RECORDED = Path(__file__).parent / "recorded"
DOMAIN = "acme"
_ASSERTION = re.compile(r' ID="(a-[0-9a-f]{32})"')


class Person(NamedTuple):
    """Who is behind an assertion, a cookie, a token."""

    user: str
    project: str
    roles: str

    @classmethod
    def of(cls, token: str) -> "Person":
        return cls(*token.split("/"))


@dataclass
class Mood:
    """How often (per mille of the requests) a site behaves badly, and for how long it thinks."""

    conflict: int = 4
    broken: int = 4
    proxy_down: int = 2
    hung_up: int = 2
    silent: float = 0.3
    longest: float = 0.01
    silence: float = 3.0
    only_site: bool = False
    """Whether home is as it should be."""


@dataclass
class RecordedCloud:
    """One site, and home as far as it speaks for this site."""

    name: str
    dice: random.Random
    mood: Mood
    logins: dict[str, Person] = field(default_factory=dict)
    """Assertion, cookie or unscoped token -> whose it is."""
    counted: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.said = json.loads((RECORDED / f"{self.name}.json").read_text())
        paris = json.loads((RECORDED / "paris.json").read_text())
        self.refused = {name: paris[name] for name in ("replay", "anonymous", "revoked")}

    async def assertion(self, request: web.Request) -> web.Response:
        """Home's part."""
        token = (await request.json())["auth"]["identity"]["token"]["id"]
        if token.startswith("revoked"):
            return _answer(self.refused["revoked"], {})
        assertion = f"a-{uuid4().hex}"
        person = self.logins[assertion] = Person.of(token)
        return self._as(person, "assertion", assertion_id=assertion)

    async def paos(self, request: web.Request) -> web.Response:
        """What Apache does with an assertion."""
        found = _ASSERTION.search(await request.text())
        person = self.logins.pop(found[1], None) if found else None
        if person is None:
            return _answer(self.refused["replay"], {})
        cookie = uuid4().hex
        self.logins[cookie] = person
        return self._as(person, "paos", cookie=cookie)

    async def unscoped(self, request: web.Request) -> web.Response:
        """What Keystone behind it says to whoever shows the cookie."""
        person = self.logins.get(request.cookies.get(f"mellon-{self.name}", ""))
        if person is None:
            return _answer(self.refused["anonymous"], {})
        token = f"unscoped-{uuid4().hex}"
        self.logins[token] = person
        return self._as(person, "unscoped", token=token)

    async def scoped(self, request: web.Request) -> web.Response:
        auth = (await request.json())["auth"]
        person = self.logins.get(auth["identity"]["token"]["id"])
        if person is None or auth["scope"]["project"]["id"] != project_id(self.name, person):
            return web.json_response({"error": {"code": 401, "message": "no"}}, status=401)
        self.counted["exchanges"] += 1
        token = f"{self.name}|{'|'.join(person)}|{self.counted['exchanges']}"
        return self._as(person, "scoped", token=token)

    async def badly(self, request: web.Request) -> web.Response | None:
        """A random delay, and now and then an answer that is none."""
        mood, roll = self.mood, self.dice.uniform(0, 1000)
        await asyncio.sleep(self.dice.uniform(0, mood.longest))
        for name, status in (("conflict", 409), ("broken", 500), ("proxy_down", 503)):
            roll -= getattr(mood, name)
            if roll < 0:
                self.counted[name] += 1
                return web.json_response({"error": {"code": status, "message": "x"}}, status=status)
        if roll < mood.hung_up:
            self.counted["hung_up"] += 1
            assert request.transport
            request.transport.close()
        elif roll < mood.hung_up + mood.silent:
            self.counted["silent"] += 1
            await asyncio.sleep(mood.silence)
        return None

    def _as(self, person: Person, what: str, **values: str) -> web.Response:
        end = datetime.now(UTC) + timedelta(hours=1)
        return _answer(
            self.said[what],
            {
                "user": person.user,
                "domain": DOMAIN,
                "project": person.project,
                "project_id": project_id(self.name, person),
                "user_id": f"{self.name}-{person.user}-{person.project}",
                "expires_at": end.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                **values,
            },
            person.roles.split("+") if what == "scoped" else None,
        )


def project_id(site: str, person: Person) -> str:
    """The ID of the project at a site."""
    return f"{site}-{person.project}"


def _answer(
    said: dict[str, Any], values: dict[str, str], roles: list[str] | None = None
) -> web.Response:
    def filled(text: str) -> str:
        return re.sub("<<([a-z_]+)>>", lambda found: values.get(found[1], "x"), text)

    headers = {name: filled(value) for name, value in said["headers"].items()}
    if "token" in values:
        headers["X-Subject-Token"] = values["token"]
    body = filled(said["body"])
    if roles is not None:
        document = json.loads(body)
        kept = [role for role in document["token"]["roles"] if role["name"] in roles]
        document["token"]["roles"] = kept
        body = json.dumps(document)
    return web.Response(status=said["status"], headers=headers, body=body.encode())


def application(clouds: dict[str, RecordedCloud]) -> web.Application:
    """``/{site}/asserter/v3/...`` and ``/{site}/v3/...``; ``/{site}/mood`` takes another Mood."""
    steps = {
        "/asserter/v3/auth/OS-FEDERATION/saml2/ecp": RecordedCloud.assertion,
        "/v3/mellon/paosResponse": RecordedCloud.paos,
        "/v3/OS-FEDERATION/identity_providers/home/protocols/saml2/auth": RecordedCloud.unscoped,
        "/v3/auth/tokens": RecordedCloud.scoped,
    }

    async def answer(request: web.Request) -> web.StreamResponse:
        site, _, path = request.path[1:].partition("/")
        if site == "counted":
            return web.json_response({name: cloud.counted for name, cloud in clouds.items()})
        cloud = clouds[site]
        if path == "mood":
            cloud.mood = Mood(**await request.json())
            return web.Response()
        if path.startswith("asserter/") and cloud.mood.only_site:
            return await steps[f"/{path}"](cloud, request)
        return await cloud.badly(request) or await steps[f"/{path}"](cloud, request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return app


async def main() -> None:
    logging.disable()  # clients that hang up are what this is for
    dice = random.Random(10_000)
    clouds = {name: RecordedCloud(name, dice, Mood()) for name in ("paris", "tokyo")}
    runner = web.AppRunner(application(clouds), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
