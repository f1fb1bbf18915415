"""What clients say of order and pages, in the words of each service."""

import pytest

from adapters.registry import all_services
from federator.faults import BadRequest
from federator.paging import LARGEST_PAGE, next_query, page_of, previous_query

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
    assert page_of(resource, query).order == order


def test_a_site_is_asked_for_no_more_than_the_page_can_need():
    page = page_of(SERVER, "limit=7&name=web&sort_key=created_at")

    asked = page.for_site("limit=7&name=web&sort_key=created_at")

    assert asked == "name=web&sort_key=created_at&limit=7"


def test_behind_a_marker_a_site_is_read_from_its_beginning():
    query = "limit=7&marker=abc&name=a%20b"

    assert page_of(SERVER, query).for_site(query) == f"name=a%20b&limit={LARGEST_PAGE}"


def test_a_list_without_pages_is_asked_for_as_a_whole():
    assert page_of(PROVIDER, "limit=7&name=x").for_site("limit=7&name=x") == "name=x"


@pytest.mark.parametrize("limit", ["-1", "many", "1.5"])
def test_a_limit_that_is_no_number_is_refused(limit):
    with pytest.raises(BadRequest):
        page_of(SERVER, f"limit={limit}")


def test_links_keep_the_rest_of_the_query_as_it_came():
    assert next_query("limit=2&name=a%2Fb&marker=x", "y") == "limit=2&name=a%2Fb&marker=y"
    assert next_query("limit=2&marker=x", "") == "limit=2"
    assert previous_query("limit=2&marker=x", "y") == "limit=2&marker=y&page_reverse=True"
