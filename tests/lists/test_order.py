"""What comes first between two sites, upwards and downwards."""

from hypothesis import example, given
from hypothesis import strategies as st

from federator.order import key_of

VALUES = st.one_of(st.none(), st.integers(-5, 5), st.floats(-5, 5), st.text(max_size=4))
UP, DOWN = [("a", False), ("b", False)], [("a", True), ("b", True)]


@given(st.tuples(VALUES, VALUES), st.tuples(VALUES, VALUES))
@example(("web", None), ("web-1", None))
@example(("", None), (None, None))
@example(("a", None), ("a\0", None))
@example(("ß", 1), ("ss", 1))
def test_downwards_and_backwards_are_upwards_the_other_way_round(one, other):
    up = [key_of(each, UP) for each in (one, other)]
    down = [key_of(each, DOWN) for each in (one, other)]

    assert (up[0] < up[1]) == (down[1] < down[0])
    assert (up[0] == up[1]) == (down[0] == down[1])
    assert [key_of(each, UP, backwards=True) for each in (one, other)] == down
    assert [key_of(each, DOWN, backwards=True) for each in (one, other)] == up
