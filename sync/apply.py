"""Carries out one change of a plan at a site. Thin: what is to be done has been decided.

Whatever dies on the way leaves nothing that the next round does not understand: an object is born with its
mark, its place is in the ID map before anything refers to it, and its generation is written on it last.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from adapters.marks import Marks, besides, in_text, marked, marks_of
from adapters.spec import PROJECT
from idmap.desired import Desired, DesiredStore
from idmap.front import IdMap
from idmap.records import RecordStore
from idmap.store import BURIED, SHARED, Pin
from sync.addresses import Addresses
from sync.cloud import Led, Refused
from sync.driver import SEGMENT, Ground, How
from sync.joining import HINTS
from sync.kind import Hand, Kind
from sync.observe import plugged_into
from sync.plan import Change, Create, Delete, Replica, Stretch, Update
from sync.tongue import Tongue


@dataclass(frozen=True, slots=True)
class Applier:
    """Does things at one site."""

    cloud: Led
    tongue: Tongue
    ids: IdMap
    store: DesiredStore
    records: RecordStore
    kinds: Mapping[str, Kind]
    ground: Ground
    addresses: Addresses

    async def apply(self, change: Change) -> str:
        """The local ID of the replica; empty if it is gone.

        Raises Refused, Untranslatable, SiteUnreachable, StoreUnavailable, NotLeading.
        """
        match change:
            case Create(desired):
                return await self._create(self.kinds[desired.kind], desired)
            case Update(desired, replica, fields, marks):
                kind = self.kinds[desired.kind]
                await self.keep_place(desired, replica.local_id)
                await self._update(kind, replica, fields, marks)
                return replica.local_id
            case Stretch(desired, replica, how):
                return await self._stretch(self.kinds[desired.kind], desired, replica, how)
            case Delete(_, replica):
                await self._delete(self.kinds[replica.kind], replica)
                return ""

    async def keep_place(self, desired: Desired, local_id: str | None) -> None:
        """See to it that the ID map knows this replica; None: that there is none here any more."""
        site, kind = self.cloud.site, self.kinds[desired.kind].resource.kind
        origin = BURIED if desired.deleted else SHARED
        if local_id is not None:
            await self.ids.register(site, [local_id])
        while True:
            pin, seen = self.ids.pins.pin(kind, desired.global_id), self.ids.state
            if pin is None and local_id is not None:
                # ... or have been released.
                if not await self.store.get([desired.global_id]):
                    return
            elif pin is not None and pin.origin != origin:
                # It may have been deleted since this plan was made: the tombstone is there before the pin.
                now = (await self.store.get([desired.global_id])).get(desired.global_id)
                origin = BURIED if now is None or now.deleted else SHARED
            ours = pin if pin is not None and pin.origin in (BURIED, SHARED) else None
            places = dict(ours.places) if ours is not None else {}
            before = places.pop(site, None)
            if local_id is not None:
                places[site] = local_id
            elif before is not None:
                await self._unremember(desired, before)
            new = Pin(desired.global_id, kind, origin, places, anchor=desired.anchor)
            if ours is not None:
                # The IDs of what was one with it at sites that have left are good for life.
                new = replace(new, aliases=ours.aliases, former=ours.former)
            if new == pin or (pin is None and not places):
                return
            if await self.ids.store.put_pins([new], seen=seen):
                await self.ids.refresh()
                return
            # Another site's daemon was faster: on top of what it wrote.
            await self.ids.refresh()

    async def _unremember(self, desired: Desired, local_id: str) -> None:
        """It is not to be seen again should the site go away: nobody but its daemon has seen it go."""
        site, kind = self.cloud.site, self.kinds[desired.kind].resource.kind
        owner = (self.ids.pins.places(PROJECT, desired.project) or {}).get(site)
        if owner is not None:
            await self.records.drop(site, kind, owner, [local_id])

    async def _create(self, kind: Kind, desired: Desired) -> str:
        made = await self._made(kind, desired, _Midwife(self, kind, desired))
        return await self._finished(kind, desired, made)

    async def _made(
        self, kind: Kind, desired: Desired, hand: Hand, also: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """The new object as the site shows it; if somebody began to make it, that one.

        `also` are further fields to make it with, in the site's own words.
        """
        resource, spec = kind.resource, dict(desired.spec)
        own = {name: spec.pop(name) for name in kind.at_anchor if name in spec}
        fields = self.tongue.inward(resource, spec, self.ids.pins)
        if self.cloud.site == desired.anchor:
            fields |= await self._own(own)
        # What is not said when it is made is none: some of these may not be said to be none.
        fields = {k: v for k, v in fields.items() if v is not None or k not in kind.born}
        fields |= await self.addresses.born(desired, fields)
        if kind.on_ground is not None:
            fields = kind.on_ground(self.ground, fields)
        fields |= also or {}
        begun = None
        if resource.tagged or "description" in kind.synced:
            text = "" if resource.tagged else str(spec.get("description") or "")
            fields["description"] = marked(text, desired.global_id, self.ground.federation)
            begun = await self._begun(kind, desired.global_id, fields["description"])
        if kind.create is not None:
            return await kind.create(hand, fields, begun)
        if begun is not None:
            return begun
        return dict((await hand.call("POST", kind.path, {resource.key: fields}))[resource.key])

    async def _finished(self, kind: Kind, desired: Desired, made: Mapping[str, Any]) -> str:
        """From now on it stands for the object, has all its fields, and says what it is."""
        resource, local_id = kind.resource, str(made["id"])
        spec = {k: v for k, v in desired.spec.items() if k not in kind.at_anchor}
        await self.keep_place(desired, local_id)
        outward = self.tongue.outward(resource, made, self.ids.pins)
        replica = Replica(kind.name, local_id, outward, made, marks_of(made))
        rest = kind.differences(spec, outward)
        soon = {name: value for name, value in rest.items() if name not in kind.later}
        generation = desired.generation if soon == rest else 0
        notes = kind.notes(desired.spec)
        at_anchor = self.cloud.site == desired.anchor
        drained = self.cloud.site in desired.drained
        of = self.ground.federation
        marks = Marks(desired.global_id, generation, at_anchor, notes, of, drained)
        await self._update(kind, replica, soon, marks, fresh=True)
        return local_id

    async def _own(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Fields with IDs of things that are at this site only, in its own IDs; without what is gone."""
        places = (await self.ids.locate([str(each) for each in fields.values() if each])).found
        there = {gid: each.local_id for gid, each in places.items() if each.site == self.cloud.site}
        return {name: there[gid] for name, gid in fields.items() if gid in there}

    async def _begun(
        self, kind: Kind, global_id: str, description: str
    ) -> Mapping[str, Any] | None:
        """What somebody began to make before he died."""
        path = f"{kind.path}?description={quote(description)}"
        found = (await self.cloud.call("GET", path))[kind.resource.keys]
        mine = [
            item for item in found if (marks := marks_of(item)) and marks.global_id == global_id
        ]
        return dict(mine[0]) if mine else None

    async def _update(
        self,
        kind: Kind,
        replica: Replica,
        fields: Mapping[str, Any],
        marks: Marks,
        *,
        fresh: bool = False,
    ) -> None:
        resource, local_id = kind.resource, replica.local_id
        path = f"{kind.path}/{local_id}"
        unfinished = in_text(replica.local) and not (replica.marks and replica.marks.generation)
        if kind.tidy is not None and unfinished:
            await kind.tidy(self.cloud, replica.local)
            fresh = True
        local = self.tongue.inward(resource, fields, self.ids.pins)
        if not resource.tagged and "description" in local:
            local["description"] = marked(
                str(local["description"] or ""), marks.global_id, marks.of
            )
        if local and kind.change is not None:
            await kind.change(self.cloud, replica.local, local)
        elif local:
            revision = None if fresh else replica.revision
            try:
                await self.cloud.call("PUT", path, {resource.key: local}, revision=revision)
            except Refused as error:
                if kind.refused is not None:
                    await kind.refused(self.cloud, replica.local, local, error.status)
                raise
        if resource.tagged and replica.marks != marks:
            others = besides(replica.local.get("tags") or ())
            tags = f"{kind.tags_path}/{local_id}/tags"
            await self.cloud.call("PUT", tags, {"tags": [*others, *marks.tags]})

    async def _stretch(self, kind: Kind, desired: Desired, replica: Replica, how: How) -> str:
        path, number = f"{kind.path}/{replica.local_id}", desired.spec[SEGMENT]
        physical = self.ground.physical_network
        match how:
            case How.RENUMBER:
                body = {kind.resource.key: {"provider:segmentation_id": number}}
                await self.cloud.call("PUT", path, body, revision=replica.revision)
            case How.SEGMENT:
                segment = {
                    "network_id": replica.local_id,
                    "network_type": "vlan",
                    "physical_network": physical,
                    "segmentation_id": number,
                }
                await self.cloud.call("POST", "/v2.0/segments", {"segment": segment})
            case How.REMAKE:
                return await self._remake(kind, desired, replica)
            case How.NOTHING:
                pass
        return replica.local_id

    async def _remake(self, kind: Kind, desired: Desired, replica: Replica) -> str:
        """Another one in its place. Raises Unfit if somebody has plugged into it meanwhile.

        It is marked as one that was never finished: of the two the one that the map has is kept, and the next
        round makes its parts there before it takes this one away.
        """
        path, tags = f"{kind.path}/{replica.local_id}", replica.local.get("tags") or ()
        unfinished = Marks(desired.global_id, 0, anchor=True, of=self.ground.federation).tags
        await self.cloud.call("PUT", f"{path}/tags", {"tags": [*besides(tags), *unfinished]})
        await self.keep_place(desired, replica.local_id)
        # What its tenant said of where it is to be is told by nothing else (`sync.joining`).
        said = {HINTS: hints} if (hints := replica.local.get(HINTS)) else {}
        made = await self._made(kind, desired, self.cloud, said)
        if kind.stretch is not None and await plugged_into(self.cloud, replica.local_id):
            await self.cloud.call("DELETE", f"{kind.path}/{made['id']}")
            await self.cloud.call("PUT", f"{path}/tags", {"tags": list(tags)})
            kind.stretch(self.ground, desired.spec, replica.local, True)
        return await self._finished(kind, desired, made)

    async def _delete(self, kind: Kind, replica: Replica) -> None:
        try:
            if kind.delete is not None:
                await kind.delete(self.cloud, replica.local)
            else:
                path = f"{kind.path}/{replica.local_id}"
                # Its parts went before it, and each was a new revision. A call that comes late finds another.
                now = (await self.cloud.call("GET", path))[kind.resource.key]
                await self.cloud.call("DELETE", path, revision=now.get("revision_number"))
        except Refused as error:
            if error.status != 404:
                raise


@dataclass(frozen=True, slots=True)
class _Midwife:
    """Does at a site what it takes to make one object, and has the ID map know it as soon as it is born.

    What is done to it afterwards makes it visible (the port of a router): by then it must not pass for another.
    """

    applier: Applier
    kind: Kind
    desired: Desired

    async def call(
        self, method: str, path: str, json: object = None, *, revision: int | None = None
    ) -> Any:
        """See `sync.kind.Hand`."""
        answer = await self.applier.cloud.call(method, path, json, revision=revision)
        if method == "POST" and path == self.kind.path:
            born = str(answer[self.kind.resource.key]["id"])
            await self.applier.keep_place(self.desired, born)
        return answer
