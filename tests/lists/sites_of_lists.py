"""Sites that are nothing but lists: sorted as their databases sort, asked as services are asked.

A `BigSite` is what all of them together should look like. Reads and rounds are counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from federator.lists.cursor import Cursor, dump, from_token, load, token
from federator.lists.interleave import Interleaving
from federator.order import SortKey, key_of, values_of

Item = dict[str, Any]
Collation = Callable[[object], Any]


def binary(value: object) -> Any:
    """As PostgreSQL with the C collation: bytes, and nothing comes last."""
    if value is None:
        return 1, 0, b""
    return (0, value, b"") if isinstance(value, int) else (0, 0, str(value).encode())


def ignoring_case(value: object) -> Any:
    """As MariaDB with utf8_general_ci: without case and accents, and nothing comes first."""
    if value is None:
        return 0, 0, ""
    if isinstance(value, int):
        return 1, value, ""
    return 1, 0, str(value).casefold().replace("ä", "a").replace("é", "e")


class Gone(Exception):
    """The marker is not there."""


@dataclass
class Site:
    """One site's list, in its own order."""

    items: list[Item]
    cap: int = 1000
    """What it gives at most, whatever is asked."""
    reads: int = 0
    asked: int = 0

    def page(self, limit: int, marker: str, *, reverse: bool) -> tuple[list[Item], bool]:
        """(items, whether a link says that there are more), in list order."""
        ids = [item["id"] for item in self.items]
        if marker and marker not in ids:
            raise Gone(marker)
        items = self.items[::-1] if reverse else self.items
        start = [item["id"] for item in items].index(marker) + 1 if marker else 0
        limit = min(limit, self.cap)
        found = items[start : start + limit]
        self.reads += len(found)
        self.asked += 1
        return found[::-1] if reverse else found, len(found) == limit


def sorted_by(items: Sequence[Item], order: Sequence[SortKey], collation: Collation) -> list[Item]:
    """The items as a database of this collation gives them; ties by a number of its own."""
    items = sorted(items, key=lambda item: item["row"])
    for name, down in reversed(order):
        items = sorted(items, key=lambda item: collation(item.get(name)), reverse=down)
    return items


@dataclass
class Client:
    """Walks through the merged list of some sites, as the gateway does it."""

    sites: dict[str, Site]
    order: tuple[SortKey, ...]
    twins: dict[str, frozenset[str]] = field(default_factory=dict)
    hidden: set[tuple[str, str]] = field(default_factory=set)
    """(site, ID) of what is not for this client."""
    kept: dict[tuple[str, bool], bytes] = field(default_factory=dict)
    rounds: int = 0
    pages: int = 0
    by_link: bool = False
    link: str = ""

    def page(self, limit: int, marker: str = "", *, reverse: bool = False) -> list[Item]:
        """One page, as clients get it."""
        names = list(self.sites)
        cursor: Cursor | None = None
        if marker:
            cursor = (
                from_token(self.link, "walk", marker, names)
                if self.by_link and not reverse
                else None
            )
            if cursor is None and (raw := self.kept.get((marker, reverse))):
                cursor = load(raw, names)
            assert cursor is not None
        weave = self.weave(limit, cursor, reverse=reverse)
        while asks := weave.asks():
            self.rounds += 1
            self.read(weave, asks)
        self.pages += 1
        items = weave.chosen
        if items:
            onward = weave.onward()
            self.kept[items[-1]["id"], reverse] = dump(onward)
            self.kept.setdefault((items[0]["id"], not reverse), dump(weave.turned_at_start()))
            self.link = token("walk", items[-1]["id"], onward)
        return items[::-1] if reverse else items

    def weave(self, need: int, cursor: Cursor | None, *, reverse: bool) -> Interleaving:
        """The lists, to be read."""
        return Interleaving(
            list(self.sites),
            self.order,
            need,
            identity=lambda item: item["id"],
            twins=lambda item_id: self.twins.get(item_id, frozenset()),
            hidden=lambda site, item: (site, item["id"]) in self.hidden,
            cursor=cursor,
            backwards=reverse,
        )

    def read(self, weave: Interleaving, asks: dict[str, int]) -> None:
        """One round."""
        for name, count in asks.items():
            while True:
                try:
                    marker = weave.behind(name) or weave.marker(name)
                    items, linked = self.sites[name].page(count, marker, reverse=weave.backwards)
                    break
                except Gone:
                    assert weave.step_back(name)
            items = items[::-1] if weave.backwards else items
            shown = [item for item in items if not item.get("hidden")]
            behind = items[-1]["id"] if items and items[-1].get("hidden") else ""
            weave.take(name, shown, more=linked, behind=behind)

    def walk(self, limit: int, marker: str = "", *, reverse: bool = False) -> list[list[Item]]:
        """All pages from here on."""
        pages: list[list[Item]] = []
        while page := self.page(limit, marker, reverse=reverse):
            pages.append(page)
            marker = page[0 if reverse else -1]["id"]
        return pages

    def origin(self, marker: str, *, reverse: bool = False) -> None:
        """Keep the place of an item as if a client had come there."""
        weave = self.weave(10**9, None, reverse=False)
        while asks := weave.asks_to(marker):
            self.read(weave, asks)
        assert weave.reached
        if not reverse:
            weave.pass_one()
        self.kept[marker, reverse] = dump(weave.turned() if reverse else weave.onward())

    @property
    def reads(self) -> int:
        """Items read of all sites."""
        return sum(site.reads for site in self.sites.values())


def in_order(items: Sequence[Item], order: Sequence[SortKey]) -> bool:
    """Whether items stand as one big site would have them, if it compared as we do."""
    keys = [key_of(values_of(item, order), order) for item in items]
    return all(not later < former for former, later in pairwise(keys))
