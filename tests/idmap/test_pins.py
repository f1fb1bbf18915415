"""The pin table: who is shown as whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idmap.pins import PinTable, dump_pin, identity, load_pin
from idmap.store import Location, Pin

HOME = "0123456789abcdef0123456789abcdef"
PARIS = "11111111111111111111111111111111"
SHADOW = "2222222222222222222222222222222222222222222222222222222222222222"
PROJECT = Pin(HOME, "project", "mapping", {"paris": PARIS}, frozenset({Location("paris", SHADOW)}))
HYPHENS = "01234567-89AB-CDEF-0123-456789ABCDEF"


def test_ids_come_back_as_they_were_pinned() -> None:
    table = PinTable([PROJECT])

    assert table.places(None, HYPHENS) == {"paris": PARIS}
    assert table.global_of(None, "paris", "11111111-1111-1111-1111-111111111111") == HOME
    assert table.global_of("project", "paris", SHADOW) == HOME
    assert list(table) == [PROJECT]


def test_a_uuid_is_pinned_whatever_its_kind() -> None:
    table = PinTable([PROJECT])

    assert table.pin("server", HOME) is table.pin(None, HOME) is PROJECT
    assert table.global_of("consumer", "paris", PARIS) == HOME
    assert table.global_of("consumer", "tokyo", PARIS) is None


def test_other_ids_belong_to_a_kind() -> None:
    shared = Pin("1", "flavor", "equal", {"paris": "1"})
    clash = Pin("1@tokyo", "flavor", "equal", {"tokyo": "1"})
    kind = Pin("1", "volume_type", "equal", {"paris": "7"})
    table = PinTable([shared, clash, kind])

    assert len(table) == 3
    assert table.global_of("flavor", "tokyo", "1") == "1@tokyo"
    assert table.global_of("flavor", "paris", "1") == "1"
    assert table.places("volume_type", "1") == {"paris": "7"}
    assert table.global_of("volume_type", "paris", "1") is None
    assert table.pin(None, "1") is table.global_of(None, "paris", "1") is None


def test_a_place_goes_before_an_alias_and_the_first_before_others() -> None:
    alias = Pin("a", "user", "x", {}, frozenset({Location("paris", "u")}))
    first, second = Pin("b", "user", "x", {"paris": "u"}), Pin("c", "user", "x", {"paris": "u"})

    assert PinTable([alias, first, second]).global_of("user", "paris", "u") == "b"


def test_a_local_uuid_tells_its_site_unless_several_have_it() -> None:
    other = Pin("9" * 32, "image", "equal", {"paris": "3" * 32, "tokyo": "3" * 32})
    table = PinTable([PROJECT, other])

    assert table.location(PARIS) == Location("paris", PARIS)
    assert table.location("3" * 32) is None
    assert table.location(SHADOW) is None


def test_a_pin_that_cannot_be_told_from_others_is_refused() -> None:
    with pytest.raises(ValueError, match="must have a kind"):
        PinTable([Pin("1", "", "equal", {})])


ids = st.one_of(st.text(min_size=1), st.uuids().map(str))
pins = st.builds(
    Pin,
    ids,
    st.text(min_size=1),
    st.text(),
    st.dictionaries(st.text(), ids),
    st.frozensets(st.builds(Location, st.text(), ids)),
)


@given(pins)
def test_a_pin_can_be_written_and_read(pin: Pin) -> None:
    assert load_pin(dump_pin(pin)) == pin


@given(st.lists(pins))
def test_every_global_id_shown_can_be_found(made: list[Pin]) -> None:
    table = PinTable(made)

    for pin in table:
        assert table.pin(*identity(pin)[:1], pin.global_id) is pin
        for site, local_id in pin.places.items():
            shown = table.global_of(pin.kind, site, local_id)
            assert shown is not None
            assert table.pin(pin.kind, shown) is not None
