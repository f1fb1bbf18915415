"""Which sites answer a call."""

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from adapters.registry import all_services
from federator.call import Call
from federator.faults import BadRequest, Conflict, NotFound
from federator.plan import Plan, Reach, Whereabouts, plan
from federator.route import route

SITES = ("paris", "tokyo")


def call(method: str, service: str, path: str, site: str = "") -> Call:
    declared = all_services()[service]
    headers = CIMultiDictProxy(CIMultiDict({"X-Federation-Site": site} if site else {}))
    found = route(declared, method, declared.version + path, headers=headers)
    assert found is not None
    return found


def where(path=None, filters=(), body=None, **zone) -> Whereabouts:
    return Whereabouts(path or {}, filters, body or {}, **zone)


def planned(asked: Call, known: Whereabouts) -> Plan:
    return plan(asked, known, SITES, "paris")


def test_a_list_is_asked_of_all_sites():
    assert planned(call("GET", "compute", "/servers"), where()) == Plan(Reach.ALL, SITES)


def test_a_list_filtered_by_something_of_one_site_is_asked_only_there():
    known = where(filters=[{"net": {"tokyo": "local"}}])
    assert planned(call("GET", "network", "/ports"), known) == Plan(Reach.ALL, ("tokyo",))


def test_a_list_filtered_by_things_of_two_sites_is_asked_of_nobody():
    known = where(filters=[{"net": {"tokyo": "a"}}, {"sub": {"paris": "b"}}])
    assert planned(call("GET", "network", "/ports"), known).sites == ()


def test_the_header_names_the_one_site_of_a_list():
    assert planned(call("GET", "compute", "/servers", "tokyo"), where()).sites == ("tokyo",)


def test_an_object_is_asked_of_its_owner():
    known = where(path={"s1": {"tokyo": "local"}})
    assert planned(call("GET", "compute", "/servers/s1"), known) == Plan(Reach.ONE, ("tokyo",))


def test_reading_something_equal_asks_the_first_site_and_knows_the_others():
    known = where(path={"i": {"tokyo": "b", "paris": "a"}})
    assert planned(call("GET", "image", "/images/i"), known) == Plan(Reach.ONE, SITES)


def test_changing_something_equal_changes_every_replica():
    known = where(path={"i": {"tokyo": "b", "paris": "a"}})
    found = planned(call("DELETE", "image", "/images/i"), known)
    assert found == Plan(Reach.EVERY_REPLICA, SITES)


def test_the_header_picks_one_replica():
    known = where(path={"i": {"tokyo": "b", "paris": "a"}})
    found = planned(call("DELETE", "image", "/images/i", "tokyo"), known)
    assert found == Plan(Reach.ONE, ("tokyo",))
    with pytest.raises(NotFound):
        planned(call("GET", "compute", "/servers/s", "tokyo"), where(path={"s": {"paris": "x"}}))


def test_two_ids_in_a_path_have_to_be_at_one_site():
    known = where(path={"s": {"paris": "a"}, "v": {"tokyo": "b"}})
    with pytest.raises(NotFound, match="not at one site"):
        planned(call("DELETE", "compute", "/servers/s/os-volume_attachments/v"), known)


def test_what_a_body_refers_to_has_to_be_where_the_object_is():
    known = where(path={"s": {"paris": "a"}}, body={"v": {"tokyo": "b"}})
    with pytest.raises(BadRequest, match="v is at tokyo, but s is at paris"):
        planned(call("POST", "compute", "/servers/s/os-volume_attachments"), known)


PUBLIC = {"paris": "p", "tokyo": "q"}
"""The external network, which is one to tenants."""


@pytest.mark.parametrize(
    ("body", "site", "expected"),
    [
        ({"port": {"tokyo": "x"}, "public": PUBLIC}, "", "tokyo"),
        ({"subnet": {"tokyo": "x"}, "public": PUBLIC}, "", "tokyo"),
        ({"public": PUBLIC}, "", "paris"),
        ({"public": PUBLIC}, "tokyo", "tokyo"),
        ({"other": {"tokyo": "x"}}, "", "tokyo"),
    ],
)
def test_a_floating_ip_is_made_where_its_port_is(body, site, expected):
    found = planned(call("POST", "network", "/floatingips", site), where(body=body))
    assert found == Plan(Reach.ONE, (expected,))


def test_a_floating_ip_does_not_go_to_a_port_at_another_site():
    known = where(path={"f": {"paris": "a"}}, body={"port": {"tokyo": "b"}})
    with pytest.raises(Conflict, match=r"port is at tokyo, but f is at paris.*X-Federation-Site"):
        planned(call("PUT", "network", "/floatingips/f"), known)
    known = where(path={"f": {"tokyo": "a"}}, body={"port": {"tokyo": "b"}})
    found = planned(call("PUT", "network", "/floatingips/f"), known)
    assert found == Plan(Reach.ONE, ("tokyo",))


def test_a_body_may_refer_to_things_that_are_everywhere():
    known = where(path={"s": {"tokyo": "a"}}, body={"f": {"paris": "1", "tokyo": "1"}})
    found = planned(call("POST", "compute", "/servers/s/action"), known)
    assert found == Plan(Reach.ONE, ("tokyo",))


def test_a_create_goes_where_its_references_are():
    known = where(body={"n": {"tokyo": "a"}, "i": {"paris": "b", "tokyo": "c"}})
    found = planned(call("POST", "compute", "/servers"), known)
    assert found == Plan(Reach.ONE, ("tokyo",))


def test_a_rule_of_a_group_that_is_one_is_made_at_each_site():
    known = where(body={"default": {"paris": "a", "tokyo": "b"}})
    found = planned(call("POST", "network", "/security-group-rules"), known)
    assert found == Plan(Reach.EVERY_REPLICA, SITES)


def test_a_rule_of_a_group_of_one_site_is_made_there():
    known = where(body={"web": {"tokyo": "b"}})
    found = planned(call("POST", "network", "/security-group-rules"), known)
    assert found == Plan(Reach.ONE, ("tokyo",))


def test_quotas_are_shared_out_to_all_sites_that_have_the_project():
    asked = call("PUT", "compute", "/os-quota-sets/" + "a" * 32)
    assert planned(asked, where()) == Plan(Reach.SHARES, SITES)
    at_tokyo = where(filters=[{"a" * 32: {"tokyo": "1"}}])
    assert planned(asked, at_tokyo) == Plan(Reach.SHARES, ("tokyo",))
    named = call("PUT", "compute", "/os-quota-sets/" + "a" * 32, "tokyo")
    assert planned(named, where()) == Plan(Reach.ONE, ("tokyo",))


def test_what_is_no_sum_is_changed_at_one_named_site():
    asked = call("PUT", "image", "/schemas/image")
    with pytest.raises(BadRequest, match="X-Federation-Site"):
        planned(asked, where())


def test_a_path_that_nobody_declared_goes_to_the_default_site_and_then_the_others():
    found = planned(call("GET", "compute", "/os-unheard-of"), where())
    assert found == Plan(Reach.ONE, SITES)


def test_a_site_that_does_not_exist_is_a_bad_request_for_every_call():
    for asked in (
        call("GET", "compute", "/servers", "atlantis"),
        call("DELETE", "compute", "/servers/s", "atlantis"),
        call("POST", "compute", "/servers", "atlantis"),
    ):
        with pytest.raises(BadRequest, match="no site 'atlantis'"):
            planned(asked, where(path={"s": {"paris": "a"}} if "s" in asked.path_ids else {}))


def test_alternatives_of_one_filter_ask_every_site_that_has_one_of_them():
    known = where(filters=[{"a": {"paris": "1"}, "b": {"tokyo": "2"}}])
    assert planned(call("GET", "image", "/images"), known) == Plan(Reach.ALL, SITES)
