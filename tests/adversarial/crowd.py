"""Six users who are hard to tell apart: two domains with the same names of users and projects in them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.adversarial.client import Login
from tests.adversarial.realm import Realm, new_realm

PAIRS = (("alice", "alpha"), ("bob", "beta"), ("carol", "gamma"))


@dataclass(frozen=True)
class Person:
    """Somebody in a project of his own."""

    realm: Realm
    user: str
    project: str
    login: Login

    def __str__(self) -> str:
        return f"{self.user}@{self.realm.name}/{self.project}"


@asynccontextmanager
async def new_crowd(
    http: aiohttp.ClientSession, lab: Path, url: str
) -> AsyncIterator[list[Person]]:
    """Everybody, logged in at once; each the namesake of one other."""
    async with AsyncExitStack() as stack:
        realms = [await stack.enter_async_context(new_realm(http, lab, url)) for _ in range(2)]
        for realm in realms:
            for user, project in PAIRS:
                await realm.project(project)
                await realm.user(user, **{project: "member"})
        who = [(realm, user, project) for realm in realms for user, project in PAIRS]
        logins = await asyncio.gather(*(realm.login(user, project) for realm, user, project in who))
        yield [Person(*each, login) for each, login in zip(who, logins, strict=True)]
