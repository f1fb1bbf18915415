"""Many users at once, with the same names for everything: nobody sees or touches what is another's."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio

from tests.adversarial.client import Answer, Login
from tests.adversarial.crowd import Person, new_crowd
from tests.adversarial.estate import Estate, Thing, equal_ones, settled, shown_of
from tests.adversarial.gateways import SITES, GatewayProcess

LISTED = {
    "/servers": ("servers", "/servers/detail"),
    "/networks": ("networks", "/networks"),
    "/subnets": ("subnets", "/subnets"),
    "/ports": ("ports", "/ports"),
    "/security-groups": ("security_groups", "/security-groups"),
    "/volumes": ("volumes", "/volumes/detail"),
    "/images": ("images", "/images"),
    "/os-server-groups": ("server_groups", "/os-server-groups"),
}
RENAMED = {
    "/servers": ("PUT", {"server": {"name": "stolen"}}),
    "/networks": ("PUT", {"network": {"name": "stolen"}}),
    "/subnets": ("PUT", {"subnet": {"name": "stolen"}}),
    "/ports": ("PUT", {"port": {"name": "stolen"}}),
    "/security-groups": ("PUT", {"security_group": {"name": "stolen"}}),
    "/volumes": ("PUT", {"volume": {"name": "stolen"}}),
}


@dataclass(frozen=True)
class Owner:
    """One of the crowd, with what he has made."""

    person: Person
    estate: Estate

    @property
    def login(self) -> Login:
        return self.person.login


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def owners(
    http: aiohttp.ClientSession, lab: Path, gateway: GatewayProcess
) -> AsyncIterator[list[Owner]]:
    """Everybody makes the same things, all at once, at both sites."""
    async with new_crowd(http, lab, gateway.url) as crowd:
        estates = await asyncio.gather(
            *(_made(person, SITES[number % 2]) for number, person in enumerate(crowd))
        )
        yield [Owner(*each) for each in zip(crowd, estates, strict=True)]


async def _made(person: Person, server_site: str) -> Estate:
    estate = Estate(person.login)
    for site in SITES:
        net = await estate.make("network", "/networks", "network", site, name="net")
        inside = {"network_id": net.id, "ip_version": 4, "cidr": "10.66.0.0/24", "name": "net"}
        await estate.make("network", "/subnets", "subnet", site, **inside)
        await estate.make("network", "/ports", "port", site, name="port", network_id=net.id)
        await estate.make("network", "/security-groups", "security_group", site, name="web")
        await estate.make("volume", "/volumes", "volume", site, name="data", size=1)
        plain = {"disk_format": "raw", "container_format": "bare", "name": "img"}
        await estate.make("image", "/images", "", site, **plain)
        group = {"name": "group", "policies": ["affinity"]}
        await estate.make("compute", "/os-server-groups", "server_group", site, **group)
    image, flavor = await equal_ones(person.login)
    on = [{"uuid": estate.of("/networks", server_site).id}]
    server = {"name": "web", "imageRef": image, "flavorRef": flavor, "networks": on}
    await estate.make("compute", "/servers", "server", server_site, **server)
    await settled(estate, server_site)
    return estate


def namesakes(owners: list[Owner]) -> list[tuple[Owner, Owner]]:
    """Who is after whose things: everybody after those of the one with his names."""
    half = len(owners) // 2
    return [(one, owners[(at + half) % len(owners)]) for at, one in enumerate(owners)]


def neighbours(owners: list[Owner]) -> list[tuple[Owner, Owner]]:
    """Who is after whose things: everybody after those of another one."""
    return [(one, owners[at - 1]) for at, one in enumerate(owners)]


def items_of(answer: Answer, path: str) -> list[dict[str, Any]]:
    return list(answer.json[LISTED[path][0]])


def own_ids(owner: Owner, path: str) -> set[str]:
    return {thing.id for thing in owner.estate.things if thing.path == path}


def all_ids(owners: list[Owner]) -> set[str]:
    return {thing.id for owner in owners for thing in owner.estate.things}


async def test_all_users_are_others_and_all_projects_are_others(owners: list[Owner]) -> None:
    assert len({owner.login.user_id for owner in owners}) == len(owners)
    assert len({owner.login.project_id for owner in owners}) == len(owners)
    assert len(all_ids(owners)) == sum(len(owner.estate.things) for owner in owners)


async def test_lists_show_everybody_his_own(owners: list[Owner]) -> None:
    everything = all_ids(owners)

    async def look(owner: Owner, path: str, query: str) -> None:
        service = owner.estate.of(path).service
        answer = await owner.login.ask("GET", service, LISTED[path][1] + query)
        assert answer.status == 200, answer
        found = {item["id"] for item in items_of(answer, path)}
        assert found & everything == own_ids(owner, path), (str(owner.person), answer)

    for query in ("", "?limit=1000"):
        await asyncio.gather(*(look(each, path, query) for each in owners for path in LISTED))
    named = [path for path in LISTED if path != "/os-server-groups"]
    await asyncio.gather(
        *(look(o, p, f"?name={o.estate.of(p).name}") for o in owners for p in named)
    )


async def test_filters_by_somebody_elses_project_open_nothing(owners: list[Owner]) -> None:
    everything = all_ids(owners)

    async def look(thief: Owner, victim: Owner, path: str, query: str) -> None:
        service = thief.estate.of(path).service
        answer = await thief.login.ask("GET", service, f"{LISTED[path][1]}?{query}")
        assert answer.status in (200, 400, 403), answer
        if answer.ok:
            found = {item["id"] for item in items_of(answer, path)} & everything
            assert found <= own_ids(thief, path), (str(thief.person), query, answer)

    for thief, victim in namesakes(owners):
        project, user = victim.login.project_id, victim.login.user_id
        queries = (
            f"project_id={project}",
            f"tenant_id={project}",
            f"owner={project}",
            f"user_id={user}",
            "all_tenants=1",
            "all_tenants=True&project_id=" + project,
            "all_projects=True",
            f"project_id={thief.login.project_id}&tenant_id={project}",
            f"visibility=all&owner={project}",
            "shared=true",
        )
        await asyncio.gather(*(look(thief, victim, p, q) for p in LISTED for q in queries))


async def test_the_id_of_somebody_elses_thing_opens_nothing(owners: list[Owner]) -> None:
    async def attack(thief: Owner, thing: Thing) -> None:
        shown = await shown_of(thief.login, thing)
        assert shown.status == 404, (str(thief.person), thing, shown)
        if thing.path in RENAMED:
            method, body = RENAMED[thing.path]
            where = f"{thing.path}/{thing.id}"
            changed = await thief.login.ask(method, thing.service, where, body)
            assert changed.status in (403, 404), (str(thief.person), thing, changed)
        gone = await thief.login.ask("DELETE", thing.service, f"{thing.path}/{thing.id}")
        assert gone.status in (403, 404), (str(thief.person), thing, gone)
        service, path = thing.service, LISTED[thing.path][1]
        by_id = await thief.login.ask("GET", service, f"{path}?id={thing.id}")
        after = await thief.login.ask("GET", service, f"{path}?marker={thing.id}&limit=5")
        for answer in (by_id, after):
            assert answer.status in (200, 400, 404), answer
            found = {item["id"] for item in items_of(answer, thing.path)} if answer.ok else set()
            assert thing.id not in found

    for thief, victim in namesakes(owners):
        await asyncio.gather(*(attack(thief, thing) for thing in victim.estate.things))
    for thief, victim in neighbours(owners):
        answers = await asyncio.gather(
            *(shown_of(thief.login, thing) for thing in victim.estate.things)
        )
        assert {answer.status for answer in answers} == {404}, answers
    for owner in owners:
        for thing in owner.estate.things:
            assert thing.is_it(await shown_of(owner.login, thing)), thing


async def test_somebody_elses_things_cannot_be_used(owners: list[Owner]) -> None:
    image, flavor = await equal_ones(owners[0].login)

    async def attack(thief: Owner, victim: Owner, site: str) -> None:
        def theirs(path: str) -> str:
            return victim.estate.of(path, site).id

        server = {"name": "parasite", "imageRef": image, "flavorRef": flavor}
        tries: list[tuple[str, str, dict[str, Any]]] = [
            ("network", "/ports", {"port": {"network_id": theirs("/networks")}}),
            (
                "network",
                "/subnets",
                {
                    "subnet": {
                        "network_id": theirs("/networks"),
                        "ip_version": 4,
                        "cidr": "10.9.0.0/24",
                    }
                },
            ),
            (
                "network",
                "/security-group-rules",
                {
                    "security_group_rule": {
                        "security_group_id": theirs("/security-groups"),
                        "direction": "ingress",
                    }
                },
            ),
            ("volume", "/snapshots", {"snapshot": {"volume_id": theirs("/volumes")}}),
            ("volume", "/volumes", {"volume": {"size": 1, "source_volid": theirs("/volumes")}}),
            (
                "compute",
                "/servers",
                {"server": {**server, "networks": [{"uuid": theirs("/networks")}]}},
            ),
            (
                "compute",
                "/servers",
                {"server": {**server, "networks": [{"port": theirs("/ports")}]}},
            ),
            (
                "compute",
                "/servers",
                {"server": {**server, "imageRef": theirs("/images"), "networks": []}},
            ),
            (
                "network",
                "/networks",
                {"network": {"name": "gift", "project_id": victim.login.project_id}},
            ),
            ("image", f"/images/{theirs('/images')}/members", {"member": thief.login.project_id}),
        ]
        for service, path, body in tries:
            answer = await thief.login.ask("POST", service, path, body, site=site)
            assert answer.status in (400, 403, 404), (str(thief.person), path, answer)
        upload = await thief.login.ask(
            "PUT",
            "image",
            f"/images/{theirs('/images')}/file",
            data=b"mine now",
            headers={"Content-Type": "application/octet-stream"},
        )
        assert upload.status in (403, 404), upload

    await asyncio.gather(
        *(attack(*pair, SITES[at % 2]) for at, pair in enumerate(namesakes(owners)))
    )


async def test_the_sites_own_ids_open_what_is_ones_own_and_nothing_else(
    owners: list[Owner], site_admins: dict[str, Login]
) -> None:
    tried = 0
    for at, owner in enumerate(owners):
        other = owners[at - 1]
        for site, admin in site_admins.items():
            thing = owner.estate.of("/networks", site)
            mac = await owner.login.get("network", f"/ports/{owner.estate.of('/ports', site).id}")
            mac = mac["port"]["mac_address"]
            port = (await admin.get("network", f"/ports?mac_address={mac}"))["ports"][0]
            local = port["network_id"]
            assert local != thing.id
            spelt = (local, local.upper(), local.replace("-", ""))
            for alias in spelt[:1]:
                mine = await owner.login.ask("GET", "network", f"/networks/{alias}")
                assert mine.status == 200, mine
                assert thing.is_it(mine), mine
            for alias in spelt:
                answers = await asyncio.gather(
                    other.login.ask("GET", "network", f"/networks/{alias}"),
                    other.login.ask("DELETE", "network", f"/networks/{alias}"),
                    other.login.ask("GET", "network", f"/ports/{port['id']}"),
                )
                assert [a.status for a in answers] == [404, 404, 404], (alias, answers)
                tried += 1
    assert tried == 3 * len(owners) * len(SITES)


async def test_parallel_first_logins_mix_nobody_up(owners: list[Owner]) -> None:
    async def once(owner: Owner) -> None:
        fresh = await owner.person.realm.login(owner.person.user, owner.person.project)
        answers = await asyncio.gather(
            fresh.ask("GET", "network", "/networks?name=net"),
            fresh.ask("GET", "volume", "/volumes?name=data"),
            fresh.ask("GET", "image", "/images?name=img"),
        )
        for answer, path in zip(answers, ("/networks", "/volumes", "/images"), strict=True):
            assert answer.status == 200, answer
            assert {item["id"] for item in items_of(answer, path)} == own_ids(owner, path)

    await asyncio.gather(*(once(owner) for owner in owners for _ in range(3)))
