"""The same bad request to the gateway and to the sites themselves: are the answers alike?

A site is asked by a member whom it knows itself, so that nothing of the gateway has a part in what it says.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.adversarial.client import Answer, Login, log_in, password
from tests.adversarial.gateways import SITES
from tests.adversarial.realm import Realm, home_auth, site_urls
from tests.e2e.api import cloud
from tests.e2e.people import remove_domain, sweep_project

AT_ONCE = 8
HUNG_UP = 599
"""Some services close the connection, or do not come back, where others find a word for it."""


@dataclass(frozen=True)
class Everybody:
    """A member at the gateway, members at the sites."""

    member: Login
    sites: Mapping[str, Login]
    realm: Realm


@dataclass(frozen=True)
class Bad:
    """A request that is wrong in one way."""

    name: str
    method: str
    path: str
    data: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    also: frozenset[int] = frozenset()
    """What the gateway may answer beside what a site does: it may look at things in another order."""


async def all_alike(everybody: Everybody, service: str, requests: Iterable[Bad]) -> None:
    """The gateway answers each of these as one of the sites does, and in a form that the service has."""
    at_once = asyncio.Semaphore(AT_ONCE)
    bad = list(requests)
    answers = await asyncio.gather(*(_ask(everybody, service, each, at_once) for each in bad))
    forms = [form(each) for _, *theirs in answers for each in theirs]
    complaints = []
    for asked, (ours, *theirs) in zip(bad, answers, strict=True):
        said = f"{service}, {asked.name}, {asked.method} {asked.path[:60]}: {_short(ours)}"
        if not _as_sites_do(asked, ours, theirs):
            complaints.append(f"{said}; the sites: {', '.join(map(_short, theirs))}")
        elif 400 <= ours.status < 500 and form(ours) not in forms:
            complaints.append(f"{said} has not the form of {_short(theirs[0])}")
    if complaints:
        pytest.fail("\n".join(complaints), pytrace=False)


def _as_sites_do(asked: Bad, ours: Answer, theirs: list[Answer]) -> bool:
    if ours.status in asked.also:
        return True
    alike = [each for each in theirs if each.status == ours.status]
    # Where a service itself is at a loss, there is nothing to be like.
    lost = [each for each in theirs if each.status >= 500]
    if ours.status >= 500:
        same = ours.raw in [each.raw for each in alike]
        return same or (len(lost) == len(theirs) and ours.retry)
    return bool(alike or len(lost) == len(theirs) or (lost and ours.status >= 400))


async def _ask(
    everybody: Everybody, service: str, bad: Bad, at_once: asyncio.Semaphore
) -> list[Answer]:
    async def ask(login: Login) -> Answer:
        try:
            return await login.ask(
                bad.method, service, bad.path, data=bad.data, headers=dict(bad.headers)
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            return Answer(HUNG_UP, {}, repr(error).encode(), f"{bad.method} {bad.path}")

    async with at_once:
        logins = (everybody.member, *everybody.sites.values())
        return await asyncio.gather(*(ask(login) for login in logins))


def _short(answer: Answer) -> str:
    return f"{answer.status} {answer.raw[:160].decode(errors='replace')}"


def form(answer: Answer) -> Any:
    """What an error looks like, whatever it says."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    if "json" not in kind or not answer.raw:
        return kind if answer.raw else ""
    return kind, _skeleton(answer.json)


def _skeleton(value: Any) -> Any:
    if isinstance(value, dict):
        # Placement's errors have a code from microversion 1.23 on, ours always.
        coded = "detail" in value and "status" in value
        return {k: _skeleton(v) for k, v in value.items() if not (coded and k == "code")}
    return [_skeleton(each) for each in value] if isinstance(value, list) else type(value).__name__


@asynccontextmanager
async def site_members(http: aiohttp.ClientSession, lab: Path) -> AsyncIterator[dict[str, Login]]:
    """At each site a new member, who knows nothing of home."""
    name = f"adv-local-{uuid.uuid4().hex[:8]}"
    members, projects = {}, {}
    try:
        for site, url in site_urls(lab).items():
            admin = await log_in(http, url, home_auth(lab, f"{site}-admin"), site=True)
            new = {"domain": {"name": name}}
            domain = (await admin.do("POST", "identity", "/domains", new))["domain"]["id"]
            new = {"project": {"name": name, "domain_id": domain}}
            project = (await admin.do("POST", "identity", "/projects", new))["project"]["id"]
            projects[site] = project
            new = {"user": {"name": name, "domain_id": domain, "password": f"{name}-secret"}}
            user = (await admin.do("POST", "identity", "/users", new))["user"]["id"]
            role = (await admin.get("identity", "/roles?name=member"))["roles"][0]["id"]
            grant = f"/projects/{project}/users/{user}/roles/{role}"
            await admin.do("PUT", "identity", grant)
            members[site] = await log_in(http, url, password(name, name, name), site=True)
        yield members
    finally:
        await asyncio.gather(
            *(asyncio.to_thread(_remove, lab, site, name, projects.get(site)) for site in SITES)
        )


def _remove(lab: Path, site: str, name: str, project: str | None) -> None:
    admin = cloud(lab, f"{site}-admin")
    if project:
        sweep_project(admin, project)
    remove_domain(admin, name)
    admin.close()
