"""The catalogue: one region, one endpoint per service and interface, as clients look for them."""

from typing import Any

import pytest

from adapters.registry import all_services
from adapters.spec import Service
from federator.identity.catalog import Catalog

BASE = "https://cloud.example:8780/fed"


@pytest.fixture
def catalog() -> Catalog:
    return Catalog(BASE + "/", "everywhere", all_services().values())


def urls(entries: list[dict[str, Any]]) -> dict[str, set[str]]:
    return {entry["type"]: {each["url"] for each in entry["endpoints"]} for entry in entries}


def test_each_type_and_alias_has_one_url(catalog: Catalog) -> None:
    found = urls(catalog.entries("p1"))
    assert found["identity"] == {f"{BASE}/identity/v3"}
    assert found["compute"] == {f"{BASE}/compute/v2.1"}
    assert found["block-storage"] == found["volumev3"] == {f"{BASE}/volume/v3/p1"}
    # gophercloud appends the version to these two.
    assert found["network"] == {f"{BASE}/network"}
    assert found["image"] == {f"{BASE}/image"}
    assert found["placement"] == {f"{BASE}/placement"}


def test_one_region_and_every_interface_once(catalog: Catalog) -> None:
    for entry in catalog.entries("p1"):
        endpoints = entry["endpoints"]
        assert sorted(each["interface"] for each in endpoints) == ["admin", "internal", "public"]
        assert {each["region"] for each in endpoints} == {"everywhere"}
        assert {each["region_id"] for each in endpoints} == {"everywhere"}


def test_names_are_those_installers_choose(catalog: Catalog) -> None:
    names = {entry["type"]: entry["name"] for entry in catalog.entries("p1")}
    assert names["compute"] == "nova"
    assert names["block-storage"] == "cinder"
    assert names["volumev3"] == "cinderv3"
    assert names["identity"] == "keystone"


def test_ids_are_stable_and_unique(catalog: Catalog) -> None:
    again = Catalog(BASE, "everywhere", all_services().values())
    assert catalog.entries("p1") == again.entries("p1")
    ids = [entry["id"] for entry in catalog.entries("p1")]
    ids += [each["id"] for entry in catalog.entries("p1") for each in entry["endpoints"]]
    assert len(set(ids)) == len(ids)
    assert all(len(one) == 32 for one in ids)


def test_without_project_a_url_with_one_is_left_out(catalog: Catalog) -> None:
    found = urls(catalog.entries(None))
    assert found["volumev3"] == set()
    assert found["compute"] == {f"{BASE}/compute/v2.1"}


def test_a_token_gets_our_catalogue_and_loses_the_service_providers(catalog: Catalog) -> None:
    token = {
        "user": {"id": "u"},
        "project": {"id": "p1"},
        "catalog": [{"type": "identity", "endpoints": []}],
        "service_providers": [{"id": "paris", "auth_url": "http://paris"}],
    }
    assert catalog.rewrite_token_body({"token": token}) == {
        "token": {
            "user": {"id": "u"},
            "project": {"id": "p1"},
            "catalog": catalog.entries("p1"),
        }
    }


def test_a_token_without_catalogue_gets_none(catalog: Catalog) -> None:
    body = {"token": {"user": {"id": "u"}, "service_providers": []}}
    assert catalog.rewrite_token_body(body) == {"token": {"user": {"id": "u"}}}


def test_other_bodies_are_left_alone(catalog: Catalog) -> None:
    body = {"token": "a string", "x": 1}
    assert catalog.rewrite_token_body(body) is body


def test_lists_are_filtered_and_their_items_can_be_shown(catalog: Catalog) -> None:
    listed = catalog.find("services", {"type": "compute"}, "self")
    (service,) = listed["services"]
    assert listed["links"] == {"next": None, "self": "self", "previous": None}
    assert catalog.show("services", service["id"]) == {"service": service}
    assert service["links"]["self"] == f"{BASE}/identity/v3/services/{service['id']}"

    query = {"service_id": service["id"], "interface": "public"}
    (endpoint,) = catalog.find("endpoints", query, "self")["endpoints"]
    assert endpoint["url"] == f"{BASE}/compute/v2.1"
    assert catalog.show("endpoints", endpoint["id"]) == {"endpoint": endpoint}

    (region,) = catalog.find("regions", {}, "self")["regions"]
    assert region["id"] == endpoint["region_id"]
    assert catalog.show("regions", "other") is None


def test_a_filter_that_is_no_field_is_none(catalog: Catalog) -> None:
    everything = catalog.find("services", {}, "self")
    assert catalog.find("services", {"nonesuch": "x"}, "self") == everything
    assert catalog.find("services", {"enabled": "True"}, "self") == everything


def test_the_endpoint_list_keeps_keystones_mark_for_the_project() -> None:
    volume = Service(
        type="block-storage", prefix="/volume", version="/v3", resources=(), project_in_path=True
    )
    catalog = Catalog(BASE, "r", [volume])
    found = {each["url"] for each in catalog.find("endpoints", {}, "")["endpoints"]}
    assert f"{BASE}/volume/v3/$(project_id)s" in found
