"""A project's `default` security group comes into care when it is first changed.

Neutron makes one for each project at each site, and to the tenant they are one (`federator.upkeep.namesakes`).
As long as nobody changes them there is nothing to keep alike, and nothing is touched. The first change makes
them one for good: all sites that have the group keep it from then on, under the ID that it is shown with.

Only if they are alike: of two groups that differ nobody knows which is right. And only while each of their
sites has a daemon at work. Else a change is made at each of them by the caller's own token, as before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from adapters.identity import Identity
from adapters.spec import Resource
from adapters.translate import Shape
from federator.call import Call
from federator.merge import made_of
from federator.plan import Whereabouts
from federator.sharing.reader import Reader
from federator.sharing.wanted import Wanted
from idmap.pins import PinTable
from idmap.store import BURIED, SHARED, Pin
from sync.adopting import Adoption, Found, Unadoptable, adoption
from sync.kind import Kind
from sync.plan import Replica
from sync.registry import all_kinds, kind_of

log = structlog.get_logger(__name__)

GROUP, RULE = kind_of("security_group"), kind_of("security_group_rule")
DEFAULT = "default"
_WHOLE = "security_group_id"


@dataclass(frozen=True, slots=True)
class Defaults:
    """Takes default groups into care."""

    wanted: Wanted
    reader: Reader

    async def taken(
        self,
        call: Call,
        form: Shape | None,
        where: Whereabouts,
        identity: Identity,
        request_id: str,
    ) -> Whereabouts:
        """Where a call's IDs live, once the default group that it changes is in care, if it can be.

        Raises Fault, StoreUnavailable.
        """
        if not self._may_change_one(call):
            return where
        for group in await self._groups(call, where, identity, request_id):
            if await self._taken(group, identity, request_id):
                where = await self.reader.locator.whereabouts(call, form, identity)
        return where

    async def seen_to(
        self, items: Sequence[Any], site: str, identity: Identity, request_id: str
    ) -> None:
        """If a default group is among these: Neutron makes the project's own at the site, if it has none yet.

        It does so for whoever asks for a list, and in no other way.
        """
        if any(each.get("name") == DEFAULT and "stateful" in each for each in items):
            path = f"{GROUP.resource.path}?name={DEFAULT}"
            await self.reader.reply(path, site, identity, request_id)

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

    async def _groups(
        self, call: Call, where: Whereabouts, identity: Identity, request_id: str
    ) -> list[str]:
        """The default groups that a call changes, as far as they are one at several sites."""
        assert call.resource is not None
        if call.is_create:
            named = {str(each.get(_WHOLE)) for each in made_of(call.resource, call.body)}
            places = [where.body[each] for each in sorted(named) if each in where.body]
        else:
            places = [where.path.get(str(call.object_id), {})]
        pins = [self._pin(call.resource, each) for each in places]
        found = [pin for pin in pins if pin is not None and len(pin.places) > 1]
        if call.resource is GROUP.resource or call.is_create:
            return [pin.global_id for pin in found if await self._is_open(pin)]
        return [
            group
            for pin in found
            if pin.origin not in (SHARED, BURIED)
            if (group := await self._group_of(pin, identity, request_id))
        ]

    def _pin(self, resource: Resource, places: Any) -> Pin | None:
        pins = self.wanted.ids.pins
        for site, local_id in places.items():
            shown = pins.global_of(resource.kind, site, local_id)
            return pins.pin(resource.kind, shown) if shown is not None else None
        return None

    async def _is_open(self, pin: Pin) -> bool:
        """Whether it is in nobody's care; or somebody died when he was about to take it."""
        if pin.origin == BURIED:
            return False
        return pin.origin != SHARED or not await self.wanted.store.get([pin.global_id])

    async def _group_of(self, rule: Pin, identity: Identity, request_id: str) -> str:
        """The global ID of the group of a rule; empty if nobody can say."""
        path = f"{RULE.resource.path}/{rule.global_id}"
        for site in rule.places:
            reply = await self.reader.reply(path, site, identity, request_id)
            if reply.ok and isinstance(reply.body, dict):
                return str(reply.body[RULE.resource.key][_WHOLE])
        return ""

    async def _taken(self, group: str, identity: Identity, request_id: str) -> bool:
        """Whether it is in care now."""
        ids, store = self.wanted.ids, self.wanted.store
        while True:
            await ids.refresh()
            seen, pins = ids.state, ids.pins
            pin = pins.pin(GROUP.resource.kind, group)
            if pin is None or not await self._is_open(pin):
                return pin is not None and pin.anchor != ""
            if pin.places.keys() & await self.wanted.unread() or not await self._all_led(pin):
                return False
            try:
                new = await self._adoption(pin, identity, request_id)
            except Unadoptable as error:
                log.info("a default group is not taken into care", id=group, why=str(error))
                return False
            if await ids.store.put_pins(_as_before(new.pins, pins), seen=seen):
                break
        await ids.refresh()
        for entry in new.entries:
            # Parts first. What is there already somebody else has written, with the same in mind.
            await store.put(entry)
        await store.wake(pin.places)
        return True

    async def _all_led(self, pin: Pin) -> bool:
        return all([await self.wanted.store.led(site) for site in pin.places])

    async def _adoption(self, pin: Pin, identity: Identity, request_id: str) -> Adoption:
        """What is to be written: the groups as the caller sees them at each site. Raises Unadoptable."""
        found = []
        path = f"{GROUP.resource.path}/{pin.global_id}"
        for name in [each.name for each in self.reader.locator.names if each.name in pin.places]:
            reply = await self.reader.reply(path, name, identity, request_id)
            if not reply.ok or reply.missing or not isinstance(reply.body, dict):
                raise Unadoptable(f"it cannot be read at {name}")
            item = reply.body[GROUP.resource.key]
            if item.get("name") != DEFAULT or item.get("project_id") != identity.project_id:
                raise Unadoptable("it is no default group of the caller's")
            rules = [await self._replica(RULE, rule, name) for rule in item["security_group_rules"]]
            group = Replica(GROUP.name, pin.places[name], item, item, None)
            found.append(Found(name, group, {RULE.name: rules}))
        return adoption(all_kinds(), GROUP, found, self.wanted.ids.pins, one=pin.global_id)

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


def _as_before(pins: Sequence[Pin], known: PinTable) -> list[Pin]:
    """The pins, with all the IDs that lead to their objects; and those that go, for these take their places."""
    new, wanted = [], {pin.global_id for pin in pins}
    for pin in pins:
        before = known.pin(pin.kind, pin.global_id)
        if before is not None:
            pin = replace(pin, aliases=before.aliases, former=before.former)
        new.append(pin)
        for site, local_id in pin.places.items():
            other = known.global_of(pin.kind, site, local_id)
            old = known.pin(pin.kind, other) if other is not None else None
            if old is not None and old.global_id not in wanted:
                new.append(replace(old, places={}, aliases=frozenset()))
    return new
