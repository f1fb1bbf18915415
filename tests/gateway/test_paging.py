"""What clients say of order and pages, in the words of each service."""

import pytest

from adapters.registry import all_services
from federator.faults import BadRequest
from federator.paging import (
    LARGEST_PAGE,
    filters_by_name,
    names_one,
    next_query,
    previous_query,
)
from tests.gateway.wanted import wanted

SERVER = all_services()["compute"].resource("server")
IMAGE = all_services()["image"].resource("image")
VOLUME = all_services()["block-storage"].resource("volume")
PROVIDER = all_services()["placement"].resource("resource_provider")
PORT = all_services()["network"].resource("port")


@pytest.mark.parametrize(
    ("resource", "query", "order"),
    [
        (SERVER, "", (("created", True),)),
        (SERVER, "sort_key=display_name&sort_dir=asc", (("name", False),)),
        (SERVER, "sort_key=display_name", (("name", True),)),
        (VOLUME, "sort=name:asc,size:desc", (("name", False), ("size", True))),
        (VOLUME, "sort=size", (("size", True),)),
        (IMAGE, "sort_key=name&sort_key=size&sort_dir=asc", (("name", False), ("size", False))),
        (PORT, "sort_key=name", (("name", False),)),
        (PORT, "sort_key=name&sort_dir=desc&sort_key=id&sort_dir=asc", (("name", True),)),
    ],
)
def test_the_order_is_read_in_every_service_own_words(resource, query, order):
    assert wanted(resource, query).order == order


def test_a_site_is_asked_for_no_more_than_the_page_can_need():
    page = wanted(SERVER, "limit=7&name=web&sort_key=created_at")

    asked = page.for_site("limit=7&name=web&sort_key=created_at")

    assert asked == "name=web&sort_key=created_at&limit=7"


def test_behind_a_marker_a_site_is_read_from_its_beginning():
    query = "limit=7&marker=abc&name=a%20b"

    assert wanted(SERVER, query).for_site(query) == f"name=a%20b&limit={LARGEST_PAGE}"


def test_a_list_without_pages_is_asked_for_as_a_whole():
    assert wanted(PROVIDER, "limit=7&name=x").for_site("limit=7&name=x") == "name=x"


@pytest.mark.parametrize("limit", ["-1", "-0", "many", "1.5", "%C2%B2", "%D9%A1"])
def test_a_limit_that_is_no_number_is_refused(limit):
    with pytest.raises(BadRequest):
        wanted(SERVER, f"limit={limit}")


def test_links_keep_the_rest_of_the_query_as_it_came():
    assert next_query("limit=2&name=a%2Fb&marker=x", "y") == "limit=2&name=a%2Fb&marker=y"
    assert next_query("limit=2&marker=x", "") == "limit=2"
    assert previous_query("limit=2&marker=x", "y") == "limit=2&marker=y&page_reverse=True"


def test_only_cinder_has_offsets():
    assert wanted(VOLUME, "offset=5").offset == 5
    assert wanted(VOLUME, "offset=5").for_site("offset=5") == f"&limit={LARGEST_PAGE}".lstrip("&")
    assert wanted(SERVER, "offset=x").for_site("offset=x") == f"offset=x&limit={LARGEST_PAGE}"


def test_fields_without_the_id_are_asked_for_with_it():
    page = wanted(PORT, "fields=name&limit=1")

    assert page.for_site("fields=name&limit=1") == "fields=name&fields=id&limit=1"


def test_neutron_looks_at_a_marker_only_where_there_is_a_limit():
    assert wanted(PORT, "marker=x").marker == ""
    assert wanted(PORT, "marker=x&limit=1").marker == "x"


def test_a_query_for_one_thing_is_told_from_one_for_all():
    assert names_one("limit=1&name=x")
    assert not names_one("limit=1&sort_key=name&all_tenants=1")


def test_values_of_one_parameter_stay_together():
    assert filters_by_name("id=a&limit=1&x=1&id=b&marker=m") == ["id=a&id=b", "x=1"]
