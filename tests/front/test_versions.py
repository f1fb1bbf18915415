"""What is published is what every site can do; the documents are those of 2026.2 and 2023.1."""

import json
from typing import Any

import pytest

from adapters.probe import Probe, SiteVersions
from adapters.registry import all_services
from federator.faults import BadRequest, Fault, NotAcceptable
from federator.versions.documents import (
    intersection,
    microversions,
    negotiate,
    own_version,
    version_headers,
)

US = "http://us"
COMPUTE = all_services()["compute"]
VOLUME = all_services()["block-storage"]
IMAGE = all_services()["image"]
NETWORK = all_services()["network"]
PLACEMENT = all_services()["placement"]


def link(href: str) -> list[dict[str, str]]:
    return [{"rel": "self", "href": href}]


def nova(highest: str, lowest: str = "2.1") -> SiteVersions:
    old = {"id": "v2.0", "status": "DEPRECATED", "version": "", "min_version": ""}
    new = {"id": "v2.1", "status": "CURRENT", "version": highest, "min_version": lowest}
    return SiteVersions(
        200,
        (old | {"links": link("http://s/v2/")}, new | {"links": link("http://s/v2.1/")}),
        new | {"links": link("http://s/v2.1/"), "media-types": []},
    )


def cinder(highest: str, updated: str) -> SiteVersions:
    docs = {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"}
    entry = {"id": "v3.0", "status": "CURRENT", "version": highest, "min_version": "3.0"}
    links = [docs, *link("http://s:8776/v3/")]
    return SiteVersions(300, (entry | {"updated": updated, "links": links},))


def glance(*ids: str, current: str) -> SiteVersions:
    return SiteVersions(
        300,
        tuple(
            {
                "id": id_,
                "status": "CURRENT" if id_ == current else "SUPPORTED",
                "links": link("http://s:9292/v2/"),
            }
            for id_ in ids
        ),
    )


def test_nova_is_published_from_the_highest_minimum_to_the_lowest_maximum() -> None:
    (entry,) = intersection(COMPUTE, [nova("2.104"), nova("2.95", "2.3")], US)
    assert (entry["min_version"], entry["version"]) == ("2.3", "2.95")
    assert entry["links"] == link("http://us/compute/v2.1/")


def test_numbers_are_compared_as_numbers() -> None:
    (entry,) = intersection(COMPUTE, [nova("2.9"), nova("2.10")], US)
    assert entry["version"] == "2.9"


def test_sites_without_a_common_microversion_have_no_common_version() -> None:
    assert intersection(COMPUTE, [nova("2.10"), nova("2.104", "2.50")], US) == []
    assert own_version(COMPUTE, [nova("2.10"), nova("2.104", "2.50")], US) is None


def test_the_order_of_sites_changes_nothing_in_the_range() -> None:
    one, two = nova("2.104"), nova("2.95", "2.3")
    assert intersection(COMPUTE, [one, two], US) == intersection(COMPUTE, [two, one], US)


def test_the_version_document_needs_every_site() -> None:
    version = own_version(COMPUTE, [nova("2.104"), nova("2.95")], US)
    assert version is not None
    assert version["version"] == "2.95"
    silent = SiteVersions(200, nova("2.95").versions)
    assert own_version(COMPUTE, [nova("2.104"), silent], US) is None


def test_cinder_says_the_date_of_the_version_it_says() -> None:
    (entry,) = intersection(VOLUME, [cinder("3.71", "2023"), cinder("3.70", "2022")], US)
    assert (entry["version"], entry["updated"]) == ("3.70", "2022")
    assert [each["href"] for each in entry["links"]] == [
        "https://docs.openstack.org/",
        "http://us/volume/v3/",
    ]


@pytest.mark.parametrize("turned", [False, True])
def test_glance_has_the_common_versions_and_one_is_current(turned: bool) -> None:
    sites = [
        glance("v2.15", "v2.9", "v2.17", "v2.0", current="v2.17"),
        glance("v2.15", "v2.9", "v2.0", current="v2.15"),
    ]
    entries = intersection(IMAGE, sites[::-1] if turned else sites, US)
    assert [entry["id"] for entry in entries] == ["v2.15", "v2.9", "v2.0"]
    assert [entry["status"] for entry in entries] == ["CURRENT", "SUPPORTED", "SUPPORTED"]
    assert all(entry["links"] == link("http://us/image/v2/") for entry in entries)


def test_placements_link_stays_empty() -> None:
    entry = {"id": "v1.0", "max_version": "1.39", "min_version": "1.0", "links": link("")}
    older = entry | {"max_version": "1.30"}
    documents = [SiteVersions(200, (entry,)), SiteVersions(200, (older,))]
    (found,) = intersection(PLACEMENT, documents, US)
    assert found == older
    assert microversions([found]) == ("1.0", "1.30")


def test_a_service_without_microversions_has_no_range() -> None:
    entry = {"id": "v2.0", "status": "CURRENT", "links": link("http://s/v2.0/")}
    entries = intersection(NETWORK, [SiteVersions(200, (entry,))], US)
    assert entries == [entry | {"links": link("http://us/network/v2.0/")}]
    assert microversions(entries) is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"OpenStack-API-Version": "compute 2.50"}, "2.50"),
        ({"OpenStack-API-Version": "Compute  2.50 "}, "2.50"),
        ({"OpenStack-API-Version": "volume 3.1, compute 2.7,compute 2.8"}, "2.8"),
        ({"OpenStack-API-Version": "volume 3.999"}, None),
        ({"OpenStack-API-Version": "compute latest"}, "2.95"),
        ({"X-OpenStack-Nova-API-Version": "2.61"}, "2.61"),
        ({"X-OpenStack-Nova-API-Version": "latest"}, "2.95"),
        (
            {"OpenStack-API-Version": "compute 2.5", "X-OpenStack-Nova-API-Version": "2.6"},
            "2.5",
        ),
    ],
)
def test_the_microversion_asked_for(headers: dict[str, str], expected: str | None) -> None:
    assert negotiate(COMPUTE, ("2.1", "2.95"), headers) == expected


@pytest.mark.parametrize("asked", ["abc", "2", "2.01", "Latest", "2.1.1", "-2.1", "2.1x"])
def test_malformed_is_400_in_novas_words(asked: str) -> None:
    headers = {"OpenStack-API-Version": f"compute {asked}"}
    with pytest.raises(BadRequest) as caught:
        negotiate(COMPUTE, ("2.1", "2.95"), headers)
    assert caught.value.message == (
        f"API Version String {asked} is of invalid format. Must be of format MajorNum.MinorNum."
    )


@pytest.mark.parametrize("asked", ["2.96", "2.999", "3.1", "1.9"])
def test_beyond_is_406_in_novas_words(asked: str) -> None:
    headers = {"OpenStack-API-Version": f"compute {asked}"}
    with pytest.raises(NotAcceptable) as caught:
        negotiate(COMPUTE, ("2.1", "2.95"), headers)
    assert caught.value.message == (
        f"Version {asked} is not supported by the API. Minimum is 2.1 and maximum is 2.95."
    )
    assert caught.value.headers["OpenStack-API-Version"] == f"compute {asked}"


def test_beyond_is_406_in_placements_words() -> None:
    with pytest.raises(NotAcceptable) as caught:
        negotiate(PLACEMENT, ("1.0", "1.30"), {"OpenStack-API-Version": "placement 1.99"})
    fault: Fault = caught.value
    assert fault.message.endswith("Unacceptable version header: 1.99")
    assert fault.details == {"max_version": "1.30", "min_version": "1.0"}


def test_a_service_says_in_which_version_it_answers() -> None:
    assert version_headers(COMPUTE, "2.1") == {
        "OpenStack-API-Version": "compute 2.1",
        "X-OpenStack-Nova-API-Version": "2.1",
        "Vary": "OpenStack-API-Version, X-OpenStack-Nova-API-Version",
    }


class Sites:
    """Sites that answer what they are told to, or not at all."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        self.asked: list[str] = []

    async def fetch(self, site: str, url: str) -> tuple[int, bytes]:
        self.asked.append(url)
        if url not in self.answers:
            raise ConnectionError(url)
        status, body = self.answers[url]
        return status, json.dumps(body).encode()


def root(document: SiteVersions) -> tuple[int, Any]:
    return document.status, {"versions": document.versions}


async def test_the_probe_asks_root_and_version_and_remembers() -> None:
    sites = Sites()
    endpoints = {
        "paris": {"compute": "http://p:1/v2.1"},
        "tokyo": {"compute": "http://t/compute/v2.1/"},
    }
    probe = Probe(sites.fetch, endpoints, [COMPUTE])
    assert probe.documents("compute") == {}

    sites.answers["http://t/compute/"] = root(nova("2.95"))
    sites.answers["http://t/compute/v2.1/"] = (200, {"version": nova("2.95").version})
    assert not await probe.refresh()
    assert probe.documents("compute") == {"tokyo": nova("2.95")}

    sites.answers["http://p:1/"] = root(nova("2.104"))
    sites.answers["http://p:1/v2.1/"] = (401, {"error": {}})
    assert await probe.refresh()
    assert list(probe.documents("compute")) == ["paris", "tokyo"]
    assert probe.documents("compute")["paris"].version is None

    sites.answers.clear()
    assert await probe.refresh()
    assert list(probe.documents("compute")) == ["paris", "tokyo"]


@pytest.mark.parametrize("answer", [(404, {}), (200, []), (200, {"versions": "x"}), (502, "")])
async def test_a_broken_answer_is_no_answer(answer: tuple[int, Any]) -> None:
    sites = Sites()
    probe = Probe(sites.fetch, {"paris": {"compute": "http://p/v2.1"}}, [COMPUTE])
    sites.answers["http://p/"] = answer
    assert not await probe.refresh()
    assert probe.documents("compute") == {}
