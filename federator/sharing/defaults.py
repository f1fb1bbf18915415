"""A project's `default` security group comes into care when it is first changed.

Neutron makes one for each project at each site, and to the tenant they are one (`federator.upkeep.namesakes`).
As long as nobody changes them there is nothing to keep alike, and nothing is touched. The first change makes
them one for good: all sites that have the group keep it from then on, under the ID that it is shown with, and
further sites as soon as they have it (`sync.defaults`).

Only if they are alike: of two groups that differ nobody knows which is right. What cannot be read just now is
seen to by the daemon of its site, if the others are as Neutron made them. And only while each of the sites has
a daemon at work. Else a change is made at each of them by the caller's own token, as before.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from cachetools import LRUCache

from federator.asker import Question
from federator.call import Call
from federator.merge import made_of
from federator.plan import Places
from federator.sharing.closure import Member
from federator.sharing.reader import Reader
from federator.sharing.wanted import Wanted
from idmap.pins import PinTable
from idmap.store import BURIED, SHARED, Pin
from sync.adopting import Adoption, Found, Unadoptable, adoption
from sync.defaults import GROUP, RULE, born_with
from sync.kind import Kind
from sync.plan import Replica
from sync.registry import all_kinds

log = structlog.get_logger(__name__)

DEFAULT = "default"
_WHOLE = "security_group_id"
_OTHERS = 10_000
"""So many groups are remembered to be no default groups."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """Takes default groups into care."""

    wanted: Wanted
    reader: Reader
    others: LRUCache[str, bool] = field(default_factory=lambda: LRUCache(_OTHERS))
    """Global IDs of groups that are none."""

    async def taken(self, question: Question) -> Question:
        """The question, once the default group that it changes is in care, if it can be.

        Raises Fault, StoreUnavailable.
        """
        if not self._may_change_one(question.call):
            return question
        for group in await self._groups(question):
            await self._take(group, question)
        # Also if somebody else has taken it since they were looked up.
        return await self.reader.located(question)

    async def seen_to(self, members: Iterable[Member], site: str, question: Question) -> None:
        """If a default group is among these: Neutron makes the project's own at the site, if it has none yet.

        It does so for whoever asks for a list, and in no other way.
        """
        if any(each.kind is GROUP and each.item.get("name") == DEFAULT for each in members):
            path = f"{GROUP.resource.path}?name={DEFAULT}"
            await self.reader.reply(path, site, question.identity, question.request_id)

    @staticmethod
    def _may_change_one(call: Call) -> bool:
        if call.resource not in (GROUP.resource, RULE.resource) or call.tail:
            return False
        if call.headers.get("X-Federation-Site"):
            # It is this site's own affair.
            return False
        if call.resource is RULE.resource:
            return call.is_create or call.method == "DELETE"
        return call.method == "PUT" and call.object_id is not None

    async def _groups(self, question: Question) -> list[str]:
        """The default groups that a call changes, as far as they are in nobody's care."""
        call, where = question.call, question.where
        assert call.resource is not None
        groups: Mapping[str, Places]
        if call.is_create:
            named = {str(each.get(_WHOLE)) for each in made_of(call.resource, call.body)}
            groups = {each: where.body[each] for each in sorted(named) if each in where.body}
        elif call.resource is GROUP.resource:
            groups = where.path
        else:
            groups = await self._group_of(question)
        found = [self._shown(each, places) for each, places in groups.items() if places]
        return [
            group
            for group, places in found
            if await self._is_open(group)
            if await self._is_default(group, places, question)
        ]

    def _shown(self, ref: str, places: Places) -> tuple[str, Places]:
        """The ID by which a group is known, and its places."""
        site, local_id = next(iter(places.items()))
        return self.reader.locator.shown(site, local_id), places

    async def _is_open(self, group: str) -> bool:
        """Whether it is in nobody's care; or somebody died when he was about to take it."""
        pin = self.wanted.ids.pins.pin(GROUP.resource.kind, group)
        if pin is None or pin.origin not in (SHARED, BURIED):
            return True
        return pin.origin == SHARED and not await self.wanted.store.get([group])

    async def _is_default(self, group: str, places: Places, question: Question) -> bool:
        """Whether a group is a default group: one that is none never becomes one."""
        if group in self.others or not await self._any_led(places):
            return False
        if len(places) > 1:
            # No others are one at several sites without being in care.
            return True
        body = await self._read(GROUP, group, next(iter(places)), question)
        if body is not None and body.get("name") != DEFAULT:
            self.others[group] = True
        return body is not None and body.get("name") == DEFAULT

    async def _any_led(self, places: Places) -> bool:
        return any([await self.wanted.store.led(site) for site in places])

    async def _group_of(self, question: Question) -> Mapping[str, Places]:
        """The group of a rule, and its places; nothing if it is in care, or nobody can say."""
        rule, where = str(question.call.object_id), question.where
        places = where.path.get(rule, {})
        if not places or (rule in where.anchors and await self.wanted.store.get([rule])):
            return {}
        if not await self._any_led(places):
            return {}
        for site in places:
            body = await self._read(RULE, rule, site, question)
            if body is not None:
                group = str(body[_WHOLE])
                return await self.reader.locator.places(GROUP.name, [group], question.identity)
        return {}

    async def _read(
        self, kind: Kind, global_id: str, site: str, question: Question
    ) -> Mapping[str, Any] | None:
        """An object as the caller sees it at a site, in global IDs; None if he does not."""
        path = f"{kind.resource.path}/{global_id}"
        reply = await self.reader.reply(path, site, question.identity, question.request_id)
        if not reply.ok or not isinstance(reply.body, dict):
            return None
        return dict(reply.body[kind.resource.key])

    async def _take(self, group: str, question: Question) -> None:
        """Take it into care, if it can be and nobody else has."""
        ids, store = self.wanted.ids, self.wanted.store
        found = await self.reader.locator.places(GROUP.name, [group], question.identity)
        places = found.get(group)
        if not places or places.keys() & await self.wanted.unread():
            return
        if places.keys() - await store.ever_led(places):
            return
        try:
            new = await self._adoption(group, places, question)
        except Unadoptable as error:
            # What differs may be the change of somebody who was faster, and is at one site so far.
            await ids.refresh()
            log.info("a default group is not taken into care", id=group, why=str(error))
            return
        written = False
        while not written:
            seen = ids.state
            if not await self._is_open(group):
                # Somebody was faster, and what was read here may be gone by now.
                return
            written = await ids.store.put_pins(_as_before(new.pins, ids.pins), seen=seen)
            await ids.refresh()
        for entry in new.entries:
            # Parts first. What is there already somebody else has written, with the same in mind.
            await store.put(entry)
        await store.wake(places)

    async def _adoption(self, group: str, places: Places, question: Question) -> Adoption:
        """What is to be written: the groups as the caller sees them at each site. Raises Unadoptable."""
        order = [each.name for each in self.reader.locator.names if each.name in places]
        found, away = [], []
        for site in order:
            item = await self._read(GROUP, group, site, question)
            if item is None:
                # It comes into care there when its daemon sees that nobody has changed it.
                away.append(site)
                continue
            if not await self.wanted.store.led(site):
                raise Unadoptable(f"no daemon of {site} is at work")
            if (
                item.get("name") != DEFAULT
                or item.get("project_id") != question.identity.project_id
            ):
                raise Unadoptable("it is no default group of the caller's")
            rules = [await self._replica(RULE, rule, site) for rule in item["security_group_rules"]]
            whole = Replica(GROUP.name, places[site], item, item, None)
            found.append(Found(site, whole, {RULE.name: rules}))
        if away and not (found and found[0].site == order[0] and _is_untouched(found[0])):
            raise Unadoptable(f"it cannot be read at {away[0]}")
        return adoption(all_kinds(), GROUP, found, self.wanted.ids.pins, one=group)

    async def _replica(self, kind: Kind, item: Any, site: str) -> Replica:
        """An object of a site that was read in global IDs. Raises Unadoptable if it is gone meanwhile."""
        shown = str(item["id"])
        places = self.wanted.ids.pins.places(kind.resource.kind, shown) or {}
        local_id = places.get(site)
        if local_id is None:
            place = (await self.wanted.ids.locate([shown])).found.get(shown)
            if place is None or place.site != site:
                raise Unadoptable(f"{kind.noun} {shown} is not known")
            local_id = place.local_id
        return Replica(kind.name, local_id, item, item, None)


def _is_untouched(group: Found) -> bool:
    """Whether it has the rules that Neutron gave it, and no others."""
    said = {RULE.natural(each.item) for each in group.observed[RULE.name]}
    return said == born_with(group.replica.global_id)


def _as_before(pins: Sequence[Pin], known: PinTable) -> list[Pin]:
    """The pins, with all that leads to their objects; and those that go, for these take their places."""
    new, wanted = [], {pin.global_id for pin in pins}
    for pin in pins:
        before = known.pin(pin.kind, pin.global_id)
        if before is not None:
            places = {**before.places, **pin.places}
            pin = replace(pin, places=places, aliases=before.aliases, former=before.former)
        new.append(pin)
        for site, local_id in pin.places.items():
            other = known.global_of(pin.kind, site, local_id)
            old = known.pin(pin.kind, other) if other is not None else None
            if old is not None and old.global_id not in wanted:
                new.append(replace(old, places={}, aliases=frozenset()))
    return new
