"""Cursors are carried and kept without loss; what clients make of them does no harm."""

import zlib

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federator.lists.cursor import (
    CHAIN,
    LONGEST_TOKEN,
    Ahead,
    Cursor,
    Stop,
    dump,
    from_token,
    load,
    token,
)
from federator.lists.interleave import Interleaving

SITES = ["paris", "tokyo"]
values = st.none() | st.integers(-(2**53), 2**53) | st.text(max_size=64)
aheads = st.none() | st.builds(Ahead, st.text(max_size=36), st.tuples(values, values))
stops = st.builds(
    Stop,
    st.lists(st.text(max_size=36), max_size=CHAIN, unique=True).map(tuple),
    st.booleans(),
    aheads,
    st.booleans(),
    st.none() | st.integers(0, 1000).map(lambda n: n / 1000),
)
cursors = st.builds(
    Cursor,
    st.fixed_dictionaries(dict.fromkeys(SITES, stops)),
    st.dictionaries(st.text(max_size=36), st.frozensets(st.sampled_from(SITES)), max_size=3),
)
PLAIN = Cursor(
    {"paris": Stop(("a",), ahead=Ahead("b", (1,)), share=0.5), "tokyo": Stop(ended=True)}
)


@given(cursors)
def test_a_cursor_comes_back_as_it_was(cursor: Cursor) -> None:
    assert load(dump(cursor), SITES) == cursor
    if word := token("walk", "a", cursor):
        assert from_token(word, "walk", "a", SITES) == cursor


def test_a_link_is_good_for_its_own_page_only() -> None:
    word = token("walk", "a", PLAIN)

    assert from_token(word, "walk", "a", SITES) == PLAIN
    assert from_token(word, "walk", "b", SITES) is None
    assert from_token(word, "other", "a", SITES) is None
    assert from_token(word, "walk", "a", [*SITES, "osaka"]) is None
    assert from_token(word[:-3], "walk", "a", SITES) is None


def test_a_long_cursor_is_not_put_into_links() -> None:
    many = {f"id-{n}-{n * 7919}": frozenset(SITES) for n in range(2000)}

    assert token("walk", "a", Cursor(PLAIN.stops, many)) == ""


@given(st.text(max_size=LONGEST_TOKEN) | st.binary(max_size=99).map(lambda raw: raw.hex()))
def test_no_word_of_a_client_is_an_error(word: str) -> None:
    assert from_token(word, "walk", "a", SITES) is None


@pytest.mark.parametrize(
    "content",
    [
        [],
        [{}, {}],
        [{"paris": [], "tokyo": []}, {}],
        [{"paris": ["a", True, None, False, 0.5], "tokyo": [[], True, None, False, 0.5]}, {}],
        [{"paris": [[], True, None, False, 7], "tokyo": [[], True, None, False, 0.5]}, {}],
        [{"paris": [[], True, ["x", {}], False, 1], "tokyo": [[], True, None, False, 0.5]}, {}],
        [{"paris": [[], True, [], False, 1], "tokyo": [[], True, None, False, 0.5]}, {}],
        [{"paris": [[], True, None, False, 1], "tokyo": [[], True, None, False, 0.5]}, {"x": 1}],
        [
            {"paris": [[], True, None, False, 1], "tokyo": [[], True, None, False, 0.5]},
            {"x": ["oslo"]},
        ],
        "x" * 10_000_000,
    ],
    ids=lambda content: str(content)[:40],
)
def test_what_is_no_cursor_is_none(content: object) -> None:
    assert load(zlib.compress(orjson.dumps(content)), SITES) is None


@pytest.mark.parametrize("gone", [["x"] * 300, [f"x{n}" for n in range(300)], ["x"] * CHAIN])
def test_markers_that_are_gone_cost_few_questions_however_many_a_client_makes_up(
    gone: list[str],
) -> None:
    hostile = Cursor({"paris": Stop(tuple(gone)), "tokyo": Stop(ended=True)})
    word = token("walk", "a", hostile)
    assert word
    cursor = from_token(word, "walk", "a", SITES)
    asked = []
    if cursor is not None:
        weave = Interleaving(SITES, (), 10, identity=lambda item: item["id"], cursor=cursor)
        while marker := weave.marker("paris"):
            asked.append(marker)
            weave.step_back("paris")

    assert len(asked) <= len(set(gone))
    assert len(asked) <= CHAIN
    assert load(dump(hostile), SITES) == cursor


def test_a_cursor_of_more_twins_than_a_page_needs_is_none() -> None:
    def carried(count: int) -> Cursor | None:
        return load(
            dump(Cursor(PLAIN.stops, dict.fromkeys(map(str, range(count)), frozenset()))), SITES
        )

    assert carried(1000) is not None
    assert carried(1001) is None


@pytest.mark.parametrize(
    ("stop", "backwards", "expected"),
    [
        (Stop(), False, "abcde"),
        (Stop(("c", "b", "a")), False, "de"),
        (Stop(("gone", "b", "a")), False, "cde"),
        (Stop(("gone",), whole=False, ahead=Ahead("d", ())), False, "de"),
        (Stop(("gone",), whole=False), False, ""),
        (Stop(), True, "edcba"),
        (Stop(("c", "d", "e")), True, "ba"),
        (Stop(("gone",), whole=False, ahead=Ahead("b", ())), True, "ba"),
        (Stop(("gone",), whole=False), True, ""),
    ],
)
def test_what_is_remembered_of_a_site_goes_on_where_the_site_was_left(
    stop: Stop, backwards: bool, expected: str
) -> None:
    weave = Interleaving(
        ["paris"],
        (),
        10,
        identity=lambda item: item["id"],
        cursor=Cursor({"paris": stop}),
        backwards=backwards,
    )
    assert weave.asks()
    weave.take_remembered("paris", [{"id": each} for each in "abcde"])

    assert weave.asks() == {}
    assert "".join(item["id"] for item in weave.chosen) == expected
