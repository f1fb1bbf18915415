"""A site that never answers: what is shown of it, and what is not done to it.

Once it is frozen, accepts connections and says nothing; once it is cut off, and all that is sent to it is lost.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import redis
import requests

from tests.e2e.api import Api
from tests.e2e.waiting import until
from tests.missing_site.conftest import World
from tests.missing_site.things import (
    KINDS,
    LEAVES,
    STAYS,
    Things,
    Usage,
    boot,
    new_parts,
    new_things,
)

pytestmark = pytest.mark.alone

QUOTAS = {
    "compute": "/limits",
    "block-storage": "/limits",
    "network": "/v2.0/quotas/{project}",
}
NOBODYS = "0f0e0d0c-0b0a-4908-8706-050403020100"

every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def api(world: World) -> Iterator[Api]:
    with world.client() as api:
        yield api


@pytest.fixture(scope="module")
def stays(world: World, api: Api) -> str:
    """A server at the site that stays."""
    return str(boot(api, STAYS, "stays")["id"])


@pytest.fixture(scope="module")
def numbers(world: World, api: Api) -> dict[str, Any]:
    """What the sites together allow, while both are there."""
    return {service: _numbers(api, service) for service in QUOTAS}


@pytest.fixture(scope="module")
def left(api: Api, stays: str, numbers: dict[str, Any]) -> Things:
    """What is at the site that leaves."""
    return new_things(api, "leaves")


@pytest.fixture(scope="module")
def parts(api: Api, left: Things) -> dict[str, str]:
    """What is not remembered, and is there: a server group, and a rule."""
    return new_parts(api, left)


@pytest.fixture(scope="module")
def usage(world: World, api: Api, left: Things) -> Usage:
    """It, once the upkeep has read it of the site that leaves."""
    end = datetime.now(UTC).replace(tzinfo=None)
    query = f"start={(end - timedelta(days=7)).isoformat()}&end={end.isoformat()}"
    with redis.Redis.from_url(world.fleet.redis.url) as client:

        def known() -> bool:
            # Its turn to be read may have been a moment too early: it has another one until it is there.
            client.delete(f"federator:turn:numbers:{LEAVES}:{api.project_id}")
            kept = [client.hvals(key) for key in client.scan_iter("federator:sitedoc:*:numbers:*")]
            told = [json.loads(each) for values in kept for each in values]
            return any(
                seen > end.replace(tzinfo=UTC).timestamp() and left.server in str(body)
                for seen, body in told
            )

        until(known, "the upkeep has read what was used")
    return Usage.now(api, f"/os-simple-tenant-usage/{api.project_id}?{query}")


@pytest.fixture(scope="module", params=["frozen", "cut off"])
def things(
    request: pytest.FixtureRequest,
    world: World,
    api: Api,
    left: Things,
    parts: dict[str, str],
    usage: Usage,
) -> Iterator[Things]:
    """What was at the site, which never answers from here on."""
    with world.frozen() if request.param == "frozen" else world.cut_off():
        # Each service finds out by itself; afterwards nobody waits any more.
        services = ("compute", "block-storage", "image", "network")
        paths = [next(path for of, path, _ in KINDS.values() if of == each) for each in services]
        with ThreadPoolExecutor() as pool:
            first = list(pool.map(partial(api.call, "GET"), services, paths))
        until(lambda: world.away() >= set(services), "away")
        # Those who were on their way have their answer like all others.
        named = [each.headers.get("X-Federation-Missing-Sites") for each in first]
        assert [each.status_code for each in first] == [200] * len(services)
        assert named == [LEAVES] * len(services)
        yield left
    until(lambda: not world.away(), "the site is back")


once = pytest.mark.parametrize("things", ["frozen"], indirect=True)
"""For what is as it is however the site went."""


def _numbers(api: Api, service: str) -> Any:
    return api.get(service, QUOTAS[service].format(project=api.project_id))


@every_kind
def test_a_list_names_the_site_and_shows_what_was_there(
    things: Things, api: Api, kind: str
) -> None:
    service, path, keys = KINDS[kind]
    response = api.call("GET", service, path)
    assert response.status_code == 200
    assert response.headers["X-Federation-Missing-Sites"] == LEAVES
    assert response.headers["X-Federation-Last-Known"].startswith(f"{LEAVES} 20")
    assert getattr(things, kind) in [each["id"] for each in response.json()[keys]]


@every_kind
def test_what_was_there_is_shown_by_its_id(things: Things, api: Api, kind: str) -> None:
    service, path, _ = KINDS[kind]
    response = api.call("GET", service, f"{path}/{getattr(things, kind)}")
    assert response.status_code == 200
    assert response.headers["X-Federation-Missing-Sites"] == LEAVES
    shown = response.json()
    assert shown.get(kind, shown)["id"] == getattr(things, kind)


@once
@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("compute", "/servers/{server}/os-interface"),
        ("compute", "/servers/{server}/os-volume_attachments"),
        ("compute", "/servers/{server}/metadata"),
        ("compute", "/os-server-groups/{group}"),
        ("block-storage", "/volumes/{volume}/metadata"),
        ("image", "/v2/images/{image}/members"),
        ("network", "/v2.0/networks/{network}/tags"),
        ("network", "/v2.0/security-group-rules/{rule}"),
    ],
)
def test_what_is_not_remembered_is_not_said_to_be_gone(
    things: Things, api: Api, parts: dict[str, str], service: str, path: str
) -> None:
    """Terraform and others take 404 for deleted, and make the thing again."""
    response = api.call("GET", service, path.format(**vars(things), **parts))
    assert response.status_code == 503
    assert response.headers["Retry-After"]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "floatingip"])
def test_a_list_by_name_finds_what_was_there_and_only_that(
    things: Things, api: Api, kind: str
) -> None:
    service, path, keys = KINDS[kind]
    found = api.get(service, f"{path}?name={things.name}")[keys]
    assert [each["id"] for each in found] == [getattr(things, kind)]
    assert api.get(service, f"{path}?name=nothing-of-this-name")[keys] == []


@once
@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("compute", "/servers?tags=blue"),
        ("network", "/v2.0/networks?tags=blue"),
        ("image", "/v2/images?tag=blue"),
        ("block-storage", "/volumes?metadata={'a':'b'}"),
    ],
)
def test_a_filter_that_nobody_can_apply_is_not_answered(
    things: Things, api: Api, service: str, path: str
) -> None:
    response = api.call("GET", service, path)
    assert response.status_code == 503
    assert response.headers["Retry-After"]


@once
@pytest.mark.parametrize("microversion", ["2.1", "2.46", "2.47", "2.69", "latest"])
@pytest.mark.parametrize("path", ["/servers", "/servers/detail", "/servers/{id}"])
def test_its_servers_are_unknown_in_every_microversion(
    things: Things, api: Api, microversion: str, path: str
) -> None:
    found = api.get("compute", path.format(id=things.server), microversion=microversion)
    shown = found["servers"] if "servers" in found else [found["server"]]
    server = next(each for each in shown if each["id"] == things.server)
    assert server["status"] == "UNKNOWN"
    if path != "/servers":
        flavor = server["flavor"]
        if microversion in ("2.1", "2.46"):
            assert flavor["id"] == "1"
        else:
            assert flavor["original_name"] == "m1.nano"


def test_the_other_sites_servers_are_as_ever(things: Things, api: Api, stays: str) -> None:
    found = api.get("compute", "/servers/detail")["servers"]
    assert {each["id"]: each["status"] for each in found} == {
        stays: "ACTIVE",
        things.server: "UNKNOWN",
    }


@once
def test_servers_are_found_by_the_status_they_show_or_had(things: Things, api: Api) -> None:
    for status in ("UNKNOWN", "ACTIVE"):
        found = api.get("compute", f"/servers?status={status}")["servers"]
        assert things.server in [each["id"] for each in found], status
    assert api.get("compute", "/servers?status=ERROR")["servers"] == []


def test_an_unknown_id_is_not_found(things: Things, api: Api) -> None:
    for service, path, _ in KINDS.values():
        assert api.call("GET", service, f"{path}/{NOBODYS}").status_code == 404


@every_kind
def test_a_delete_is_refused_for_now(things: Things, api: Api, kind: str) -> None:
    service, path, _ = KINDS[kind]
    response = api.call("DELETE", service, f"{path}/{getattr(things, kind)}")
    assert response.status_code == 503
    assert response.headers["Retry-After"]


def test_a_create_there_is_refused_for_now_and_elsewhere_it_works(things: Things, api: Api) -> None:
    body = {"network": {"name": "new"}}
    there = api.call("POST", "network", "/v2.0/networks", body, site=LEAVES)
    assert there.status_code == 503
    assert there.headers["Retry-After"]
    refers = {"port": {"network_id": things.network}}
    assert api.call("POST", "network", "/v2.0/ports", refers).status_code == 503
    assert api.call("POST", "network", "/v2.0/networks", body, site=STAYS).status_code == 201


@pytest.mark.parametrize("service", QUOTAS)
def test_numbers_count_the_site_with_what_it_told_last(
    things: Things, api: Api, numbers: dict[str, Any], service: str
) -> None:
    now = _numbers(api, service)
    assert _limits(now) == _limits(numbers[service])


@once
def test_usage_counts_the_site_with_what_it_told_last(
    things: Things, api: Api, stays: str, usage: Usage
) -> None:
    counted = {each["instance_id"]: each["hours"] for each in usage.used["server_usages"]}
    assert counted.keys() == {stays, things.server}
    assert all(counted.values())
    assert Usage.now(api, usage.path) == usage
    everybodys = api.call("GET", "compute", "/os-simple-tenant-usage")
    assert everybodys.status_code == 503


def _limits(numbers: Any) -> dict[str, Any]:
    if "quota" in numbers:
        return dict(numbers["quota"])
    return {name: n for name, n in numbers["limits"]["absolute"].items() if name[:3] == "max"}


@once
@pytest.mark.parametrize("path", ["/servers", "/servers/{id}", "/limits"])
def test_who_is_strict_gets_no_partial_answer(things: Things, world: World, path: str) -> None:
    with world.client() as api:
        url = f"{world.gateway.url}/compute/v2.1{path.format(id=things.server)}"
        headers = {"X-Auth-Token": api.token, "X-Federation-Strict": "true"}
        response = requests.get(url, headers=headers, timeout=60)
    assert response.status_code == 503
    assert response.headers["Retry-After"]


@pytest.mark.parametrize("things", ["cut off"], indirect=True)
def test_projects_and_credentials_can_be_strict(things: Things, world: World) -> None:
    """By settings: all of home's admins, and one program; the member whose program it is is not.

    At a gateway that starts while the site is cut off.
    """
    with world.client() as api, world.admin() as admin:
        home = f"{world.gateway.url}/identity/v3"
        new = {"application_credential": {"name": "program"}}
        path = f"/users/{api.user_id}/application_credentials"
        headers = {"X-Auth-Token": api.token}
        made = requests.post(home + path, json=new, headers=headers, timeout=60).json()
        credential = made["application_credential"]
        strict = world.fleet.add(
            strict_projects=[admin.project_id], strict_credentials=[credential["id"]]
        )
        program = {"methods": ["application_credential"]}
        program["application_credential"] = {n: credential[n] for n in ("id", "secret")}
        login = requests.post(
            f"{strict.url}/identity/v3/auth/tokens",
            json={"auth": {"identity": program}},
            timeout=60,
        )
        tokens = (admin.token, login.headers["X-Subject-Token"], api.token)
        url = f"{strict.url}/compute/v2.1/servers"
        found = [requests.get(url, headers={"X-Auth-Token": t}, timeout=60) for t in tokens]
    world.fleet.check()
    # Asked to end it would wait for its logins at the site to time out.
    strict.kill()
    world.fleet.gateways.remove(strict)
    assert [response.status_code for response in found] == [503, 503, 200]
    assert things.server in _ids(found[2].json())


@once
def test_admins_see_everybodys_and_others_their_own(things: Things, world: World) -> None:
    with world.admin() as admin:
        assert things.server not in _ids(admin.get("compute", "/servers"))
        assert things.server in _ids(admin.get("compute", "/servers?all_tenants=1"))


def _ids(body: Any) -> list[str]:
    return [each["id"] for each in body["servers"]]


@once
def test_the_command_shows_it_all(things: Things, world: World) -> None:
    rows = {row["ID"]: row for row in world.openstack.rows("server", "list")}
    assert rows[things.server]["Status"] == "UNKNOWN"
    assert world.openstack.show("server", "show", things.server)["status"] == "UNKNOWN"
    for words in (("volume",), ("network",), ("image",), ("router",), ("security", "group")):
        assert world.openstack.show(*words, "show", things.name)["name"] == things.name
    refused = world.openstack.refused("server", "delete", things.server)
    assert "503" in refused


@once
def test_a_create_that_is_sent_twice_with_a_key_is_done_once(
    things: Things, world: World, api: Api
) -> None:
    url = f"{world.gateway.url}/network/v2.0/networks"
    headers = {"X-Auth-Token": api.token, "Idempotency-Key": "once", "X-Federation-Site": STAYS}
    body = {"network": {"name": "once"}}
    first, second = (requests.post(url, json=body, headers=headers, timeout=60) for _ in range(2))
    assert first.status_code == second.status_code == 201
    # This gateway has no secret, so nothing else of the answer is kept.
    assert second.json() == {"network": {"id": first.json()["network"]["id"]}}
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(api.get("network", "/v2.0/networks?name=once")["networks"]) == 1
    other = requests.post(url, json={"network": {"name": "two"}}, headers=headers, timeout=60)
    assert other.status_code == 422
    assert "NeutronError" in other.json()
