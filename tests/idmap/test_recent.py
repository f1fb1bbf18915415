"""A set of limited size forgets, and never claims what it does not have."""

from hypothesis import given
from hypothesis import strategies as st

from idmap.recent import RecentSet

members = st.sets(st.tuples(st.sampled_from(["paris", "tokyo"]), st.sampled_from("abcdefghij")))


@given(st.integers(0, 30), st.lists(members))
def test_what_is_claimed_was_added(size: int, pages: list[set[tuple[str, str]]]) -> None:
    recent, added = RecentSet(size), set[tuple[str, str]]()
    for page in pages:
        missing = recent.missing(page)
        assert page - missing <= added
        recent.add(missing)
        added |= page


def test_what_is_used_stays() -> None:
    recent = RecentSet(10)
    hot = {("paris", "hot")}
    recent.add(hot)
    for turn in range(100):
        assert not recent.missing(hot)
        recent.add({("paris", str(turn))})

    assert recent.missing({("paris", "0"), ("paris", "99")}) == {("paris", "0")}


def test_a_page_larger_than_the_set_is_not_kept() -> None:
    recent = RecentSet(10)
    page = {("paris", str(turn)) for turn in range(11)}
    recent.add(page)

    assert recent.missing(page) == page
