"""Many lists become one: nothing lost, nothing twice, each site's own order kept."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.registry import all_services
from federator.merge import add_numbers, common_items, cut, made_of, merge_lists
from tests.gateway.wanted import wanted

SERVER = all_services()["compute"].resource("server")
FLAVOR = all_services()["compute"].resource("flavor")
NETWORK = all_services()["network"].resource("network")
LIMITS = all_services()["compute"].resource("compute_limits")


def merged(resource, lists, query=""):
    return merge_lists(resource, lists, wanted(resource, query))


servers = st.lists(
    st.fixed_dictionaries(
        {
            "created": st.integers(0, 5).map(lambda n: f"2026-01-0{n + 1}T00:00:00Z"),
            "name": st.sampled_from(["a", "B", "ä", "Z", ""]),
        }
    ),
    max_size=12,
)


@given(st.lists(servers, min_size=1, max_size=4), st.integers(1, 5))
def test_pages_of_any_size_give_every_item_once_in_one_order(lists, size):
    numbered = [
        [{**item, "id": f"{site}-{n}"} for n, item in enumerate(items)]
        for site, items in enumerate(lists)
    ]
    sites = [sorted(items, key=lambda each: each["created"], reverse=True) for items in numbered]
    whole = merged(SERVER, sites)

    seen, marker = [], ""
    while True:
        query = f"limit={size}" + (f"&marker={marker}" if marker else "")
        page = wanted(SERVER, query)
        part = cut(SERVER, merge_lists(SERVER, sites, page), page)
        assert part is not None
        chosen, more = part
        assert len(chosen) <= size
        seen += chosen
        if not more:
            break
        marker = chosen[-1]["id"]

    assert seen == whole
    assert [each["created"] for each in whole] == sorted(
        (each["created"] for items in sites for each in items), reverse=True
    )
    for site, items in enumerate(sites):
        assert [each for each in whole if each["id"].startswith(f"{site}-")] == items


def test_ties_come_in_the_order_of_sites():
    first = [{"id": "p1", "created": "2026"}, {"id": "p2", "created": "2026"}]
    second = [{"id": "t1", "created": "2026"}]

    assert [each["id"] for each in merged(SERVER, [first, second])] == ["p1", "p2", "t1"]


def test_a_sites_own_collation_is_never_corrected():
    paris = [{"id": "1", "name": "ä"}, {"id": "2", "name": "b"}]  # as MariaDB sorts
    tokyo = [{"id": "3", "name": "b"}, {"id": "4", "name": "ä"}]  # as the bytes sort

    found = merged(SERVER, [paris, tokyo], "sort_key=display_name&sort_dir=asc")

    assert sorted(each["id"] for each in found) == ["1", "2", "3", "4"]
    assert [each["id"] for each in found if each["id"] in "12"] == ["1", "2"]
    assert [each["id"] for each in found if each["id"] in "34"] == ["3", "4"]


def test_by_id_means_site_after_site():
    found = merged(NETWORK, [[{"id": "z"}], [{"id": "a"}]], "sort_key=id&sort_dir=asc")

    assert [each["id"] for each in found] == ["z", "a"]


def test_what_is_equal_stands_once_as_the_first_site_says():
    paris = [{"id": "1", "name": "m1.tiny", "from": "paris"}]
    tokyo = [{"id": "1", "name": "m1.tiny", "from": "tokyo"}, {"id": "9", "name": "big"}]

    assert merged(FLAVOR, [paris, tokyo]) == [paris[0], tokyo[1]]


def test_a_marker_that_is_in_no_list_is_reported():
    page = wanted(SERVER, "marker=gone")

    assert cut(SERVER, [{"id": "a"}], page) is None


def test_page_reverse_gives_the_items_before_the_marker_in_the_same_order():
    items = [{"id": each} for each in "abcde"]
    page = wanted(NETWORK, "limit=2&marker=e&page_reverse=True")

    assert cut(NETWORK, items, page) == ([{"id": "c"}, {"id": "d"}], True)


def test_limit_0_gives_nothing():
    assert cut(SERVER, [{"id": "a"}], wanted(SERVER, "limit=0")) == ([], True)


def test_numbers_add_up_no_limit_absorbs_and_limits_per_object_take_the_lowest():
    documents = [
        {"limits": {"rate": [], "absolute": {"maxTotalCores": 20, "maxServerMeta": 128, "x": -1}}},
        {"limits": {"rate": [], "absolute": {"maxTotalCores": 30, "maxServerMeta": 64, "x": 5}}},
    ]

    found = add_numbers(LIMITS, documents)

    assert found["limits"]["absolute"] == {"maxTotalCores": 50, "maxServerMeta": 64, "x": -1}


def test_a_limit_that_only_one_site_knows_is_kept():
    found = add_numbers(LIMITS, [{"limits": {"a": 1}}, {"limits": {"b": 2}}])

    assert found == {"limits": {"a": 1, "b": 2}}


def test_extensions_are_those_that_all_sites_have():
    paris = [{"alias": "qos"}, {"alias": "trunk"}]
    tokyo = [{"alias": "trunk"}, {"alias": "bgp"}]

    assert common_items([paris, tokyo]) == [{"alias": "trunk"}]
    assert common_items([]) == []


def test_hosts_of_one_name_at_two_sites_are_two():
    service = all_services()["block-storage"].resource("volume_service")
    paris = [{"host": "ctl", "binary": "cinder-volume", "updated_at": "1"}]
    tokyo = [{"host": "ctl", "binary": "cinder-volume", "updated_at": "2"}]

    assert merged(service, [paris, tokyo]) == paris + tokyo


def test_names_that_are_the_same_in_every_word_stand_once():
    trait = all_services()["placement"].resource("trait")

    assert merged(trait, [["A", "B"], ["B", "C"]]) == ["A", "B", "C"]


def test_what_was_made_in_bulk_is_found_in_the_answer():
    rule = all_services()["network"].resource("security_group_rule")

    assert made_of(rule, {"security_group_rules": [{"id": "a"}]}) == [{"id": "a"}]
    assert made_of(rule, {"security_group_rule": {"id": "a"}}) == [{"id": "a"}]
    assert made_of(rule, {"odd": 1}) == []
    assert made_of(rule, None) == []
