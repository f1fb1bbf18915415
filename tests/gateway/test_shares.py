"""How a limit of the federation is dealt out to the sites."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federator.shares import dealt, shares, told_by

uses = st.lists(st.integers(0, 10**9), min_size=1, max_size=8)
limits = st.integers(0, 10**12)


@given(limits, uses)
def test_the_parts_add_up_to_the_limit(limit: int, used: list[int]) -> None:
    parts = shares(limit, used)

    assert len(parts) == len(used)
    assert sum(parts) == limit
    assert min(parts) >= 0


@given(limits, uses)
def test_no_site_gets_less_than_it_uses_if_there_is_enough(limit: int, used: list[int]) -> None:
    parts = shares(limit, used)

    if sum(used) <= limit:
        assert all(part >= own for part, own in zip(parts, used, strict=True))
        left = [part - own for part, own in zip(parts, used, strict=True)]
        assert max(left) - min(left) <= 1
    else:
        assert all(part <= own + 1 for part, own in zip(parts, used, strict=True))


def test_no_limit_is_no_limit_anywhere() -> None:
    assert shares(-1, [3, 0]) == [-1, -1]


@pytest.mark.parametrize(
    ("wanted", "paris", "tokyo"),
    [
        ({"cores": 11}, {"cores": 7}, {"cores": 4}),
        ({"cores": "11"}, {"cores": 7}, {"cores": 4}),
        ({"keys": 7}, {"keys": 7}, {"keys": 7}),
        ({"force": True, "cores": 3}, {"force": True, "cores": 3}, {"force": True, "cores": 0}),
        ({"only_there": 5}, None, {"only_there": 5}),
        ({"nowhere": 5}, {"nowhere": 3}, {"nowhere": 2}),
        ({"cores": None}, {"cores": None}, {"cores": None}),
        ({}, None, None),
    ],
)
def test_what_each_site_is_told(wanted, paris, tokyo) -> None:
    told = {
        "paris": told_by(
            {"id": "x", "cores": {"limit": 20, "in_use": 2, "reserved": 1}, "keys": 9}
        ),
        "tokyo": told_by({"cores": {"limit": 20, "used": 0}, "keys": 9, "only_there": 1}),
    }

    parts = {"paris": paris, "tokyo": tokyo}
    assert dealt(wanted, told, {"keys"}) == {name: part for name, part in parts.items() if part}


@pytest.mark.parametrize("document", [None, [], "x", {"cores": None}, {"cores": {"limit": "1"}}])
def test_what_is_no_numbers_tells_nothing(document: object) -> None:
    assert told_by(document) == {}
