"""Pages of many sites are pages of one big site: nothing lost, nothing twice, each page full."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federator.lists.cursor import CHAIN
from federator.order import SortKey
from tests.lists.sites_of_lists import (
    Client,
    Collation,
    Site,
    binary,
    ignoring_case,
    in_order,
    sorted_by,
)

NAMES = ["a", "B", "b", "ä", "Z", "z", "", "É", None]
ORDERS: list[tuple[SortKey, ...]] = [
    (),
    (("created", True),),
    (("created", False),),
    (("name", False),),
    (("name", True), ("size", False)),
    (("size", True), ("name", True), ("created", False)),
]

fields = st.fixed_dictionaries(
    {
        "created": st.integers(0, 9).map(lambda n: f"2026-01-0{n}T00:00:00Z"),
        "name": st.sampled_from(NAMES),
        "size": st.sampled_from([None, 1, 2, 10]),
    }
)
orders = st.sampled_from(ORDERS)


@st.composite
def estates(draw: Any, collations: tuple[Collation, ...] = (binary, ignoring_case)) -> Client:
    """Some sites, some with much, some with little, each with a mind of its own about order."""
    order = draw(orders)
    sites = {}
    for number in range(draw(st.integers(1, 5))):
        items = draw(st.lists(fields, max_size=draw(st.sampled_from([0, 2, 8, 25]))))
        for row, item in enumerate(items):
            item |= {"id": f"{number}-{row}", "row": row}
        collation = draw(st.sampled_from(collations))
        cap = draw(st.sampled_from([2, 5, 1000]))
        sites[f"site{number}"] = Site(sorted_by(items, order, collation), cap)
    return Client(sites, order, by_link=draw(st.booleans()))


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


def everything(client: Client) -> list[str]:
    return sorted(item["id"] for site in client.sites.values() for item in site.items)


def agree(client: Client) -> None:
    """Let there be only names on whose order all databases agree."""
    for site in client.sites.values():
        for item in site.items:
            name = item["name"]
            item["name"] = name and name.casefold().replace("ä", "a").replace("é", "e")
        site.items = sorted_by(site.items, client.order, ignoring_case)


def check_pages(pages: list[list[dict[str, Any]]], limit: int) -> None:
    assert all(len(page) == limit for page in pages[:-1])
    assert all(len(page) <= limit for page in pages)


@given(estates(), st.integers(1, 30), st.data())
def test_what_nobody_is_to_see_shortens_no_page(client, limit, data):
    for site in client.sites.values():
        for item in site.items:
            item["hidden"] = data.draw(st.booleans())
    shown = sorted(
        item["id"] for site in client.sites.values() for item in site.items if not item["hidden"]
    )

    pages = client.walk(limit)

    check_pages(pages, limit)
    assert sorted(item["id"] for page in pages for item in page) == shown
    assert client.kept.keys() <= {(each, way) for each in shown for way in (True, False)}
    back = client.walk(limit, reverse=True)
    assert sorted(item["id"] for page in back for item in page) == shown


@given(estates(), st.integers(1, 30))
def test_pages_of_any_size_are_one_list(client, limit):
    whole = Client(client.sites, client.order).page(1000)

    pages = client.walk(limit)

    check_pages(pages, limit)
    found = [item for page in pages for item in page]
    assert ids(found) == ids(whole)
    assert sorted(ids(found)) == everything(client)
    for site in client.sites.values():
        own = {item["id"] for item in site.items}
        assert [each for each in ids(found) if each in own] == ids(site.items)


@given(estates(collations=(ignoring_case,)), st.integers(1, 30))
def test_sites_that_sort_as_we_do_look_like_one_big_site(client, limit):
    agree(client)

    found = [item for page in client.walk(limit) for item in page]

    assert in_order(found, client.order)


@given(estates(), st.integers(1, 30))
def test_backwards_nothing_is_lost_either(client, limit):
    pages = client.walk(limit, reverse=True)

    check_pages(pages, limit)
    found = [item for page in pages[::-1] for item in page]
    assert sorted(ids(found)) == everything(client)
    for site in client.sites.values():
        own = {item["id"] for item in site.items}
        assert [each for each in ids(found) if each in own] == ids(site.items)


@given(estates(collations=(ignoring_case,)), st.integers(1, 9), st.integers(1, 9))
def test_who_goes_on_and_back_sees_the_same(client, limit, steps):
    agree(client)
    pages = client.walk(limit)[: steps + 1]

    for former, later in zip(pages[-2::-1], pages[:0:-1], strict=True):
        assert set(ids(client.page(limit, later[0]["id"], reverse=True))) == set(ids(former))


@given(estates(), st.integers(1, 9), st.data())
def test_any_item_is_a_marker_and_leads_on_as_if_one_had_come_that_way(client, limit, data):
    whole = ids(Client(client.sites, client.order).page(1000))
    if not whole:
        return
    at = data.draw(st.integers(0, len(whole) - 1))
    reverse = data.draw(st.booleans())

    client.by_link = False
    client.origin(whole[at], reverse=reverse)
    found = client.walk(limit, whole[at], reverse=reverse)

    if reverse:
        assert sorted(each for page in found for each in ids(page)) == sorted(whole[:at])
    else:
        assert [each for page in found for each in ids(page)] == whole[at + 1 :]


@given(estates(), st.integers(1, 6), st.data())
def test_what_is_deleted_between_pages_takes_nothing_with_it(client, limit, data):
    remembered = dict.fromkeys(client.sites, 0)
    seen: list[str] = []
    marker = ""
    while page := client.page(limit, marker):
        seen += ids(page)
        marker = page[-1]["id"]
        for name, site in client.sites.items():
            new = sum(f"site{item['id'].partition('-')[0]}" == name for item in page)
            remembered[name] = min(CHAIN, remembered[name] + new)
            passed = [item for item in site.items if item["id"] in seen]
            # One that is remembered has to stay: behind a marker that is not there it is for the service to
            # say where its list goes on.
            if site.items and (not passed or remembered[name] > 1) and data.draw(st.booleans()):
                site.items.remove(passed[-1] if passed else site.items[0])
                remembered[name] -= bool(passed)

    assert len(seen) == len(set(seen))
    assert set(everything(client)) <= set(seen)


@given(estates(), st.integers(1, 9), st.data())
def test_what_is_one_at_several_sites_stands_once(client, limit, data):
    names = list(client.sites)
    shared = [f"twin-{n}" for n in range(data.draw(st.integers(0, 6)))]
    twins: dict[str, set[str]] = {each: set() for each in shared}
    for name, site in client.sites.items():
        free = list(shared)
        for item in site.items:
            if free and data.draw(st.booleans()):
                item["id"] = free.pop(data.draw(st.integers(0, len(free) - 1)))
                twins[item["id"]].add(name)
    assert names
    client.twins = {each: frozenset(sites) for each, sites in twins.items()}

    pages = client.walk(limit)

    check_pages(pages, limit)
    found = [each for page in pages for each in ids(page)]
    assert sorted(found) == sorted(set(everything(client)))


@given(estates(), st.integers(1, 9), st.data())
def test_what_is_hidden_makes_no_page_shorter(client, limit, data):
    every = [(name, each["id"]) for name, site in client.sites.items() for each in site.items]
    client.hidden = {each for each in every if data.draw(st.booleans())}

    pages = client.walk(limit)

    check_pages(pages, limit)
    found = [each for page in pages for each in ids(page)]
    assert sorted(found) == sorted(item for site, item in set(every) - client.hidden)


@settings(max_examples=300)
@given(estates(), st.integers(1, 30))
def test_at_most_two_items_are_read_for_one_that_is_given_out(client, limit):
    for site in client.sites.values():
        site.cap = 1000

    given = sum(len(page) for page in client.walk(limit))

    # And one of each site, to know where to begin.
    assert client.reads <= 2 * given + 2 * len(client.sites) * min(limit, 5)


@pytest.mark.parametrize("limit", [1, 7, 50, 1000])
@pytest.mark.parametrize("spread", ["even", "half at one", "by time"])
@pytest.mark.parametrize("count", [2, 3, 10])
def test_long_lists_cost_little(count, spread, limit):
    random, total = Random(f"{count} {spread} {limit}"), min(count * 1000, 600 * limit)
    lists: list[list[dict[str, Any]]] = [[] for _ in range(count)]
    for number in range(total):
        if spread == "even":
            at = random.randrange(count)
        elif spread == "half at one":
            at = 0 if random.random() < 0.5 else random.randrange(count)
        else:
            at = min(count - 1, int(number / total * count) + random.randrange(2))
        lists[at].append({"id": str(number), "row": number, "created": number})
    order = (("created", True),)
    sites = {f"s{n}": Site(sorted_by(each, order, binary)) for n, each in enumerate(lists)}
    client = Client(sites, order)

    given = sum(len(page) for page in client.walk(limit))

    assert given == total
    assert client.reads <= 2 * given + count * limit
