"""Version documents through the front rooms, field by field with those of the real sites."""

from typing import Any

import pytest
import requests

from adapters.endpoints import service_root
from adapters.registry import all_services
from adapters.sites import Site
from tests.front.conftest import SITES, Front, served

ROOTS = {"compute": 200, "network": 200, "placement": 200, "image": 300, "block-storage": 300}


def get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers=headers, allow_redirects=False, timeout=60)


def of_sites(front: Front, type_: str, path: str) -> list[requests.Response]:
    return [get(service_root(front.sites[site][type_]) + path) for site in SITES]


def without_range(entry: dict[str, Any]) -> dict[str, Any]:
    """What does not depend on how far a site reaches."""
    varying = {"version", "max_version", "min_version", "updated", "links", "status"}
    return {key: value for key, value in entry.items() if key not in varying}


def hrefs(entry: dict[str, Any]) -> list[tuple[str, str]]:
    return [(link["rel"], link["href"]) for link in entry["links"]]


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("type_", ROOTS)
def test_roots(front: Front, type_: str, slash: str) -> None:
    service = all_services()[type_]
    ours = get(front.url + service.prefix + slash)
    theirs = of_sites(front, type_, "/")
    assert ours.status_code == ROOTS[type_]
    assert {each.status_code for each in theirs} == {ours.status_code}
    assert set(ours.json()) == set(theirs[0].json()) == {"versions"}

    per_site = [{entry["id"]: entry for entry in each.json()["versions"]} for each in theirs]
    for entry in ours.json()["versions"]:
        real = [entries[entry["id"]] for entries in per_site]
        assert {frozenset(each) for each in real} == {frozenset(entry)}
        assert all(without_range(each) == without_range(entry) for each in real)
        own = f"{front.url}{service.prefix}{service.version}/"
        expected = [
            (link["rel"], own if link["rel"] == "self" and link["href"] else link["href"])
            for link in real[0]["links"]
        ]
        assert hrefs(entry) == expected
    assert "CURRENT" in {entry["status"] for entry in ours.json()["versions"]}
    head = requests.head(front.url + service.prefix + slash, allow_redirects=False, timeout=60)
    assert (head.status_code, head.content) == (ours.status_code, b"")


def test_only_versions_that_every_site_has(front: Front) -> None:
    ours = {entry["id"] for entry in get(f"{front.url}/image").json()["versions"]}
    theirs = [
        {entry["id"] for entry in each.json()["versions"]} for each in of_sites(front, "image", "/")
    ]
    assert ours == theirs[0] & theirs[1]
    assert theirs[0] != theirs[1]
    for path in ("/image/versions", "/image/versions/"):
        listed = get(front.url + path)
        assert listed.status_code == 200
        assert {entry["id"] for entry in listed.json()["versions"]} == ours


@pytest.mark.parametrize("slash", ["", "/"])
def test_novas_version(front: Front, slash: str) -> None:
    ours = get(f"{front.url}/compute/v2.1{slash}")
    theirs = of_sites(front, "compute", f"/v2.1{slash}")
    assert [each.status_code for each in (ours, *theirs)] == [200, 200, 200]
    entry = ours.json()["version"]
    real = [each.json()["version"] for each in theirs]
    assert {each["version"] for each in real} == {"2.104", "2.95"}
    assert (entry["version"], entry["min_version"], entry["status"]) == ("2.95", "2.1", "CURRENT")
    assert all(without_range(each) == without_range(entry) for each in real)
    assert hrefs(entry) == [
        ("self", f"{front.url}/compute/v2.1/"),
        ("describedby", "http://docs.openstack.org/"),
    ]
    for name in ("OpenStack-API-Version", "X-OpenStack-Nova-API-Version", "Vary"):
        assert ours.headers[name] == theirs[0].headers[name]


@pytest.mark.parametrize("path", ["/volume/v3", "/volume/v3/"])
def test_cinders_version_needs_no_token(front: Front, path: str) -> None:
    ours = get(front.url + path)
    assert ours.status_code == 200
    assert ours.json() == get(f"{front.url}/volume").json()


@pytest.mark.parametrize(
    ("type_", "path", "asked", "status"),
    [
        ("compute", "/v2.1/", "compute 2.95", 200),
        ("compute", "/v2.1/", "compute 2.999", 406),
        ("compute", "/v2.1/", "compute abc", 400),
        ("compute", "/v2.1/", "compute 2.01", 400),
        ("compute", "/v2.1/", "volume 9.9", 200),
        ("compute", "/", "compute 2.999", 200),
        ("block-storage", "/", "volume 3.999", 406),
        ("block-storage", "/", "volume abc", 400),
        ("block-storage", "/", "volume 3.59", 300),
        ("placement", "/", "placement 1.99", 406),
        ("placement", "/", "placement 1.10", 200),
    ],
)
def test_microversions_are_refused_in_the_services_own_words(
    front: Front, type_: str, path: str, asked: str, status: int
) -> None:
    headers = {"OpenStack-API-Version": asked, "Accept": "application/json"}
    ours = get(front.url + all_services()[type_].prefix + path, **headers)
    theirs = get(service_root(front.sites["tokyo"][type_]) + path, **headers)
    assert ours.status_code == theirs.status_code == status
    for name in ("OpenStack-API-Version", "X-OpenStack-Nova-API-Version"):
        assert ours.headers.get(name) == theirs.headers.get(name)
    if status < 400:
        return
    if type_ == "placement":
        mine, real = ours.json()["errors"][0], theirs.json()["errors"][0]
        assert mine["detail"] in real["detail"]
        for key in ("status", "title", "max_version", "min_version"):
            assert mine[key] == real[key]
        return
    assert ours.json() == theirs.json()


def test_what_is_no_version_document_is_left_to_others(front: Front) -> None:
    for path in ("/network/v2.0", "/network/v2.0/", "/image/v2", "/compute/v2.1/servers"):
        assert get(front.url + path).status_code == 404


def test_a_site_that_is_down_at_the_start_is_left_out(front: Front) -> None:
    home = Site("home", front.home, "password", {})
    nowhere = {"compute": "http://127.0.0.1:9/v2.1"}
    with served(home, {"osaka": nowhere, "paris": front.sites["paris"]}) as alone:
        entry = get(f"{alone.url}/compute/v2.1/").json()["version"]
        assert entry["version"] == "2.104"
