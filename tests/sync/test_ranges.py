"""Sets of addresses as ranges, beside Python's own sets."""

from hypothesis import given
from hypothesis import strategies as st

from sync.ipam.ranges import (
    Ranges,
    common,
    holds,
    joined,
    minus,
    number,
    singles,
    size,
    taken,
    text,
)

addresses = st.sets(st.integers(0, 40))


def _set(ranges: Ranges) -> set[int]:
    return {address for start, end in ranges for address in range(start, end + 1)}


def _in_order(ranges: Ranges) -> bool:
    apart = all(ranges[at][1] + 1 < ranges[at + 1][0] for at in range(len(ranges) - 1))
    return apart and all(start <= end for start, end in ranges)


@given(addresses, addresses)
def test_ranges_are_sets(one: set[int], other: set[int]) -> None:
    first, second = singles(one), singles(other)
    for found, expected in (
        (first, one),
        (joined(first, second), one | other),
        (minus(first, second), one - other),
        (common(first, second), one & other),
    ):
        assert _set(found) == expected
        assert _in_order(found)
        assert size(found) == len(expected)
    assert all(holds(first, each) == (each in one) for each in range(-1, 42))


@given(addresses, st.integers(-1, 50), st.integers(1, 5))
def test_what_is_taken_is_there_and_no_more_than_asked(
    there: set[int], count: int, parts: int
) -> None:
    found = taken(singles(there), count, parts)

    assert _set(found) <= there
    assert len(found) <= parts
    assert size(found) <= max(0, count)
    if parts >= len(singles(there)):
        assert size(found) == max(0, min(count, len(there)))


def test_a_prefix_of_ipv6_is_not_counted_one_by_one() -> None:
    start = number("2001:db8::")
    half = ((start, start + 2**63 - 1),)
    whole = ((start, start + 2**64 - 1),)

    assert size(whole) == 2**64
    assert minus(whole, half) == ((start + 2**63, start + 2**64 - 1),)
    assert taken(whole, 16, 4) == ((start + 2**64 - 16, start + 2**64 - 1),)
    assert text(start + 10, 6) == "2001:db8::a"
    assert text(number("10.0.0.1"), 4) == "10.0.0.1"
