"""Five hundred exchanges of many users at real sites at once: each must come out as whose it is."""

import asyncio
import random
from pathlib import Path
from typing import NamedTuple

from adapters.identity import Identity, SiteToken
from tests.session.world import SITES, Gateway, People, gateway_at, new_people

USERS = [f"user{number}" for number in range(20)]
PROJECTS = ("alpha", "beta", "gamma", "delta")
ROUNDS = 5


class Person(NamedTuple):
    """Somebody who is logged in at home."""

    user: str
    project: str
    roles: frozenset[str]
    identity: Identity


async def everybody(people: People, gateway: Gateway) -> list[Person]:
    """Each user is a member or reader of each project, and a reader by one application credential."""
    for project in PROJECTS:
        await people.project(project)
    roles = {
        user: {
            project: ("member", "reader")[(at + number) % 2] for at, project in enumerate(PROJECTS)
        }
        for number, user in enumerate(USERS)
    }
    for part in (USERS[:10], USERS[10:]):
        await asyncio.gather(*(people.user(user, **roles[user]) for user in part))

    async def login(user: str, project: str) -> Person:
        has = {"member", "reader"} if roles[user][project] == "member" else {"reader"}
        identity = await gateway.client.validate(await people.login(user, project))
        return Person(user, project, frozenset(has), identity)

    async def credential(user: str) -> Person:
        project = next(project for project in PROJECTS if roles[user][project] == "member")
        token = await people.application_credential(user, project, "reader")
        identity = await gateway.client.validate(token)
        return Person(user, project, frozenset({"reader"}), identity)

    found = []
    for project in PROJECTS:
        found += await asyncio.gather(*(login(user, project) for user in USERS))
    return found + await asyncio.gather(*(credential(user) for user in USERS))


async def test_nobody_gets_a_token_of_somebody_else(lab: Path) -> None:
    order = random.Random(500)
    exchanges = 0
    async with new_people(lab) as people, gateway_at(lab, 120.0) as gateway:
        persons = await everybody(people, gateway)

        async def checked(person: Person, token: SiteToken) -> None:
            said = await gateway.said_by_site(token)
            assert said["user"]["name"] == f"{person.user}@{people.domain}"
            assert said["user"]["id"] == token.user_id
            assert said["project"]["name"] == person.project
            assert said["project"]["domain"]["name"] == people.domain
            assert said["project"]["id"] == token.project_id
            assert {role["name"] for role in said["roles"]} == person.roles

        for number in range(ROUNDS):
            order.shuffle(persons)
            sites = [SITES[(number + at) % 2] for at in range(len(persons))]
            tokens = await asyncio.gather(
                *(
                    gateway.sessions.site_token(person.identity, site)
                    for person, site in zip(persons, sites, strict=True)
                )
            )
            exchanges += len({token.token for token in tokens})
            for site, token in zip(sites, tokens, strict=True):
                assert token.site == site
            await asyncio.gather(*map(checked, persons, tokens))
            for person in persons:
                gateway.sessions.forget(person.identity)
    assert exchanges == ROUNDS * len(persons) == 500
