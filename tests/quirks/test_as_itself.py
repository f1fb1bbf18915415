"""A real Nova that is asked in an older microversion is an older site.

Lifted, it has to say what it says itself when it is asked in the newer one.
"""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapters.lifting import Lifting
from adapters.profile import Profile, in_force, parsed
from adapters.quirk import Asked, Said
from adapters.registry import all_quirks
from tests.e2e.api import Api, cloud

SITE = "paris"
FLAVOR = {"name": "x", "ram": 1, "vcpus": 1, "disk": 1}


@dataclass
class Nova:
    """The real one, with a server, two volumes and names that are nobody else's."""

    api: Api
    mark: str
    server: str
    volumes: list[str]

    async def older(self, own: str, asked_for: str, asked: Asked) -> Said:
        """Its answer where it has only the microversion `own`."""
        quirks = in_force(Profile(parsed(own)), parsed(asked_for), all_quirks()["compute"])
        assert quirks

        async def ask(question: Asked) -> Said:
            return self.itself(own, question)

        return await Lifting().answer(quirks, asked, ask, (SITE, ""))

    def itself(self, microversion: str, asked: Asked) -> Said:
        """Its own answer."""
        path = f"{asked.path}?{asked.query}" if asked.query else asked.path
        answer = self.api.call(asked.method, "compute", path, asked.body, microversion=microversion)
        is_json = answer.content and "json" in answer.headers["Content-Type"]
        return Said(answer.status_code, answer.json() if is_json else None)

    def make_group(self, policy: str) -> str:
        body = {"server_group": {"name": self.mark, "policies": [policy]}}
        made = self.api.do("POST", "compute", "/os-server-groups", body, microversion="2.1")
        return str(made["server_group"]["id"])


@pytest.fixture(scope="module")
def nova(lab: Path) -> Iterator[Nova]:
    api, mark = cloud(lab, f"{SITE}-admin"), f"quirk-{uuid.uuid4().hex[:8]}"
    image = api.get("image", "/v2/images?name=cirros")["images"][0]["id"]
    body = {"name": mark, "imageRef": image, "flavorRef": "1", "networks": "none"}
    made = api.do("POST", "compute", "/servers", {"server": body}, microversion="2.37")["server"]
    path = "/volumes"
    volumes = [
        api.do("POST", "block-storage", path, {"volume": {"size": 1, "name": mark}})["volume"]["id"]
        for _ in range(2)
    ]
    nova = Nova(api, mark, made["id"], volumes)
    try:
        _until(lambda: api.get("compute", f"/servers/{nova.server}")["server"]["status"], "ACTIVE")
        for volume in volumes:
            _until(lambda: _volume(api, volume)["status"], "available")  # noqa: B023
        yield nova
    finally:
        api.call("DELETE", "compute", f"/servers/{nova.server}")
        for volume in volumes:
            _until(lambda: _volume(api, volume)["status"], "available")  # noqa: B023
            api.call("DELETE", "block-storage", f"{path}/{volume}")
        groups = api.get("compute", "/os-server-groups")["server_groups"]
        for group in groups:
            if group["name"] == mark:
                api.call("DELETE", "compute", f"/os-server-groups/{group['id']}")
        api.close()


def _volume(api: Api, volume: str) -> Any:
    return api.get("block-storage", f"/volumes/{volume}")["volume"]


def _until(look: Any, wanted: str) -> None:
    deadline = time.monotonic() + 60
    while (found := look()) != wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.3)


def without_specs(said: Said) -> Any:
    """An answer without the extra specs of flavors in it, which an older site cannot know."""
    servers = said.body.get("servers") or [said.body["server"]]
    for server in servers:
        server["flavor"].pop("extra_specs", None)
    return said


async def test_servers_show_their_flavor(nova: Nova) -> None:
    for path, query in (
        (f"/servers/{nova.server}", ""),
        ("/servers/detail", f"name={nova.mark}"),
        ("/servers/detail", f"name={nova.mark}&limit=1"),
    ):
        asked = Asked("GET", path, query)
        lifted, real = await nova.older("2.46", "2.47", asked), nova.itself("2.47", asked)
        assert "extra_specs" not in str(lifted.body)
        if "limit" in query:
            # Where the link leads is for the gateway to say.
            assert lifted.body.pop("servers_links")[0]["rel"] == "next"
            assert real.body.pop("servers_links")[0]["rel"] == "next"
        assert lifted == without_specs(real)
    asked = Asked("PUT", f"/servers/{nova.server}", "", {"server": {"name": nova.mark}})
    lifted, real = await nova.older("2.46", "2.47", asked), nova.itself("2.47", asked)
    lifted.body["server"].pop("updated")
    real.body["server"].pop("updated")
    assert lifted == without_specs(real)


async def test_servers_have_no_tags(nova: Nova) -> None:
    one, name = f"/servers/{nova.server}", f"name={nova.mark}"
    for asked in (
        Asked("GET", one),
        Asked("GET", "/servers/detail", name),
        Asked("GET", "/servers", f"{name}&tags=a"),
        Asked("GET", "/servers/detail", f"{name}&tags-any=a,b"),
        Asked("GET", "/servers/detail", f"{name}&not-tags=a"),
        Asked("GET", "/servers", f"{name}&not-tags-any=a"),
        Asked("GET", f"{one}/tags"),
    ):
        lifted = await nova.older("2.25", "2.26", asked)
        assert lifted == nova.itself("2.26", asked), asked
    asked = Asked("GET", f"/servers/{uuid.uuid4()}/tags")
    lifted, real = await nova.older("2.25", "2.26", asked), nova.itself("2.26", asked)
    assert lifted.status == real.status == 404
    asked = Asked("GET", f"{one}/tags/a")
    lifted, real = await nova.older("2.25", "2.26", asked), nova.itself("2.26", asked)
    assert (lifted.status, real.status) == (404, 404)
    assert lifted.refusal == real.body["itemNotFound"]["message"]


async def test_server_groups_have_a_policy(nova: Nova) -> None:
    group = nova.make_group("anti-affinity")
    listed = Asked("GET", "/os-server-groups")
    shown = Asked("GET", f"/os-server-groups/{group}")
    assert await nova.older("2.63", "2.64", shown) == nova.itself("2.64", shown)
    ours, theirs = await nova.older("2.63", "2.64", listed), nova.itself("2.64", listed)
    found = [
        [each for each in said.body["server_groups"] if each["name"] == nova.mark]
        for said in (ours, theirs)
    ]
    assert found[0] == found[1] != []

    new = {"name": nova.mark, "policy": "affinity"}
    made = [
        await nova.older("2.63", "2.64", Asked("POST", "/os-server-groups", "", body))
        for body in ({"server_group": new}, {"server_group": {**new, "rules": {}}})
    ]
    for each in made:
        body = each.body["server_group"]
        again = nova.itself("2.64", Asked("GET", f"/os-server-groups/{body['id']}"))
        assert each == again


@pytest.mark.parametrize(
    "group",
    [
        {"policy": "anti-affinity", "rules": {"max_server_per_host": 2}},
        {"policy": "affinity", "rules": {"max_server_per_host": 2}},
        {"policies": ["affinity"]},
        {"policy": "affinity", "policies": ["affinity"]},
        {"policy": None},
        {},
    ],
)
async def test_groups_that_cannot_be_made_are_refused(nova: Nova, group: dict[str, Any]) -> None:
    body = {"server_group": {"name": nova.mark, **group}}
    said = await nova.older("2.63", "2.64", Asked("POST", "/os-server-groups", "", body))
    assert said.status == 400


async def test_attaching_a_volume_says_no_more_than_that(nova: Nova) -> None:
    path = f"/servers/{nova.server}/os-volume_attachments"
    said = []
    for volume, ask in zip(nova.volumes, ("older", "itself"), strict=True):
        asked = Asked("POST", path, "", {"volumeAttachment": {"volumeId": volume}})
        if ask == "older":
            said.append(await nova.older("2.100", "2.101", asked))
        else:
            said.append(nova.itself("2.101", asked))
    assert said[0] == said[1] == Said(202)
    for volume in nova.volumes:
        _until(lambda: _volume(nova.api, volume)["status"], "in-use")  # noqa: B023
        nova.api.do("DELETE", "compute", f"{path}/{volume}")


@pytest.mark.parametrize("path", ["/flavors", "/flavors/detail"])
@pytest.mark.parametrize(
    "query",
    [
        "",
        "name=m1.tiny",
        "name=m1.nano&name=m1.tiny",
        "name=",
        "name=M1.TINY",
        "name=nonsense",
        "limit=1&name=m1.tiny",
        "limit=1&name=m1.nano",
        "limit=2",
        "name=m1.small&sort_key=name&sort_dir=desc",
        "name=m1.tiny&minRam=100000",
    ],
)
async def test_flavors_are_found_by_name(nova: Nova, path: str, query: str) -> None:
    asked = Asked("GET", path, query)
    lifted, real = await nova.older("2.100", "2.102", asked), nova.itself("2.102", asked)
    links = [said.body.pop("flavors_links", []) for said in (lifted, real)]
    assert lifted == real
    # Nova says that more may follow where a page is full; lifted, it is known better.
    assert len(links[0]) <= len(links[1])


@pytest.mark.parametrize(
    "asked",
    [
        Asked("GET", "/flavors", "foo=1"),
        Asked("GET", "/flavors", "sort_key=rxtx_factor"),
        Asked("GET", "/flavors/1", "foo=1&bar=2"),
        Asked("GET", "/os-aggregates", "foo"),
        Asked("GET", "/os-availability-zone/detail", "foo=1"),
        Asked("POST", "/flavors", "", {"flavor": {**FLAVOR, "rxtx_factor": 1.0}}),
        Asked("GET", "/os-volumes_boot"),
        Asked("GET", "/os-volumes_boot/detail"),
        Asked("POST", "/os-volumes_boot", "", {"server": {}}),
    ],
    ids=lambda asked: f"{asked.method} {asked.path}?{asked.query}",
)
async def test_what_a_newer_one_refuses(nova: Nova, asked: Asked) -> None:
    lifted, real = await nova.older("2.100", "2.104", asked), nova.itself("2.104", asked)
    (error,) = real.body.values()
    said = lifted.refusal or lifted.body["badRequest"]["message"]
    assert (lifted.status, said) == (real.status, error["message"])


@pytest.mark.parametrize(
    ("own", "asked_for", "asked"),
    [
        (
            "2.51",
            "2.52",
            Asked("POST", "/servers", "", {"server": {"name": "x", "tags": ["a"]}}),
        ),
        (
            "2.103",
            "2.104",
            Asked("PUT", "/servers/{server}", "", {"server": {"pinned_availability_zone": None}}),
        ),
    ],
)
async def test_what_an_older_one_refuses_itself(
    nova: Nova, own: str, asked_for: str, asked: Asked
) -> None:
    asked = Asked(asked.method, asked.path.format(server=nova.server), "", asked.body)
    said = await nova.older(own, asked_for, asked)
    assert said == nova.itself(own, asked)
    assert said.status == 400


async def test_a_flavor_shown_by_itself(nova: Nova) -> None:
    asked = Asked("GET", "/flavors/2")
    assert await nova.older("2.100", "2.102", asked) == nova.itself("2.102", asked)
    assert await nova.older("2.100", "2.104", asked) == nova.itself("2.104", asked)


@pytest.mark.parametrize("fields", ["", "fields=id", "fields=name&fields=router:external"])
@pytest.mark.parametrize("words", ["", "router:external=true", "router:external=False"])
async def test_subnets_know_whether_they_are_external(nova: Nova, fields: str, words: str) -> None:
    (quirk,) = in_force(Profile(extensions=frozenset()), None, all_quirks()["network"])

    async def ask(question: Asked) -> Said:
        said = itself(question)
        for subnet in said.body.get("subnets", []):
            subnet.pop("router:external", None)
        assert question.path == "/networks" or not question.words("router:external")
        return said

    def itself(question: Asked) -> Said:
        path = f"/v2.0{question.path}?{question.query}"
        return Said(200, nova.api.get("network", path))

    query = "&".join(filter(None, (fields, words)))
    asked = Asked("GET", "/subnets", query)
    lifted = await Lifting().answer((quirk,), asked, ask, (SITE, ""))
    assert lifted == itself(asked)
