"""Which of two items of different sites comes first. Pure.

Inside a site nothing is compared: how a database sorts names, and where it puts what has no value, is its
own affair. Between sites these ranks decide, the same on every page.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from unicodedata import combining, normalize

SortKey = tuple[str, bool]
"""(field of an item, whether descending)"""

Rank = tuple[int, float, str | bytes]
Key = tuple[Rank, ...]

_REVERSED = bytes([*range(254, -1, -1), 255])
_END = b"\xff"
"""Behind every other byte (UTF-8 has no such one): downwards, what goes on comes before what ends."""


def values_of(item: Mapping[str, Any], order: Sequence[SortKey]) -> tuple[object, ...]:
    """What an item is sorted by; None where it does not show it."""
    return tuple([item.get(name) for name, _ in order])


def key_of(values: Sequence[object], order: Sequence[SortKey], *, backwards: bool = False) -> Key:
    """Something comparable: the lesser comes first, `backwards` the greater."""
    return tuple(
        [
            _reversed(rank(value)) if down is not backwards else rank(value)
            for value, (_, down) in zip(values, order, strict=True)
        ]
    )


def _reversed(rank: Rank) -> Rank:
    """A rank that is the less the greater this one is: plain values, for they are compared very often."""
    kind, number, text = rank
    assert isinstance(text, str)
    raw = text.encode(errors="surrogatepass").translate(_REVERSED) + _END if kind == 2 else b""
    return -kind, -number, raw


def rank(value: object) -> Rank:
    """Something comparable of any value: nothing first, then numbers, then text.

    Text as MariaDB and MySQL sort it with the collation that most clouds have (``utf8_general_ci``): capitals
    and accents make no difference, nor do spaces at the end. So their lists interleave as one list would.
    """
    if value is None:
        return 0, 0, ""
    if isinstance(value, bool | int | float):
        return 1, value, ""
    text = str(value).rstrip(" ")
    if not text.isascii():
        text = "".join(each for each in normalize("NFD", text) if not combining(each))
    return 2, 0, text.upper()
