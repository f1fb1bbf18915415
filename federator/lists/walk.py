"""Reads one list of one caller at many sites, round by round, and copes with what they answer."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qsl

import orjson
import structlog

from adapters.spec import Ids, Resource
from federator import metrics
from federator.answer import ABSENT
from federator.asker import Question
from federator.call import Call, SiteReply
from federator.fanout import Fanout
from federator.hiding import hides
from federator.lists.cursor import Cursor
from federator.lists.interleave import Interleaving, Item
from federator.locate import Locator
from federator.merge import identity
from federator.paging import LARGEST_PAGE, LONGEST_LIST, Page, filters_of

log = structlog.get_logger(__name__)

_NO_SUCH_MARKER = (400, 404)


@dataclass(frozen=True, slots=True)
class Walk:
    """One list that one caller reads, with all that the sites have to be told."""

    fanout: Fanout
    locator: Locator
    question: Question
    sites: Sequence[str]
    page: Page

    @property
    def call(self) -> Call:
        return self.question.call

    @property
    def resource(self) -> Resource:
        assert self.call.resource is not None
        return self.call.resource

    @property
    def name(self) -> str:
        """What is the same for all pages of it, and for those of nobody else."""
        who, call = self.question.identity, self.call
        words = sorted(parse_qsl(filters_of(call.query), keep_blank_values=True))
        words = [pair for pair in words if pair[0] != "offset"]
        parts = [who.user_id, who.project_id, call.service.type, call.path, *self.sites, words]
        return blake2b(orjson.dumps(parts), digest_size=16).hexdigest()

    def weave(
        self, need: int, cursor: Cursor | None = None, *, backwards: bool | None = None
    ) -> Interleaving:
        """The lists of the sites, to be read from a cursor on."""
        return Interleaving(
            self.sites,
            self.page.order,
            need,
            identity=self.id_of,
            twins=self._twins,
            hidden=partial(self._hidden, set()),
            cursor=cursor,
            backwards=self.page.reverse if backwards is None else backwards,
            largest=LARGEST_PAGE,
        )

    def id_of(self, item: Item) -> str:
        """What a client says as marker to mean this item."""
        own = item.get(self.resource.marker_field) if self.resource.marker_field else None
        return str(identity(self.resource, item) if own is None else own)

    @property
    def in_full(self) -> bool:
        """Whether the items have to be read in their long form, for the short one does not show the order."""
        brief = self.resource.brief
        return (
            bool(brief) and not self.call.tail and any(n not in brief for n, _ in self.page.order)
        )

    async def read(
        self, weave: Interleaving, asks: Mapping[str, int], replies: dict[str, SiteReply]
    ) -> bool:
        """One round: read so many items of these sites. False if one of them refuses the question."""
        results = await asyncio.gather(
            *(self._read_on(weave, site, count) for site, count in asks.items()),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        for site, reply in zip(asks, results, strict=True):
            assert isinstance(reply, SiteReply)
            if reply.ok:
                replies.setdefault(site, reply)
            else:
                replies[site] = reply
                weave.leave(site)
        said = {replies[site].status for site in asks}
        return not any(400 <= each < 500 and each not in (*ABSENT, 429) for each in said)

    async def ask(
        self, site: str, limit: int, marker: str = "", *, reverse: bool, local: bool = False
    ) -> SiteReply:
        """What a site answers to the question for so many items behind a marker; `local`: in its own words."""
        question, page = self.question, replace(self.page, reverse=reverse)
        call, where = question.call, question.where
        query = page.for_site(call.query, limit, marker)
        if marker and not local:
            places = await self.locator.places(self.resource.id_kind, [marker], question.identity)
            where = replace(where, filters=[*where.filters, places])
        call = replace(call, query=query)
        if self.in_full:
            tail = self.resource.details[0]
            call = replace(call, path=f"{call.path}/{tail}", tail=tail)
        return await self.fanout.ask(replace(question, call=call, where=where), site, page)

    async def _read_on(self, weave: Interleaving, site: str, count: int) -> SiteReply:
        """Read on at one site, into `weave`. The reply is without the list."""
        while True:
            behind = weave.behind(site)
            marker = behind or weave.marker(site)
            local = bool(behind)
            reply = await self.ask(site, count, marker, reverse=weave.backwards, local=local)
            if marker and reply.status in _NO_SUCH_MARKER and weave.step_back(site):
                # Deleted meanwhile: what was before it tells the place as well.
                continue
            if not reply.ok:
                return reply
            items = _items(reply, self.resource)
            if items is None or len(weave.read[site]) > LONGEST_LIST:
                reason = f"its answer is not a list of {self.resource.keys}"
                log.warning("site missing", site=site, reason=reason)
                return SiteReply(site, missing=reason)
            linked = _links_on(reply.body, "previous" if weave.backwards else "next")
            metrics.LIST_ITEMS.labels("read").inc(len(items))
            if reply.last_known:
                # All that is remembered, from the beginning.
                weave.take_remembered(site, items)
                return replace(reply, body=_beside(reply.body, self.resource), raw=b"")
            last = reply.ends[0 if weave.backwards else 1]
            known = bool(items) and weave.knows(site, self.id_of(items[0]))
            repeated = bool(marker) and (known or (bool(last) and last == behind))
            if repeated:
                if linked:
                    return SiteReply(site, missing="its list of pages does not end")
                # It has no pages of this list, and gave the whole of it before.
                items = []
            if weave.backwards:
                items = items[::-1]
            read = 0 if repeated else len(items) + reply.hidden
            weave.take(
                site,
                items,
                more=read > 0 and (linked or (count > 0 and read == count)),
                behind=last,
            )
            return replace(reply, body=_beside(reply.body, self.resource), raw=b"")

    def _hidden(self, shown: set[str], site: str, item: Item) -> bool:
        if hides(self.resource, item, site, self.sites, self.locator.ids.pins):
            return True
        pin = self.locator.ids.pins.pin(self.resource.id_kind, self.id_of(item))
        if pin is None or not pin.anchor:
            return False
        # While an object is made again at its anchor there are two of it for a moment.
        known = len(shown)
        shown.add(self.id_of(item))
        return len(shown) == known

    def _twins(self, item_id: str) -> Collection[str]:
        resource = self.resource
        if not (resource.equal_by or resource.shared or resource.ids is Ids.CHOSEN):
            return ()
        pin = self.locator.ids.pins.pin(resource.id_kind, item_id)
        # Of a shared object only the anchor's is shown, if there is one.
        return pin.places if pin is not None and pin.anchor not in pin.places else ()


def _items(reply: SiteReply, resource: Resource) -> list[Item] | None:
    """The items of a list; None for anything that is not this list."""
    items = reply.body.get(resource.keys) if isinstance(reply.body, dict) else None
    if reply.status >= 300 or not isinstance(items, list):
        return None
    return items if all(isinstance(item, dict) for item in items) else None


def _links_on(body: Mapping[str, Any], rel: str) -> bool:
    """Whether a site says that its list goes on."""
    if body.get("next"):
        return True
    lists = [each for name, each in body.items() if name.endswith("_links")]
    return any(
        isinstance(link, dict) and link.get("rel") == rel
        for links in lists
        if isinstance(links, list)
        for link in links
    )


def _beside(body: Mapping[str, Any], resource: Resource) -> dict[str, Any]:
    """What stands beside a list in a body, without links to neighbouring pages."""
    return {
        name: value
        for name, value in body.items()
        if name not in (resource.keys, "next", "first") and not name.endswith("_links")
    }
