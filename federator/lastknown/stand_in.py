"""Answers for a site that is away, from what is remembered of it.

    a list     what of its objects the list asks for, as they were last seen
    an object  the same of one
    numbers    limits, quotas and usage as they were last told
    all else   nothing: it stays missing

Never a guess: what cannot be told from what is remembered is 503.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
import structlog
from multidict import CIMultiDict, CIMultiDictProxy

from adapters.kept import unpack
from adapters.mapping import ROLES
from adapters.names import Outward
from adapters.names import Site as SiteNames
from adapters.spec import Ids, Resource, Service
from adapters.translate import rewrite_body, shape
from federator.asker import Question
from federator.call import Call, SiteReply
from federator.faults import Unavailable
from federator.lastknown.draw import in_order, short, whole, with_flavor
from federator.lastknown.filters import CannotTell, asked_for
from federator.lastknown.usage import used
from federator.notice import NUMBERS, name_of_numbers, tells_numbers
from federator.paging import Page
from idmap.front import IdMap
from idmap.records import EVERYBODYS, Record, RecordStore
from idmap.store import StoreUnavailable

_ALL = re.compile(r"(?:^|&)all_tenants(?:=(?!0|false|no|off)[^&]*)?(?:&|$)", re.IGNORECASE)

log = structlog.get_logger(__name__)

_HEADERS = CIMultiDictProxy(CIMultiDict({"Content-Type": "application/json"}))
_SEE_THINGS = frozenset(ROLES)
_SHOW_ALL = frozenset({"network", "image"})
"""Services that show an admin everybody's objects without being asked to."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """Answers for sites. `admins` are the sites where home's admins are admins."""

    records: RecordStore
    ids: IdMap
    names: Mapping[str, SiteNames]
    rules: Mapping[str, Ids]
    admins: Collection[str]
    public_base: str

    async def reply(
        self, question: Question, missing: SiteReply, page: Page | None = None
    ) -> SiteReply:
        """What is known of the answer that a site does not give; `missing` itself if nothing is.

        Raises Unavailable where the answer of the others would mislead.
        """
        call = question.call
        if not question.identity.roles & _SEE_THINGS:
            # A site may well refuse a login that has none of them.
            return missing
        if tells_numbers(call):
            return await self._numbers(question, missing)
        if call.method not in ("GET", "HEAD") or call.resource is None or not call.resource.kept:
            return missing
        try:
            if call.is_list:
                return await self._list(question, call.resource, missing, page)
            if call.object_id is not None and not call.tail:
                return await self._object(question, call.resource, missing)
        except StoreUnavailable as error:
            log.warning("what is known of a site cannot be asked", reason=str(error))
        return missing

    async def _numbers(self, question: Question, missing: SiteReply) -> SiteReply:
        owner = str(question.identity.project_id)
        kept = await self.ids.store.documents(NUMBERS, owner, site=missing.site)
        raw = kept.get(name_of_numbers(question.call))
        if raw is None:
            # To count it as nothing would have somebody believe that there is room.
            raise Unavailable(f"The numbers of {missing.site} are not known just now.")
        seen, body = orjson.loads(raw)
        resource = question.call.resource
        if resource is not None and resource.ranged:
            try:
                body = {resource.key: used(body[resource.key], seen, question.call.query)}
            except CannotTell as error:
                raise Unavailable(
                    f"What was used at {missing.site} is not known just now for this {error}."
                ) from None
        return _known(missing, body, seen)

    async def _list(
        self, question: Question, resource: Resource, missing: SiteReply, page: Page | None
    ) -> SiteReply:
        call, site = question.call, missing.site
        read = (await self.records.readings(site)).get(resource.kind)
        if read is None:
            return missing
        try:
            test = asked_for(call.service, resource, call.query)
        except CannotTell as error:
            raise Unavailable(
                f"What {site} has of this is not known just now: it cannot be asked, and {error} is "
                "not among what is remembered."
            ) from None
        records = await self.records.read(site, resource.kind, self._owners(question, site))
        items = [
            shown
            for was in await self._items(call.service, resource, site, records)
            # Things are found by the status they had, too.
            if test(shown := self._whole(call, was)) or test({**shown, **was})
        ]
        items = in_order(items, page)
        return _known(missing, {resource.keys: await self._shown(call, site, items)}, seen=read)

    async def _object(
        self, question: Question, resource: Resource, missing: SiteReply
    ) -> SiteReply:
        call, site = question.call, missing.site
        local_id = question.where.path.get(str(call.object_id), {}).get(site)
        if local_id is None:
            return missing
        owners = self._owners(question, site)
        record = await self.records.find(site, resource.kind, local_id, owners)
        items = await self._items(call.service, resource, site, [record] if record else [])
        if record is None or not items:
            return missing
        (item,) = await self._shown(call, site, [self._whole(call, items[0])])
        body = item if resource.bare else {resource.key: item}
        return _known(missing, body, seen=record.seen)

    def _owners(self, question: Question, site: str) -> list[str] | None:
        """Whose objects at a site the caller sees; None: everybody's."""
        identity, call = question.identity, question.call
        admin = "admin" in identity.roles and site in self.admins
        if admin and (
            call.service.type in _SHOW_ALL or not call.is_list or _ALL.search(call.query)
        ):
            return None
        pin = self.ids.pins.pin("project", identity.project_id or "")
        own = pin.places.get(site) if pin is not None else None
        return [EVERYBODYS] if own is None else [own, EVERYBODYS]

    async def _items(
        self, service: Service, resource: Resource, site: str, records: Collection[Record]
    ) -> list[dict[str, Any]]:
        """What is remembered of objects, in global form, in the order of their local IDs."""
        local = [
            {resource.id_field: record.local_id, **fields}
            for record in sorted(records, key=lambda each: each.local_id)
            if (fields := unpack(resource, record.content)) is not None
        ]
        out = Outward(self.names[site], self.ids.pins, ids=self.rules)
        body = rewrite_body(shape(service, resource), {resource.keys: local}, out.change)
        await self.ids.register(site, out.seen)
        items: list[dict[str, Any]] = body[resource.keys]
        return items

    def _whole(self, call: Call, fields: dict[str, Any]) -> dict[str, Any]:
        assert call.resource is not None
        return whole(call.service, call.resource, fields, self.public_base)

    async def _shown(
        self, call: Call, site: str, items: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """The items as this call shows them: in short, or of its microversion."""
        resource = call.resource
        assert resource is not None
        if call.is_list and resource.brief and not call.tail:
            return [short(resource, item) for item in items]
        if not any("flavor" in item for item in items):
            return items
        flavor = call.service.resource("flavor")
        known = await self._items(
            call.service, flavor, site, await self.records.read(site, flavor.kind, None)
        )
        flavors = {str(each["id"]): each for each in known}
        version = call.headers.get("OpenStack-API-Version", "").rpartition(" ")[2]
        return [with_flavor(item, version, flavors) for item in items]


def _known(missing: SiteReply, body: Any, seen: int) -> SiteReply:
    return replace(missing, status=200, headers=_HEADERS, body=body, missing="", last_known=seen)
