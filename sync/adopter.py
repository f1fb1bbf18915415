"""Writes down what `sync.adopting` decides, and takes it back: ``federator adopt`` and ``release``.

The order is what keeps the daemons from doing anything but marking. To adopt: the ID map first, for what has no
place in it would be made once more. To release: the whole first, for parts that nobody knows of would be taken
away. Either may be cut off anywhere, and is finished by doing it again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters.marks import besides, unmarked
from idmap.desired import Desired, DesiredStore
from idmap.front import IdMap
from idmap.store import SHARED, Pin
from sync.adopting import Adoption, Found, Unadoptable, adoption
from sync.cloud import Cloud
from sync.kind import Kind
from sync.observe import observe
from sync.registry import all_kinds, kind_of
from sync.share import goes_with
from sync.tongue import Tongue


@dataclass(frozen=True, slots=True)
class Adopter:
    """Makes one of several, and several of one. Raises SiteUnreachable, Refused, StoreUnavailable."""

    store: DesiredStore
    ids: IdMap
    sites: Mapping[str, tuple[Cloud, Tongue]]

    async def look(self, kind: Kind, names: Sequence[str]) -> Adoption:
        """What would be written to make one of these, each an ID or ``name@site``. Raises Unadoptable."""
        await self.ids.refresh()
        seen = {
            site: (await observe(cloud, tongue, all_kinds(), self.ids.pins)).replicas
            for site, (cloud, tongue) in self.sites.items()
        }
        found = []
        for text in names:
            name, _, at = text.rpartition("@") if "@" in text else (text, "", "")
            there = [
                Found(site, replica, observed)
                for site, observed in seen.items()
                for replica in observed.get(kind.name, ())
                if (at == site and replica.item.get("name") == name)
                or (not at and text in (replica.global_id, replica.local_id))
            ]
            if len(there) != 1:
                raise Unadoptable(f"{len(there)} of {kind.resource.keys} are called {text}")
            found += there
        known = {entry.global_id for entry in await self.store.all()}
        return adoption(all_kinds(), kind, found, self.ids.pins, known)

    async def adopt(self, new: Adoption) -> None:
        """Write it down, and have the daemons mark it. Raises Unadoptable if somebody was faster."""
        for pin in new.pins:
            for site, local_id in pin.places.items():
                await self.ids.register(site, [local_id])
        while not await self.ids.store.put_pins(new.pins, seen=self.ids.state):
            await self.ids.refresh()
            if other := [
                p for p in new.pins if self.ids.pins.pin(p.kind, p.global_id) not in (None, p)
            ]:
                raise Unadoptable(f"{other[0].global_id} has become one with others meanwhile")
        await self.ids.refresh()
        for entry in new.entries:
            if await self.store.put(entry) is None:
                raise Unadoptable(f"{entry.global_id} is in care already")
        await self.store.wake({site for entry in new.entries for site in entry.sites})

    async def release(self, global_id: str) -> frozenset[str]:
        """Each site's own again, as it is there. The sites. Raises Unadoptable."""
        await self.ids.refresh()
        pin = self.ids.pins.pin(None, global_id)
        if pin is None or pin.origin != SHARED:
            raise Unadoptable(f"{global_id} does not span sites")
        kind = kind_of(pin.kind)
        if not kind.adoptable:
            raise Unadoptable(
                f"{kind.noun} {global_id} has addresses or networks in common: delete it instead"
            )
        if absent := pin.places.keys() - self.sites.keys():
            raise Unadoptable(f"it is at {' and '.join(sorted(absent))} as well")
        entry = (await self.store.get([global_id])).get(global_id)
        if entry is not None:
            await self._drop(entry)
        for part in [e for e in await self.store.naming([global_id]) if global_id in goes_with(e)]:
            if kind_of(part.kind).wholes(part.spec) == (global_id,):
                await self._drop(part)
                await self._unpin(part.global_id, kind_of(part.kind))
        for site, local_id in pin.places.items():
            await self._unmark(self.sites[site][0], kind, local_id)
        await self._unpin(global_id, kind)
        return frozenset(pin.places)

    async def _drop(self, entry: Desired) -> None:
        if entry.changing or entry.deleted or not await self.store.drop(entry):
            raise Unadoptable(f"{entry.global_id} is being changed or deleted; try again")

    async def _unpin(self, global_id: str, kind: Kind) -> None:
        gone = Pin(global_id, kind.resource.kind, SHARED, {})
        while not await self.ids.store.put_pins([gone], seen=self.ids.state):
            await self.ids.refresh()
        await self.ids.refresh()

    async def _unmark(self, cloud: Cloud, kind: Kind, local_id: str) -> None:
        path, key = f"{kind.path}/{local_id}", kind.resource.key
        item = (await cloud.call("GET", path))[key]
        if kind.resource.tagged:
            tags = besides(item.get("tags") or ())
            await cloud.call("PUT", f"{kind.tags_path}/{local_id}/tags", {"tags": tags})
        elif (text := unmarked(str(item.get("description") or ""))) != item.get("description"):
            await cloud.call("PUT", path, {key: {"description": text}})
