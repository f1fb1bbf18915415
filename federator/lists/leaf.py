"""A page of a merged list: where it begins, what stands on it, where it ends.

Where it begins is told by our own link, else by what is kept of the page before it, else it is found out
(`federator.lists.origin`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from adapters.spec import Resource
from federator import metrics
from federator.asker import Question
from federator.call import SiteReply
from federator.fanout import Fanout
from federator.lists.cursor import Cursor, dump, from_token, load, token
from federator.lists.interleave import Interleaving, Item
from federator.lists.origin import derived
from federator.lists.walk import Walk
from federator.locate import Locator
from federator.paging import Page
from idmap.notes import Notes
from idmap.store import StoreUnavailable

log = structlog.get_logger(__name__)

KEPT_SECONDS = 3600
"""How long after a page a client can go on with ``marker=<last ID>`` at no cost."""


@dataclass(slots=True)
class Leaf:
    """A page of a merged list, with all that was said by the sites."""

    items: list[Item] = field(default_factory=list)
    more: bool = False
    token: str = ""
    """Where it ends, for the link to the next page."""
    replies: dict[str, SiteReply] = field(default_factory=dict)
    """Of each site that was asked: why it gave no list, else its first answer, without the list."""
    read: dict[str, list[Item]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lists:
    """Answers lists that services give in pages."""

    fanout: Fanout
    locator: Locator
    notes: Notes

    async def leaf(self, question: Question, sites: Sequence[str], page: Page) -> Leaf:
        """The page. Raises Fault; what a site refuses is among the replies."""
        walk = Walk(self.fanout, self.locator, question, sites, page)
        leaf = Leaf()
        cursor = None
        if page.marker:
            if not page.reverse:
                cursor = from_token(page.cursor, walk.name, page.marker, sites)
            cursor = cursor or await self._kept(walk, page.marker)
            if cursor is None and not (cursor := await derived(walk, leaf.replies)):
                return leaf
        weave = walk.weave(page.need, cursor)
        for site in leaf.replies:
            weave.leave(site)
        asks: Mapping[str, int] = weave.asks()
        if page.need == 0:
            asks = dict.fromkeys(sites, 0)
        while asks and await walk.read(weave, asks, leaf.replies):
            asks = weave.asks()
        leaf.items, leaf.more = weave.chosen[page.offset :], weave.more
        leaf.read = weave.read
        metrics.LIST_ITEMS.labels("given").inc(len(leaf.items))
        if leaf.items and (leaf.more or page.limited):
            leaf.token = await self._keep(walk, weave, leaf.items)
        if page.reverse:
            leaf.items.reverse()
        if walk.in_full:
            leaf.items = [_short(walk.resource, item) for item in leaf.items]
        return leaf

    async def _kept(self, walk: Walk, marker: str) -> Cursor | None:
        """What was kept for the page behind this marker."""
        try:
            raw = await self.notes.get(_note(walk.name, marker, walk.page.reverse))
        except StoreUnavailable:
            return None
        return load(raw, walk.sites) if raw else None

    async def _keep(self, walk: Walk, weave: Interleaving, items: Sequence[Item]) -> str:
        """Keep where this page ends, and where it began for those who can go back; the former as token."""
        last, first = walk.id_of(items[-1]), walk.id_of(items[0])
        reverse, onward, back = walk.page.reverse, weave.onward(), weave.turned_at_start()
        if not onward.complete:
            return ""
        put = partial(self.notes.put, seconds=KEPT_SECONDS)
        try:
            await put(_note(walk.name, last, reverse), dump(onward))
            if walk.call.service.type == "network" and walk.page.marker and back.complete:
                name = _note(walk.name, first, not reverse)
                # Who came this way has left a better one: it knows what was given out before.
                if await self.notes.get(name) is None:
                    await put(name, dump(back))
        except StoreUnavailable as error:
            log.warning("where a list was left could not be kept", error=str(error))
        return "" if reverse else token(walk.name, last, onward)


def _short(resource: Resource, item: Item) -> Item:
    """What a short list shows of an item. A status that is not known is shown even there."""
    short = {name: item[name] for name in resource.brief if name in item}
    away = resource.while_away.get("status")
    return {**short, "status": away} if away and item.get("status") == away else short


def _note(name: str, marker: str, reverse: bool) -> str:
    return f"page:{name}:{'-' if reverse else '+'}{marker}"
