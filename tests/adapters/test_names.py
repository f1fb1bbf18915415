"""One site's IDs, zones and names outside, and back."""

import pytest

from adapters.names import Inward, Outward, Site, stated_site
from adapters.registry import id_rules
from adapters.spec import ANY, LINK, PROJECT, USER, ZONE
from idmap.ids import global_uuid, site_namespace
from idmap.pins import PinTable
from idmap.store import Location, Pin

TOKYO = Site("tokyo", site_namespace("tokyo"), 7, default_zone="az1")
OSLO = Site("oslo", site_namespace("oslo"), 8)
EAST = Site("tokyo.east", site_namespace("tokyo.east"), 9)
LOCAL = "0b5c3f0e-5d0a-4f5e-9a51-6f1d1c9a7a11"
GLOBAL = "7f0b9d1e-4f0c-4c56-9b3c-0d6f1c9a7a22"
SHADOW = "ab" * 32


def outward(*pins: Pin, **options: object) -> Outward:
    return Outward(TOKYO, PinTable(pins), ids=id_rules(), **options)  # type: ignore[arg-type]


def inward(**local: str) -> Inward:
    return Inward(TOKYO, {GLOBAL: LOCAL, **local}, ids=id_rules())


def test_a_uuid_is_computed_and_remembered() -> None:
    out = outward()
    assert out.change("server", LOCAL) == global_uuid(TOKYO.namespace, LOCAL)
    assert out.seen == {LOCAL}


def test_the_kind_plays_no_part() -> None:
    assert outward().change("server", LOCAL) == outward().change(ANY, LOCAL)


def test_a_pin_comes_first_and_the_id_it_had_before_stays_valid() -> None:
    out = outward(Pin(GLOBAL, "network", "equal", {"tokyo": LOCAL}))
    assert out.change("network", LOCAL) == GLOBAL
    assert out.seen == {LOCAL}


@pytest.mark.parametrize("kind", ["server", "flavor", "aggregate", PROJECT, USER, ANY, "keypair"])
@pytest.mark.parametrize("value", ["", "dhcp-of-something", "*", "(total)", "PARENT"])
def test_what_is_no_id_stays(kind: str, value: str) -> None:
    assert outward().change(kind, value) == value
    assert inward().change(kind, value) == value


@pytest.mark.parametrize(("kind", "value"), [(PROJECT, LOCAL.replace("-", "")), (USER, SHADOW)])
def test_projects_and_users_have_no_hyphens(kind: str, value: str) -> None:
    out = outward()
    shown = out.change(kind, value)
    assert shown == global_uuid(TOKYO.namespace, value).replace("-", "")
    assert out.seen == {value}


def test_the_callers_own_user_and_project_are_homes() -> None:
    out = outward(own={SHADOW: "home-user"})
    assert out.change(USER, SHADOW) == "home-user"
    assert out.seen == set()


def test_every_shadow_of_a_user_is_the_user() -> None:
    pin = Pin("5a" * 16, USER, "mapping", {}, frozenset({Location("tokyo", SHADOW)}))
    assert outward(pin).change(USER, SHADOW) == "5a" * 16


@pytest.mark.parametrize(
    ("there", "shown"),
    [
        ("az1", "tokyo"),
        ("az2", "tokyo.az2"),
        ("nova", "tokyo.nova"),
        ("internal", "tokyo.internal"),
        ("az1:host", "tokyo:host"),
        ("az2:host:node", "tokyo.az2:host:node"),
        ("", ""),
        (":host", ":host"),
    ],
)
def test_zones(there: str, shown: str) -> None:
    assert outward().change(ZONE, there) == shown
    assert inward().change(ZONE, shown) == there


def test_plain_nova_means_the_default_zone() -> None:
    assert inward().change(ZONE, "nova") == "az1"
    assert inward().change(ZONE, "nova:host") == "az1:host"


def test_the_zone_of_another_site_stays() -> None:
    assert inward().change(ZONE, "oslo") == "oslo"


@pytest.mark.parametrize(("local", "shown"), [(12, 12007), ("12", "12007")])
def test_numbers_hold_their_site(local: str | int, shown: str | int) -> None:
    assert outward().change("aggregate", local) == shown
    assert inward().change("aggregate", shown) == local


def test_the_number_of_another_site_stays() -> None:
    assert inward().change("aggregate", 12008) == 12008


def test_kinds_with_numbers_may_have_uuids() -> None:
    assert outward().change("hypervisor", LOCAL) == global_uuid(TOKYO.namespace, LOCAL)
    assert inward().change("hypervisor", GLOBAL) == LOCAL


def test_chosen_names() -> None:
    out = outward(Pin("1@tokyo", "flavor", "equal", {"tokyo": "1"}))
    assert out.change("flavor", "1") == "1@tokyo"
    assert out.change("flavor", "2") == "2"
    assert out.change("flavor", LOCAL) == global_uuid(TOKYO.namespace, LOCAL)
    assert inward().change("flavor", "1@tokyo") == "1"
    assert inward().change("flavor", "1@oslo") == "1@oslo"
    assert inward(big="m1.large").change("flavor", "big") == "m1.large"


def test_a_name_in_the_shape_of_a_uuid_is_a_name() -> None:
    out = outward()
    assert out.change("keypair", LOCAL) == LOCAL
    assert out.seen == set()


def test_unknown_ids_go_to_the_site_as_they_are() -> None:
    other = "1" + LOCAL[1:]
    assert inward().change("server", other) == other


def test_links() -> None:
    out = outward(link=lambda url: url.replace("site", "gateway"))
    assert out.change(LINK, "http://site/x") == "http://gateway/x"
    new = out.change(ANY, LOCAL)
    assert out.change(LINK, f"/v2/images/{LOCAL}/file") == f"/v2/images/{new}/file"
    assert out.change(LINK, f"/v2/images?marker={LOCAL}") == f"/v2/images?marker={new}"
    assert out.change(LINK, "/v2/schemas/image") == "/v2/schemas/image"


@pytest.mark.parametrize(
    ("kind", "value", "site"),
    [
        (ZONE, "tokyo", TOKYO),
        (ZONE, "tokyo.az2:host", TOKYO),
        (ZONE, "tokyo.east", EAST),
        (ZONE, "tokyo.east.az2", EAST),
        (ZONE, "nova", None),
        (ZONE, "tokyoish", None),
        ("flavor", "1@oslo", OSLO),
        ("flavor", "@oslo", None),
        ("aggregate", 12008, OSLO),
        ("aggregate", "12008", OSLO),
        ("aggregate", 12001, None),
        ("server", LOCAL, None),
    ],
)
def test_some_values_name_their_site(kind: str, value: str | int, site: Site | None) -> None:
    assert stated_site(kind, value, [TOKYO, OSLO, EAST]) is site
