"""The ID map is lost while clients hold IDs: they hear "later" until it is back, and never anything false."""

import asyncio
import random
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest_asyncio

from tests.adversarial.client import Answer, Login
from tests.adversarial.estate import Estate, Thing, new_estate, shown_of
from tests.adversarial.gateways import SITES, Fleet, GatewayProcess
from tests.adversarial.realm import new_realm

REBUILD_SECONDS = 150
LISTED = {
    "/servers": "servers",
    "/networks": "networks",
    "/ports": "ports",
    "/volumes": "volumes",
    "/images": "images",
    "/subnets": "subnets",
    "/security-groups": "security_groups",
}
KEYS = ("one", "two", "three")


@dataclass
class Held:
    """What clients know from before, and must find again."""

    estate: Estate
    canonical: dict[str, Any] = field(default_factory=dict)

    @property
    def owner(self) -> Login:
        return self.estate.owner


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def held(
    http: aiohttp.ClientSession, lab: Path, gateway: GatewayProcess
) -> AsyncIterator[Held]:
    """Things of every kind at both sites, made through a gateway whose Redis nobody touches."""
    async with new_realm(http, lab, gateway.url) as realm:
        await realm.project("alpha")
        await realm.user("alice", alpha="member")
        owner = await realm.login("alice", "alpha")
        estate = await new_estate(owner)
        for number, name in enumerate(KEYS):
            body = {"keypair": {"name": name}}
            await owner.do("POST", "compute", "/os-keypairs", body, site=SITES[number % 2])
        yield Held(estate, await canonical(owner))


async def canonical(login: Login) -> dict[str, Any]:
    """The IDs of what is one at all sites."""

    async def ids(service: str, path: str, key: str) -> list[tuple[str, str]]:
        listed = await login.get(service, path)
        return sorted((item["name"], item["id"]) for item in listed[key])

    return {
        "images": await ids("image", "/images?visibility=public", "images"),
        "flavors": await ids("compute", "/flavors", "flavors"),
        "external networks": await ids("network", "/networks?router:external=true", "networks"),
        "default groups": await ids("network", "/security-groups?name=default", "security_groups"),
        "keypairs": sorted(
            item["keypair"]["name"]
            for item in (await login.get("compute", "/os-keypairs"))["keypairs"]
        ),
    }


Check = Callable[[Login], Coroutine[Any, Any, str]]
"""Asks one thing; what is wrong with the answer, or nothing."""


def checks(held: Held) -> list[Check]:
    """Everything that clients keep asking for."""
    return [
        *(_shows(thing) for thing in held.estate.things),
        *(_lists(path, held) for path in LISTED),
        *(_finds(thing) for thing in held.estate.things),
        *[_unknown(thing.service, thing.path) for thing in held.estate.things],
        _keypairs,
        _flavor(held),
        _hidden,
    ]


def _shows(thing: Thing) -> Check:
    async def check(login: Login) -> str:
        answer = await shown_of(login, thing)
        if answer.retry or (answer.status == 200 and thing.is_it(answer)):
            return ""
        return f"{thing}: {answer}"

    return check


def _lists(path: str, held: Held) -> Check:
    ours = {(thing.id, thing.name) for thing in held.estate.things if thing.path == path}
    service = next(thing.service for thing in held.estate.things if thing.path == path)

    async def check(login: Login) -> str:
        answer = await login.ask("GET", service, path)
        if answer.retry:
            return ""
        if answer.status == 200:
            found = {(item["id"], item["name"]) for item in answer.json[LISTED[path]]}
            if found >= ours:
                return ""
        return f"list of {path}: {answer}"

    return check


def _finds(thing: Thing) -> Check:
    async def check(login: Login) -> str:
        answer = await login.ask("GET", thing.service, f"{thing.path}?name={quote(thing.name)}")
        if answer.retry:
            return ""
        if answer.status == 200:
            items = answer.json[LISTED[thing.path]]
            if [(item["id"], item["name"]) for item in items] == [(thing.id, thing.name)]:
                return ""
        return f"{thing} by name: {answer}"

    return check


def _unknown(service: str, path: str) -> Check:
    async def check(login: Login) -> str:
        answer = await login.ask("GET", service, f"{path}/{uuid.uuid4()}")
        return "" if answer.retry or answer.status == 404 else f"unknown: {answer}"

    return check


async def _keypairs(login: Login) -> str:
    answer = await login.ask("GET", "compute", "/os-keypairs")
    names = {item["keypair"]["name"] for item in answer.json["keypairs"]} if answer.ok else set()
    return "" if answer.retry or names == set(KEYS) else f"keypairs: {answer}"


def _flavor(held: Held) -> Check:
    name, flavor_id = held.canonical["flavors"][0]

    async def check(login: Login) -> str:
        answer = await login.ask("GET", "compute", f"/flavors/{flavor_id}")
        good = answer.status == 200 and answer.json["flavor"]["name"] == name
        return "" if good or answer.retry else f"flavor {flavor_id}: {answer}"

    return check


async def _hidden(login: Login) -> str:
    """A name is no ID: it is known at once that there is no such thing."""
    answer = await login.ask("GET", "compute", "/servers/no-such-server")
    return "" if answer.retry or answer.status == 404 else f"name: {answer}"


@dataclass
class Load:
    """Clients who ask and ask, and what they heard."""

    complaints: list[str] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)


@asynccontextmanager
async def load(held: Held, urls: list[str], clients: int = 6) -> AsyncIterator[Load]:
    """Clients at these gateways for as long as it lasts. A gateway that is down may refuse them."""
    said, stopping = Load(), asyncio.Event()

    async def client(number: int) -> None:
        login = held.owner.at(urls[number % len(urls)])
        chance = random.Random(number)
        every = checks(held)
        while not stopping.is_set():
            check = chance.choice(every)
            try:
                complaint = await check(login)
            except aiohttp.ClientError:
                said.asked["refused"] += 1
                await asyncio.sleep(0.05)
                continue
            said.asked["asked"] += 1
            if complaint:
                said.complaints.append(complaint)

    tasks = [asyncio.create_task(client(number)) for number in range(clients)]
    try:
        yield said
    finally:
        stopping.set()
        await asyncio.gather(*tasks)
    assert not said.complaints, "\n".join(said.complaints[:20])
    assert said.asked["asked"] > 20, said.asked


async def until_back(login: Login) -> int:
    """Until an unknown UUID is not found rather than unsure; how often it was unsure before."""
    deadline = time.monotonic() + REBUILD_SECONDS
    unsure = 0
    while True:
        answer: Answer = await login.ask("GET", "compute", f"/servers/{uuid.uuid4()}")
        if answer.status == 404:
            return unsure
        assert answer.retry, answer
        unsure += 1
        assert time.monotonic() < deadline, "the map does not come back"
        await asyncio.sleep(0.1)


async def all_is_well(held: Held, login: Login) -> None:
    """Every ID from before works, names resolve, and what was one is one."""
    at_once = asyncio.Semaphore(8)

    async def shown(thing: Thing) -> None:
        async with at_once:
            answer = await shown_of(login, thing)
        assert answer.status == 200, (thing, answer)
        assert thing.is_it(answer), (thing, answer)

    async def checked(check: Check) -> None:
        async with at_once:
            assert not await check(login)

    await asyncio.gather(*(shown(thing) for thing in held.estate.things))
    await asyncio.gather(*(checked(check) for check in checks(held)))
    assert await canonical(login) == held.canonical
    unknown = await login.ask("GET", "network", f"/networks/{uuid.uuid4()}")
    assert unknown.status == 404, unknown


async def test_flushed_again_and_again_under_load(own_fleet: Fleet, held: Held) -> None:
    gateway = own_fleet.add()
    login = held.owner.at(gateway.url)
    await all_is_well(held, login)
    async with load(held, [gateway.url]):
        await asyncio.sleep(1)
        unsure = 0
        for pause in (0.3, 1.0, 2.0, 0.0):
            # Most of these fall into the rebuild that the one before has set off.
            own_fleet.redis.flush()
            await asyncio.sleep(pause)
        unsure += await until_back(login)
        own_fleet.redis.flush()
        unsure += await until_back(login)
    assert unsure, "the flush was not even noticed"
    await all_is_well(held, login)


async def test_two_gateways_and_one_of_them_restarted_cold(own_fleet: Fleet, held: Held) -> None:
    warm, cold = own_fleet.add(), own_fleet.add()
    logins = [held.owner.at(each.url) for each in (warm, cold)]
    async with load(held, [warm.url, cold.url], clients=4):
        await asyncio.sleep(0.5)
        own_fleet.redis.flush()
        cold.kill()
        cold.start(wait=False)
        await asyncio.sleep(1)
        own_fleet.redis.flush()
        await asyncio.to_thread(cold.wait_until_ready)
        for login in logins:
            await until_back(login)
    for login in logins:
        await all_is_well(held, login)


async def test_redis_killed_and_back_empty_under_load(own_fleet: Fleet, held: Held) -> None:
    gateway = own_fleet.add()
    login = held.owner.at(gateway.url)
    async with load(held, [gateway.url]):
        await asyncio.sleep(0.5)
        own_fleet.redis.kill()
        thing = held.estate.of("/networks", "tokyo")
        deadline = time.monotonic() + 30
        while not (answer := await login.ask("GET", "compute", f"/servers/{uuid.uuid4()}")).retry:
            assert answer.status == 404, answer
            assert time.monotonic() < deadline, "the loss is not noticed"
        for _ in range(20):
            answer = await shown_of(login, thing)
            assert answer.retry or thing.is_it(answer), answer
        own_fleet.redis.start()
        await until_back(login)
    await all_is_well(held, login)


async def test_a_cold_start_on_an_empty_redis_makes_and_deletes_nothing_wrong(
    own_fleet: Fleet, held: Held
) -> None:
    gateway = own_fleet.add(wait=False)
    login = held.owner.at(gateway.url)
    kinds = [held.estate.of(path, "tokyo") for path in ("/servers", "/volumes", "/networks")]
    made: list[Thing] = []
    sure: set[str] = set()
    async with load(held, [gateway.url], clients=3):
        while len(sure) < len(kinds):
            try:
                sure |= await _delete_unknown(login, kinds)
                made += await _make_one(login, len(made))
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.05)
    await asyncio.to_thread(gateway.wait_until_ready)
    assert made
    for thing in made:
        assert thing.is_it(await shown_of(login, thing))
        assert (await login.ask("DELETE", "network", f"/networks/{thing.id}")).status == 204
    left = await login.get("network", "/networks")
    assert [n for n in left["networks"] if n["name"].startswith("during-")] == []
    await all_is_well(held, login)


async def _delete_unknown(login: Login, kinds: list[Thing]) -> set[str]:
    """The kinds of which the gateway is sure that it knows all."""
    sure = set()
    for thing in kinds:
        answer = await login.ask("DELETE", thing.service, f"{thing.path}/{uuid.uuid4()}")
        assert answer.retry or answer.status == 404, answer
        sure |= {thing.path} if answer.status == 404 else set()
    return sure


async def _make_one(login: Login, number: int) -> list[Thing]:
    if number >= 6:
        return []
    site = ("paris", "tokyo")[number % 2]
    new = {"network": {"name": f"during-{number}"}}
    answer = await login.ask("POST", "network", "/networks", new, site=site)
    assert answer.retry or answer.status == 201, answer
    if not answer.ok:
        return []
    return [Thing("network", "/networks", "network", **_id_and_name(answer), site=site)]


def _id_and_name(answer: Answer) -> dict[str, str]:
    (shown,) = answer.json.values()
    return {"id": shown["id"], "name": shown["name"]}
