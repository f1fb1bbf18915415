"""What happens at a site without the gateway: things come and go there, and clients are told the truth."""

import asyncio
import time
import uuid
from typing import Any

import pytest
import pytest_asyncio

from tests.adversarial.client import Answer, Login
from tests.adversarial.estate import Estate, Thing, new_estate, shown_of
from tests.adversarial.gateways import SITES
from tests.adversarial.realm import Realm

LISTED = {
    "/networks": "networks",
    "/subnets": "subnets",
    "/ports": "ports",
    "/security-groups": "security_groups",
    "/volumes": "volumes",
    "/images": "images",
    "/servers": "servers",
}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def estate(realm: Realm) -> Estate:
    """One of everything at each site."""
    await realm.project("behind")
    await realm.user("bea", behind="member")
    return await new_estate(await realm.login("bea", "behind"))


async def local_id(admin: Login, thing: Thing) -> str:
    """The ID that the site itself has for a thing; names are unique."""
    query = {
        "/servers": "all_tenants=1&",
        "/volumes": "all_tenants=1&",
        "/images": "visibility=all&",
    }.get(thing.path, "")
    listed = await admin.get(thing.service, f"{thing.path}?{query}name={thing.name}")
    (item,) = listed[LISTED[thing.path]]
    return str(item["id"])


async def site_project(admin: Login, home_project: str) -> str:
    found = await admin.get("identity", f"/projects?tags=federator-home-{home_project}")
    return str(found["projects"][0]["id"])


@pytest.mark.parametrize("site", SITES)
async def test_the_sites_own_id_is_an_alias(
    estate: Estate, site_admins: dict[str, Login], site: str
) -> None:
    owner = estate.owner
    for thing in estate.things:
        if thing.site != site:
            continue
        local = await local_id(site_admins[site], thing)
        assert local != thing.id
        for spelt in (local, local.upper()) if thing.path == "/networks" else (local,):
            answer = await owner.ask("GET", thing.service, f"{thing.path}/{spelt}")
            if spelt == local:
                assert answer.status == 200, answer
                assert thing.is_it(answer), answer
            assert answer.status in (200, 404), answer
    # In bodies and queries too.
    net = estate.of("/networks", site)
    local = await local_id(site_admins[site], net)
    made = await owner.do("POST", "network", "/ports", {"port": {"network_id": local}})
    assert made["port"]["network_id"] == net.id
    listed = await owner.get("network", f"/ports?network_id={local}")
    assert made["port"]["id"] in [port["id"] for port in listed["ports"]]
    assert {port["network_id"] for port in listed["ports"]} == {net.id}
    await owner.do("DELETE", "network", f"/ports/{made['port']['id']}")


@pytest.mark.parametrize("site", SITES)
async def test_what_was_made_at_the_site_is_there_at_once(
    estate: Estate, site_admins: dict[str, Login], site: str
) -> None:
    owner, admin = estate.owner, site_admins[site]
    project = await site_project(admin, owner.project_id)
    name = f"direct-{uuid.uuid4().hex[:8]}"
    net = {"network": {"name": name, "project_id": project}}
    local = (await admin.do("POST", "network", "/networks", net))["network"]["id"]
    group = {"security_group": {"name": name, "project_id": project}}
    await admin.do("POST", "network", "/security-groups", group)
    image = {"name": name, "owner": project, "visibility": "private"}
    await admin.do("POST", "image", "/images", image)
    for service, path in (
        ("network", "/networks"),
        ("network", "/security-groups"),
        ("image", "/images"),
    ):
        listed = (await owner.get(service, path))[LISTED[path]]
        (item,) = [each for each in listed if each["name"] == name]
        thing = Thing(service, path, {"image": ""}.get(service, path[1:-1]), item["id"], name, site)
        thing = _keyed(thing)
        assert item["id"] != local
        assert owner.project_id in (item.get("project_id"), item.get("owner"))
        assert thing.is_it(await shown_of(owner, thing))
        (found,) = (await owner.get(service, f"{path}?name={name}"))[LISTED[path]]
        assert found["id"] == thing.id
        assert (await owner.ask("DELETE", service, f"{path}/{thing.id}")).status == 204


def _keyed(thing: Thing) -> Thing:
    keys = {"/networks": "network", "/security-groups": "security_group", "/images": ""}
    return Thing(thing.service, thing.path, keys[thing.path], thing.id, thing.name, thing.site)


async def test_an_alias_that_was_never_shown_is_known_once_it_was(
    estate: Estate, site_admins: dict[str, Login]
) -> None:
    owner, admin = estate.owner, site_admins["tokyo"]
    project = await site_project(admin, owner.project_id)
    net = {"network": {"name": "never-shown", "project_id": project}}
    local = (await admin.do("POST", "network", "/networks", net))["network"]["id"]
    before = await owner.ask("GET", "network", f"/networks/{local}")
    # Whether it is found right away is open; another object must not be.
    assert before.status in (200, 404), before
    listed = (await owner.get("network", "/networks?name=never-shown"))["networks"]
    deadline = time.monotonic() + 30
    while True:
        after = await owner.ask("GET", "network", f"/networks/{local}")
        if after.status == 200:
            break
        assert after.status == 404, after
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)
    assert after.json["network"]["id"] == listed[0]["id"] != local
    await owner.do("DELETE", "network", f"/networks/{listed[0]['id']}")


@pytest.mark.parametrize("site", SITES)
async def test_what_was_deleted_at_the_site_is_gone_in_the_sites_own_words(
    estate: Estate, site_admins: dict[str, Login], site: str
) -> None:
    owner, admin = estate.owner, site_admins[site]
    doomed = Estate(owner)
    net = await doomed.make("network", "/networks", "network", site)
    await doomed.make("network", "/security-groups", "security_group", site)
    await doomed.make("image", "/images", "", site)
    locals_ = {}
    for thing in doomed.things:
        assert thing.is_it(await shown_of(owner, thing))
        locals_[thing] = await local_id(admin, thing)
        await admin.do("DELETE", thing.service, f"{thing.path}/{locals_[thing]}")
    for thing in doomed.things:
        for method in ("GET", "DELETE", "GET"):
            answer = await owner.ask(method, thing.service, f"{thing.path}/{thing.id}")
            _is_gone(answer, thing.id, locals_[thing])
        answer = await owner.ask("GET", thing.service, f"{thing.path}/{locals_[thing]}")
        _is_gone(answer, locals_[thing], thing.id)
        listed = (await owner.get(thing.service, thing.path))[LISTED[thing.path]]
        assert thing.id not in [item["id"] for item in listed]
    body: dict[str, Any] = {"port": {"network_id": net.id}}
    answer = await owner.ask("POST", "network", "/ports", body)
    _is_gone(answer, net.id, locals_[net])
    body = {"network": {"name": "x"}}
    answer = await owner.ask("PUT", "network", f"/networks/{net.id}", body)
    _is_gone(answer, net.id, locals_[net])


def _is_gone(answer: Answer, said: str, unsaid: str) -> None:
    """The site's 404, with the ID that the client said and not the one that it did not."""
    assert answer.status == 404, answer
    assert said.encode() in answer.raw, answer
    assert unsaid.encode() not in answer.raw, answer


async def test_a_thing_that_was_renamed_at_the_site_has_its_new_name(
    estate: Estate, site_admins: dict[str, Login]
) -> None:
    for site in SITES:
        thing = estate.of("/security-groups", site)
        local = await local_id(site_admins[site], thing)
        path = f"/security-groups/{local}"
        for name in ("renamed", thing.name):
            body = {"security_group": {"name": name}}
            await site_admins[site].do("PUT", "network", path, body)
            shown = await estate.owner.get("network", f"/security-groups/{thing.id}")
            assert shown["security_group"]["name"] == name
            listed = await estate.owner.get("network", f"/security-groups?name={name}")
            assert [g["id"] for g in listed["security_groups"]] == [thing.id]


async def test_things_at_two_sites_cannot_be_joined(estate: Estate) -> None:
    owner = estate.owner

    def at(path: str, site: str) -> str:
        return estate.of(path, site).id

    images = (await owner.get("image", "/images?name=cirros"))["images"]
    server = {"name": "torn", "imageRef": images[0]["id"], "flavorRef": "1"}
    paris_net, tokyo_net = at("/networks", "paris"), at("/networks", "tokyo")
    torn: list[tuple[str, str, dict[str, Any]]] = [
        (
            "compute",
            "/servers",
            {"server": {**server, "networks": [{"uuid": paris_net}, {"uuid": tokyo_net}]}},
        ),
        (
            "compute",
            "/servers",
            {
                "server": {
                    **server,
                    "networks": [{"uuid": paris_net, "port": at("/ports", "tokyo")}],
                }
            },
        ),
        (
            "network",
            "/ports",
            {
                "port": {
                    "network_id": paris_net,
                    "security_groups": [at("/security-groups", "tokyo")],
                }
            },
        ),
        (
            "compute",
            f"/servers/{at('/servers', 'paris')}/os-volume_attachments",
            {"volumeAttachment": {"volumeId": at("/volumes", "tokyo")}},
        ),
        (
            "compute",
            f"/servers/{at('/servers', 'paris')}/os-interface",
            {"interfaceAttachment": {"port_id": at("/ports", "tokyo")}},
        ),
        (
            "volume",
            "/volumes",
            {
                "volume": {
                    "size": 1,
                    "source_volid": at("/volumes", "tokyo"),
                    "availability_zone": "paris",
                }
            },
        ),
        (
            "compute",
            "/servers",
            {"server": {**server, "networks": [{"uuid": paris_net}], "availability_zone": "tokyo"}},
        ),
        (
            "compute",
            "/servers",
            {
                "server": {
                    **server,
                    "networks": [{"uuid": tokyo_net}],
                    "availability_zone": "paris.nova",
                }
            },
        ),
    ]
    before = await _counts(owner)
    for service, path, body in torn:
        answer = await owner.ask("POST", service, path, body)
        assert answer.status == 400, answer
        _in_shape(service, answer)
        said = str(answer.json)
        assert "paris" in said, answer
        assert "tokyo" in said, answer
    port = {"port": {"network_id": tokyo_net}}
    for site, status in (("paris", 400), ("nowhere", 400), ("", 201), ("tokyo", 201)):
        answer = await owner.ask("POST", "network", "/ports", port, site=site)
        assert answer.status == status, answer
        if answer.ok:
            await owner.do("DELETE", "network", f"/ports/{answer.json['port']['id']}")
        else:
            _in_shape("network", answer)
    shown = await owner.ask("GET", "network", f"/networks/{tokyo_net}", site="paris")
    assert shown.status == 404, shown
    update = {"port": {"security_groups": [at("/security-groups", "tokyo")]}}
    answer = await owner.ask("PUT", "network", f"/ports/{at('/ports', 'paris')}", update)
    assert answer.status == 400, answer
    assert await _counts(owner) == before


def _in_shape(service: str, answer: Answer) -> None:
    if service == "network":
        assert set(answer.json["NeutronError"]) == {"type", "message", "detail"}
    else:
        assert set(answer.json["badRequest"]) == {"code", "message"}


async def _counts(login: Login) -> list[int]:
    kinds = (("compute", "/servers"), ("network", "/ports"), ("volume", "/volumes"))
    return [len((await login.get(*kind))[LISTED[kind[1]]]) for kind in kinds]
