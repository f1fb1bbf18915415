"""Where the services of a site are."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.endpoints import endpoints, service_root
from adapters.sites import Site

SITE = Site("tokyo", "http://k/v3", "password", {}, region_name="tokyo")


def entry(kind: str, url: str, region: str = "tokyo", interface: str = "public") -> dict[str, Any]:
    endpoint = {"interface": interface, "region_id": region, "region": region, "url": url}
    return {"type": kind, "name": kind, "endpoints": [endpoint]}


def test_interface_and_region_decide() -> None:
    catalog = [
        entry("compute", "http://osaka", region="osaka"),
        entry("compute", "http://internal", interface="internal"),
        entry("compute", "http://tokyo/v2.1/"),
        entry("image", "http://osaka", region="osaka"),
    ]
    assert endpoints(catalog, SITE, "p") == {"compute": "http://tokyo/v2.1"}


def test_a_service_is_found_by_its_official_type_too() -> None:
    catalog = [entry("volumev2", "http://v2"), entry("volumev3", "http://v3")]
    found = endpoints(catalog, SITE, "p")
    assert found == {
        "volumev2": "http://v2",
        "volumev3": "http://v3",
        "block-storage": "http://v3",
    }


def test_overrides_win_and_know_the_project() -> None:
    site = replace(
        SITE, overrides={"block-storage": "http://r/v3/%(project_id)s", "dns": "http://d"}
    )
    catalog = [entry("volumev3", "http://v3"), entry("compute", "http://c")]
    assert endpoints(catalog, site, "p7") == {
        "volumev3": "http://r/v3/p7",
        "block-storage": "http://r/v3/p7",
        "dns": "http://d",
        "compute": "http://c",
    }


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("http://h:9696", "http://h:9696"),
        ("http://h:9696/", "http://h:9696"),
        ("http://h:9696/v2.0", "http://h:9696"),
        ("http://h/compute/v2.1/", "http://h/compute"),
        ("http://h/volume/v3/0123abcd", "http://h/volume"),
        ("http://h/v1/AUTH_0123abcd", "http://h"),
        ("http://h/identity/v3", "http://h/identity"),
        ("http://h/placement", "http://h/placement"),
        ("http://v3.example/x", "http://v3.example/x"),
    ],
)
def test_the_root_of_a_service_is_above_all_its_versions(url: str, root: str) -> None:
    assert service_root(url) == root
