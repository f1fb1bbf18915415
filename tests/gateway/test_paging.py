"""What clients say of order and pages, in the words of each service."""

import pytest

from adapters.registry import all_services
from federator.faults import BadRequest
from federator.paging import (
    LARGEST_PAGE,
    LONGEST_LIST,
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
NETWORK = all_services()["network"].resource("network")
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


def test_a_site_is_asked_for_as_many_as_are_to_be_read_of_it():
    query = "limit=7&marker=abc&federation_cursor=x&name=a%20b&sort_key=created_at"

    asked = wanted(SERVER, query).for_site(query, 5, "def")

    assert asked == "name=a%20b&sort_key=created_at&limit=5&marker=def"


def test_backwards_is_asked_in_neutrons_words():
    query = "limit=7&marker=abc&page_reverse=True"

    assert wanted(PORT, query).for_site(query, 5) == "limit=5&page_reverse=True"
    assert not wanted(SERVER, query).reverse


def test_a_list_without_pages_is_asked_for_as_a_whole():
    assert wanted(PROVIDER, "limit=7&name=x").for_site("limit=7&name=x", 7) == "name=x"


def test_no_page_is_larger_than_those_of_the_service():
    assert wanted(SERVER, "limit=5000").limit == wanted(SERVER, "").limit == LARGEST_PAGE
    assert wanted(PORT, "limit=5000").limit == 5000
    assert wanted(PORT, "").limit == wanted(PORT, "limit=0").limit == LONGEST_LIST


@pytest.mark.parametrize("limit", ["-1", "-0", "many", "1.5", "%C2%B2", "%D9%A1"])
def test_a_limit_that_is_no_number_is_refused(limit):
    with pytest.raises(BadRequest):
        wanted(SERVER, f"limit={limit}")


def test_links_keep_the_rest_of_the_query_as_it_came():
    assert next_query("limit=2&name=a%2Fb&marker=x", "y") == "limit=2&name=a%2Fb&marker=y"
    assert next_query("limit=2&marker=x", "") == "limit=2"
    assert next_query("limit=2&federation_cursor=old", "y", cursor="c") == (
        "limit=2&marker=y&federation_cursor=c"
    )
    assert next_query("limit=2&offset=4", "y", offset=False) == "limit=2&marker=y"
    assert previous_query("limit=2&marker=x", "y") == "limit=2&marker=y&page_reverse=True"


def test_only_cinder_has_offsets():
    assert wanted(VOLUME, "offset=5").offset == 5
    assert wanted(VOLUME, "offset=5").for_site("offset=5", 9) == "limit=9"
    assert wanted(VOLUME, "offset=5&limit=2").need == 7
    assert wanted(SERVER, "offset=x").for_site("offset=x", 9) == "offset=x&limit=9"


def test_fields_are_asked_for_with_the_id_and_what_they_are_sorted_by():
    query = "fields=name&limit=1&sort_key=status&sort_dir=asc"

    asked = wanted(NETWORK, query).for_site(query, 1)

    # ... and by what it is known whose replicas they are.
    more = "fields=description&fields=id&fields=project_id&fields=status&fields=tags"
    assert asked == f"fields=name&sort_key=status&sort_dir=asc&{more}&limit=1"


def test_of_ports_is_asked_by_what_it_is_known_that_they_are_not_for_tenants():
    asked = wanted(PORT, "fields=name").for_site("fields=name", 1)

    more = "fields=description&fields=device_owner&fields=id&fields=project_id&fields=tags"
    assert asked == f"fields=name&{more}&limit=1"


def test_neutron_looks_at_a_marker_only_where_there_is_a_limit():
    assert wanted(PORT, "marker=x").marker == ""
    assert wanted(PORT, "marker=x&limit=1").marker == "x"


def test_a_query_for_one_thing_is_told_from_one_for_all():
    assert names_one("limit=1&name=x")
    assert not names_one("limit=1&sort_key=name&all_tenants=1")


def test_values_of_one_parameter_stay_together():
    assert filters_by_name("id=a&limit=1&x=1&id=b&marker=m") == ["id=a&id=b", "x=1"]
