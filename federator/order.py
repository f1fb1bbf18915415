"""Which of two items of different sites comes first. Pure.

Inside a site nothing is compared: how a database sorts names, and where it puts what has no value, is its
own affair. Between sites these ranks decide, the same on every page.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from unicodedata import combining, normalize

SortKey = tuple[str, bool]
"""(field of an item, whether descending)"""

Rank = tuple[int, float, str]
Key = tuple["Rank | Down", ...]


class Down:
    """A rank of which the greater comes first."""

    __slots__ = ("rank",)

    def __init__(self, rank: Rank) -> None:
        self.rank = rank

    def __lt__(self, other: "Down") -> bool:
        return other.rank < self.rank

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Down) and other.rank == self.rank

    def __hash__(self) -> int:
        return hash(self.rank)


def values_of(item: Mapping[str, Any], order: Sequence[SortKey]) -> tuple[object, ...]:
    """What an item is sorted by; None where it does not show it."""
    return tuple(item.get(name) for name, _ in order)


def key_of(values: Sequence[object], order: Sequence[SortKey], *, backwards: bool = False) -> Key:
    """Something comparable: the lesser comes first, `backwards` the greater."""
    ranks = (rank(value) for value in values)
    return tuple(
        Down(each) if down is not backwards else each
        for each, (_, down) in zip(ranks, order, strict=True)
    )


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
