"""Names and texts of things are the owner's: they come back as they went in, at every site, and are found."""

import asyncio
import base64
import uuid
from typing import Any
from urllib.parse import quote

import pytest

from tests.adversarial.alike import Everybody
from tests.adversarial.client import Answer, Login
from tests.adversarial.estate import equal_ones
from tests.adversarial.gateways import SITES

NAMES = (
    "a/b",
    "a;b",
    "a b  c",
    " in front and behind ",
    "日本語の名前",
    "🚀🛰️",
    "\u202eright to left\u202c שלום",
    "x" * 255,
    "x" * 256,
    "ü" * 255,
    "<script>alert(1)</script>&amp;",
    "../../etc/passwd",
    "%2F%00%zz",
    "two\nlines",
    "a\ttab",
    "quotes\"'`\\",
    "name@tokyo",
    "tokyo",
    "null",
    "",
    "{uuid}",
    "{hex}",
    "e\u0301 and \u00e9",
    "?limit=1&marker=x#y",
    "*",
    "in:a,b",
    "SELECT 1; --",
)
KINDS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "/networks": ("network", "network", "networks", {}),
    "/volumes": ("volume", "volume", "volumes", {"size": 1}),
    "/images": ("image", "", "images", {}),
    "/os-server-groups": ("compute", "server_group", "server_groups", {"policies": ["affinity"]}),
}
NAMELESS = "/os-server-groups"
"""Has no filter by name."""


def spelt(name: str) -> str:
    return name.format(uuid=uuid.uuid4(), hex=uuid.uuid4().hex) if "{" in name else name


async def _create(login: Login, path: str, name: str, site: str = "") -> Answer:
    service, key, _, fields = KINDS[path]
    new = {"name": name, **fields}
    return await login.ask("POST", service, path, {key: new} if key else new, site=site)


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("path", KINDS)
async def test_a_name_comes_back_as_it_went_in(everybody: Everybody, site: str, path: str) -> None:
    service, key, keys, _ = KINDS[path]
    member, local = everybody.member, everybody.sites[site]
    at_once = asyncio.Semaphore(4)

    async def one(name: str) -> int:
        async with at_once:
            made, there = await asyncio.gather(
                _create(member, path, name, site), _create(local, path, name)
            )
            assert made.status == there.status, (name, made, there)
            if not made.ok:
                assert made.status < 500 or made.raw == there.raw, (name, made)
                return 0
            shown = made.json[key] if key else made.json
            by_site = there.json[key] if key else there.json
            # A service may trim; we may not.
            assert shown["name"] == by_site["name"], (name, made)
            where = f"{path}/{shown['id']}"
            again = await member.get(service, where)
            assert (again[key] if key else again)["name"] == shown["name"]
            if path != NAMELESS:
                await _found(name, shown, by_site["id"])
            await asyncio.gather(
                _removed(member, service, where),
                _removed(local, service, f"{path}/{by_site['id']}"),
            )
            return 1

    async def _found(name: str, shown: dict[str, Any], local_id: str) -> None:
        query = f"?name={quote(shown['name'], safe='')}"
        ours, theirs = await asyncio.gather(
            member.ask("GET", service, path + query), local.ask("GET", service, path + query)
        )
        assert ours.status == theirs.status, (name, ours, theirs)
        if ours.ok:
            found = shown["id"] in [item["id"] for item in ours.json[keys]]
            assert found is (local_id in [item["id"] for item in theirs.json[keys]]), (name, ours)
        if name.strip("."):
            by_name = await member.ask("GET", service, f"{path}/{quote(name, safe='')}")
            assert by_name.status in (400, 404), (name, by_name)

    made = await asyncio.gather(*(one(spelt(name)) for name in NAMES))
    assert sum(made) > len(NAMES) / 2


async def _removed(login: Login, service: str, path: str) -> None:
    for _ in range(150):
        answer = await login.ask("DELETE", service, path)
        if answer.ok or answer.status == 404:
            return
        # A volume that is still being made.
        assert answer.status == 400, answer
        await asyncio.sleep(0.3)
    raise AssertionError(f"{path} cannot be deleted")


@pytest.mark.parametrize(
    "name", ["a/b", "日本", "key with spaces", "<b>", "name@tokyo", "%2F", "k" * 255]
)
async def test_a_keypair_is_found_by_any_name_that_nova_takes(
    everybody: Everybody, name: str
) -> None:
    member, local = everybody.member, everybody.sites["paris"]
    body = {"keypair": {"name": name}}
    made, there = await asyncio.gather(
        member.ask("POST", "compute", "/os-keypairs", body),
        local.ask("POST", "compute", "/os-keypairs", body),
    )
    assert made.status == there.status, (made, there)
    if not made.ok:
        assert made.status == 400
        return
    assert made.json["keypair"]["name"] == name
    listed = await member.get("compute", "/os-keypairs")
    assert name in [item["keypair"]["name"] for item in listed["keypairs"]]
    where = f"/os-keypairs/{quote(name, safe='')}"
    ours, theirs = await asyncio.gather(
        *(login.ask("GET", "compute", where) for login in (member, local))
    )
    assert ours.status == theirs.status, (ours, theirs)
    if ours.ok:
        assert ours.json["keypair"]["name"] == name
        gone = await member.ask("DELETE", "compute", where)
        assert gone.status in (202, 204), gone
        listed = await member.get("compute", "/os-keypairs")
        assert name not in [item["keypair"]["name"] for item in listed["keypairs"]]


@pytest.mark.parametrize("site", SITES)
async def test_free_text_that_holds_ids_is_never_altered(
    everybody: Everybody, site_admins: dict[str, Login], site: str
) -> None:
    member, admin = everybody.member, site_admins[site]
    mark = uuid.uuid4().hex[:8]
    new = {"network": {"name": f"text-{mark}"}}
    net = (await member.do("POST", "network", "/networks", new, site=site))["network"]
    local = (await admin.get("network", f"/networks?name=text-{mark}"))["networks"][0]["id"]
    link = f"{admin.bases['network']}/x/{local}"
    text = f"{net['id']} {local} {net['id'].replace('-', '')} {member.project_id} {link}"
    short = {"global": net["id"], "local": local, net["id"]: "key", local: member.project_id}

    # Networks: description and tags.
    described = {"network": {"description": text}}
    await member.do("PUT", "network", f"/networks/{net['id']}", described)
    tags = sorted([net["id"], local, member.project_id])
    await member.do("PUT", "network", f"/networks/{net['id']}/tags", {"tags": tags})
    for login, network_id in ((member, net["id"]), (admin, local)):
        shown = (await login.get("network", f"/networks/{network_id}"))["network"]
        assert shown["description"] == text
        assert sorted(shown["tags"]) == tags

    # Volumes: description and metadata.
    volume = {"name": f"text-{mark}", "size": 1, "description": text, "metadata": short}
    made = (await member.do("POST", "volume", "/volumes", {"volume": volume}, site=site))["volume"]
    path = f"/volumes/detail?all_tenants=1&name=text-{mark}"
    for shown in (
        (await member.get("volume", f"/volumes/{made['id']}"))["volume"],
        (await admin.get("volume", path))["volumes"][0],
    ):
        assert (shown["description"], shown["metadata"]) == (text, short)

    # Images: properties and tags.
    image = {"name": f"text-{mark}", "tags": tags, "my_global": net["id"], "my_local": local}
    made = await member.do("POST", "image", "/images", image, site=site)
    path = f"/images?visibility=all&name=text-{mark}"
    for shown in (
        await member.get("image", f"/images/{made['id']}"),
        (await admin.get("image", path))["images"][0],
    ):
        assert (shown["my_global"], shown["my_local"]) == (net["id"], local)
        assert sorted(shown["tags"]) == tags

    # Servers: metadata, user data, tags, description.
    image_id, flavor = await equal_ones(member)
    user_data = base64.b64encode(f"#!/bin/sh\necho {text}\n".encode()).decode()
    server = {
        "name": f"text-{mark}",
        "imageRef": image_id,
        "flavorRef": flavor,
        "networks": "none",
        "metadata": short,
        "user_data": user_data,
        "tags": [net["id"], local],
        "description": text,
    }
    body = {"server": server}
    made = (await member.do("POST", "compute", "/servers", body, site=site, version="2.52"))[
        "server"
    ]
    path = f"/servers/detail?all_tenants=1&name=text-{mark}"
    for shown in (
        (await member.get("compute", f"/servers/{made['id']}", version="2.52"))["server"],
        (await admin.get("compute", path, version="2.52"))["servers"][0],
    ):
        assert shown["metadata"] == short
        assert sorted(shown["tags"]) == sorted([net["id"], local])
        assert shown["description"] == text
        if "OS-EXT-SRV-ATTR:user_data" in shown:
            assert shown["OS-EXT-SRV-ATTR:user_data"] == user_data
    more = {"metadata": {"again": text, local: local}}
    answer = await member.ask("POST", "compute", f"/servers/{made['id']}/metadata", more)
    for _ in range(200):
        if answer.status != 409:
            break
        # Still being built.
        await asyncio.sleep(0.3)
        answer = await member.ask("POST", "compute", f"/servers/{made['id']}/metadata", more)
    assert answer.ok, answer
    kept = (await member.get("compute", f"/servers/{made['id']}/metadata"))["metadata"]
    assert kept == {**short, **more["metadata"]}
    one = await member.get("compute", f"/servers/{made['id']}/metadata/{local}")
    assert one["meta"] == {local: local}


@pytest.mark.parametrize("site", SITES)
async def test_texts_of_any_kind_come_back(everybody: Everybody, site: str) -> None:
    member = everybody.member
    for text in ("", "<b>&amp;</b>", "日本", "a\nb\r\nc\td", "\u202e", "%s %d {x}", "x" * 255):
        new = {"network": {"name": "described", "description": text}}
        made = (await member.do("POST", "network", "/networks", new, site=site))["network"]
        assert made["description"] == text
        shown = (await member.get("network", f"/networks/{made['id']}"))["network"]
        assert shown["description"] == text
        await member.do("DELETE", "network", f"/networks/{made['id']}")
