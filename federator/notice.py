"""Takes note of what passes: objects as they are shown, made, changed and deleted, and numbers.

Nobody waits for this. What is not new is passed over after one look; the rest is written behind the back of
the request. If there is more than can be written, it is let go: the next reading (`federator.upkeep.readings`)
has it again.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson
import structlog
from cachetools import LRUCache, TTLCache

from adapters.identity import SiteToken
from adapters.kept import owner_of, pack, shown_in_full, unpack
from adapters.spec import Merge, Resource, Service
from federator.call import Call, SiteReply
from federator.merge import made_of
from idmap.records import EVERYBODYS, Record, RecordStore
from idmap.store import IdStore, StoreUnavailable

log = structlog.get_logger(__name__)

NUMBERS = "numbers"
"""The kind of the documents with a site's limits, quotas and usage; their owner is the project at home."""

LONGEST_QUEUE = 1000
AT_ONCE = 100
"""Objects packed before others get their turn."""
AGAIN_SECONDS = 300
"""How long an object that does not change is not written again."""
_MOMENTS = frozenset({"start", "end", "limit", "marker"})

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Seen:
    site: str
    resource: Resource
    items: Sequence[Item]
    default_owner: str
    gone: str = ""


@dataclass(slots=True)
class Notice:
    """The one who takes notes. `run` writes them down."""

    records: RecordStore
    store: IdStore
    _queue: asyncio.Queue[_Seen] = field(default_factory=lambda: asyncio.Queue(LONGEST_QUEUE))
    _known: LRUCache[tuple[str, str, str], tuple[object, object, float]] = field(
        default_factory=lambda: LRUCache(100_000)
    )
    _projects: TTLCache[tuple[str, str], str] = field(
        default_factory=lambda: TTLCache(10_000, 3600)
    )
    _numbers: LRUCache[tuple[str, str, str], tuple[Any, float]] = field(
        default_factory=lambda: LRUCache(10_000)
    )

    def seen_lately(self) -> list[tuple[str, str, str]]:
        """(site, project at home, the same at the site) of those that have been asked about."""
        return [(site, home_id, local_id) for (site, home_id), local_id in self._projects.items()]

    def passed(
        self,
        call: Call,
        token: SiteToken,
        reply: SiteReply,
        project_id: str | None,
        local_id: str | None,
    ) -> None:
        """A site has answered a call, in its own IDs, of a project at home.

        `local_id` is that of the object in the path.
        """
        self._projects[token.site, project_id or ""] = token.project_id
        resource = call.resource
        if resource is None or not resource.kept or reply.missing:
            return
        about_one = call.object_id is not None and not call.tail
        if about_one and local_id and _gone(call, reply):
            self._put(_Seen(token.site, resource, (), token.project_id, local_id))
        elif reply.ok and (items := _items(call, resource, reply.body)):
            site, kind, now = token.site, resource.kind, time.time()
            new = [
                each
                for each in items
                if isinstance(each, dict) and self._is_news(site, kind, resource, each, now)
            ]
            if new:
                owner = token.project_id if call.is_create else ""
                self._put(_Seen(site, resource, new, owner))

    async def counted(self, call: Call, site: str, project_id: str | None, body: Any) -> None:
        """A site has told numbers; here in global IDs.

        Kept are only the questions that anybody in the project may ask, and that the readings ask as well
        (`Resource.told`): an admin is told other numbers under other names.
        """
        owner, name, now = str(project_id), name_of_numbers(call), time.time()
        if call.resource is None or name not in told_names(call.service, call.resource, project_id):
            return
        if call.resource.ranged:
            # Of some range or other; the readings know which one serves all.
            return
        known, when = self._numbers.get((site, owner, name), (None, 0))
        if known != body or now - when > AGAIN_SECONDS:
            try:
                raw = orjson.dumps([int(now), body])
                await self.store.put_documents(NUMBERS, owner, {name: raw}, site=site)
                self._numbers[site, owner, name] = body, now
            except StoreUnavailable as error:
                log.warning("numbers not kept", reason=str(error))

    async def run(self) -> None:
        """Write down what was seen. For ever."""
        while True:
            seen = await self._queue.get()
            try:
                await self._write(seen)
            except StoreUnavailable as error:
                log.warning("what passed is not kept", site=seen.site, reason=str(error))
            except Exception:
                log.exception("what passed cannot be kept", site=seen.site)

    def _put(self, seen: _Seen) -> None:
        if not self._queue.full():
            self._queue.put_nowait(seen)

    def _is_news(self, site: str, kind: str, resource: Resource, item: Item, now: float) -> bool:
        key = site, kind, str(item.get(resource.id_field))
        state = item.get("updated") or item.get("updated_at"), item.get("status")
        known = self._known.get(key)
        if known is not None and known[:2] == state and now - known[2] < AGAIN_SECONDS:
            return False
        # What is everybody's is for the gateway's account to say: Neutron calls a network shared to whoever it
        # is shared with.
        if not shown_in_full(resource, item) or owner_of(resource, item) == "":
            return False
        self._known[key] = (*state, now)
        return True

    async def _write(self, seen: _Seen) -> None:
        site, resource = seen.site, seen.resource
        if seen.gone:
            self._known.pop((site, resource.kind, seen.gone), None)
            owners = seen.default_owner, ""
            for owner in owners:
                await self.records.drop(site, resource.kind, owner, [seen.gone])
            return
        for start in range(0, len(seen.items), AT_ONCE):
            items = seen.items[start : start + AT_ONCE]
            records = await self._records(seen, items)
            await self.records.write(site, resource.kind, records)
            if resource.everybodys_if:
                # What is somebody's now may have been everybody's.
                owned = [record.local_id for record in records if record.owner]
                await self.records.drop(site, resource.kind, EVERYBODYS, owned)
            await asyncio.sleep(0)

    async def _records(self, seen: _Seen, items: Sequence[Item]) -> list[Record]:
        resource, now = seen.resource, int(time.time())
        owned = [(owner_of(resource, item) or seen.default_owner, item) for item in items]
        old = {}
        if any(name not in _told(resource, item) for item in items for name in resource.kept):
            # Some microversions do not show what others do: what was known of it stays.
            owners = {owner for owner, _ in owned}
            known = await self.records.read(seen.site, resource.kind, owners)
            old = {record.local_id: unpack(resource, record.content) for record in known}
        records = []
        for owner, item in owned:
            local_id = str(item[resource.id_field])
            if owner or any(item.get(k) == v for k, v in resource.everybodys_if.items()):
                before = old.get(local_id) or {}
                now_told = {resource.owner: owner} if owner and resource.owner else {}
                content = pack(resource, {**before, **now_told, **_told(resource, item)})
                records.append(Record(local_id, owner, content, now))
        return records


def _told(resource: Resource, item: Item) -> Item:
    """Without the objects that an item shows without their ID (flavors, from Nova's 2.47 on)."""
    return {
        name: value
        for name, value in item.items()
        if not (isinstance(value, dict) and f"{name}.id" in resource.refs and "id" not in value)
    }


def name_of_numbers(call: Call) -> str:
    """Under which name the numbers that a call asks for are kept: without moments and what it does not want."""
    if call.resource is not None and call.resource.ranged:
        return f"{call.service.type} {call.path}?"
    pairs = [
        (name, value)
        for name, value in parse_qsl(call.query)
        if name not in _MOMENTS and value.lower() not in ("false", "0")
    ]
    return f"{call.service.type} {call.path}?{urlencode(sorted(pairs))}"


def told_names(service: Service, resource: Resource, project_id: str | None) -> dict[str, str]:
    """The names of what the members of a project may be told -> what the gateway's account asks for it."""
    names = {}
    for shown, asked in resource.told.items():
        path, _, query = shown.partition("?")
        path = path.replace("{project}", project_id or "")
        names[f"{service.type} {path}?{query}"] = asked
    return names


def tells_numbers(call: Call) -> bool:
    """Whether a call asks for limits, quotas or usage."""
    return (
        call.method == "GET" and call.resource is not None and call.resource.merge is Merge.NUMBERS
    )


def _gone(call: Call, reply: SiteReply) -> bool:
    if call.method == "DELETE":
        return reply.status < 300 or reply.status == 404
    return call.method in ("GET", "HEAD") and reply.status in (404, 410)


def _items(call: Call, resource: Resource, body: Any) -> Sequence[Item]:
    if not isinstance(body, dict):
        return ()
    if call.is_list and call.method == "GET":
        items = body.get(resource.keys)
        return items if isinstance(items, list) else ()
    if call.is_create and not resource.bare:
        return made_of(resource, body)
    if call.is_create or (call.object_id is not None and not call.tail):
        item = body if resource.bare else body.get(resource.key)
        return (item,) if isinstance(item, dict) else ()
    return ()
