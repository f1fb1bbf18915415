"""What the daemon of an anchor decides for all sites of an object, before anything is compared.

how a change ended of which nobody said so, and what was made of which nobody did
the VLAN ID of a network that spans sites, and an MTU that all of them carry
that the addresses of a subnet are shared out from now on
what goes with something that is to be gone
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import structlog

from idmap.desired import READ, Desired, DesiredStore
from idmap.front import IdMap
from idmap.store import SHARED, Pin
from sync.addresses import Addresses
from sync.cloud import Cloud
from sync.driver import SEGMENT, Ground, Unfit, vlan_of
from sync.kind import Kind
from sync.news import News, told_vlans
from sync.numbers import SEGMENTS
from sync.observe import Observed, is_there
from sync.plan import Replica
from sync.registry import kind_of
from sync.segments import NoSegment, candidates
from sync.share import goes_with
from sync.unfinished import ended
from sync.untold import untold

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Anchor:
    """Decides for what has its anchor at one site."""

    cloud: Cloud
    store: DesiredStore
    ids: IdMap
    kinds: Sequence[Kind]
    ground: Ground
    pool: range
    addresses: Addresses
    news: News
    clock: Callable[[], float]

    @property
    def site(self) -> str:
        """Its name."""
        return self.cloud.site

    async def decided(
        self, desired: Sequence[Desired], observed: Observed, plugged: Collection[str]
    ) -> list[Desired]:
        """The desired state after it; what was decided is written down, and the others are woken."""
        drained = {entry.global_id for entry in desired if self.site in entry.drained}
        desired = [await self._decided(each, observed, plugged, drained) for each in desired]
        desired = await self._with_untold(desired, observed)
        return await self._with_mtus_for_all(await self._with_their_wholes(desired))

    async def _decided(
        self,
        entry: Desired,
        observed: Observed,
        plugged: Collection[str],
        drained: Collection[str],
    ) -> Desired:
        """One entry after it."""
        if entry.anchor != self.site:
            return entry
        kind = next((each for each in self.kinds if each.name == entry.kind), None)
        replica = observed.of(entry, self.ids.pins, self.site)
        new = None
        if not entry.deleted and await self.addresses.open(entry, replica):
            await self.store.wake(entry.sites - {self.site})
        if not entry.deleted and len(entry.sites) > 1 and entry.kind == "router_interface":
            await self.addresses.share(entry)
        whole = str(entry.spec.get(kind.drains_with) or "") if kind and kind.drains_with else ""
        if kind is not None and kind.name not in observed.unknown:
            new = ended(entry, kind, replica, self.clock(), kept_away=whole in drained)
            if new is not None and new.deleted and await is_there(self.cloud, self.ids, entry):
                # How it ended is seen when it is listed again.
                return entry
            if new is None and kind.stretch is not None:
                with suppress(Unfit):
                    if replica is not None:
                        kind.stretch(
                            self.ground, entry.spec, replica.local, replica.local_id in plugged
                        )
                    new = await self._numbered(entry, replica)
        if new is None:
            return entry
        written = await self.store.put(new)
        if written is not None:
            await self.store.wake(new.sites - {self.site})
        return written or entry

    async def _with_untold(self, desired: Sequence[Desired], observed: Observed) -> list[Desired]:
        """Parts that somebody made here, and told nobody of, are desired from now on."""
        after = list(desired)
        if any(kind == READ for _, kind in await self.ids.missing_stamps()):
            return after
        pins, here = self.ids.pins, observed.replicas
        there = partial(observed.of, pins=pins, site=self.site)
        for entry, replica, whole in untold(self.site, self.kinds, desired, here, pins, there):
            seen, kind = self.ids.state, kind_of(entry.kind).resource.kind
            places = {self.site: replica.local_id}
            pin = Pin(entry.global_id, kind, SHARED, places, anchor=self.site)
            now = (await self.store.get([whole.global_id])).get(whole.global_id)
            if now is None or now.version != whole.version:
                # It may be going, or nobody's any more.
                continue
            await self.ids.register(self.site, [replica.local_id])
            known = self.ids.pins.pin(None, entry.global_id)
            if known is not None or await self.ids.store.put_pins([pin], seen=seen):
                written = await self.store.put(entry)
                after += [written] if written is not None else []
                log.info("a part nobody told of", kind=entry.kind, id=entry.global_id)
                await self.store.wake(entry.sites - {self.site})
            await self.ids.refresh()
        return after

    async def _with_their_wholes(self, desired: Sequence[Desired]) -> list[Desired]:
        """What Neutron took away at the anchor with something else is to be gone everywhere, too.

        Mostly the gateway has said so; it may have died over it.
        """
        doomed = {entry.global_id for entry in desired if entry.deleted}
        after = []
        for entry in desired:
            if entry.anchor == self.site and not entry.deleted and goes_with(entry) & doomed:
                grave = replace(entry, changing=0, deleted=True, generation=entry.generation + 1)
                entry = await self.store.put(grave) or entry
                await self.store.wake(entry.sites - {self.site})
            after.append(entry)
        return after

    async def _with_mtus_for_all(self, desired: Sequence[Desired]) -> list[Desired]:
        """Networks of this anchor with no larger an MTU than all of their sites carry."""
        limits = await self.news.mtus()
        after = []
        for entry in desired:
            mtu = entry.spec.get("mtu")
            limit = min((limits[site] for site in entry.sites & limits.keys()), default=mtu)
            mine = entry.anchor == self.site and len(entry.sites) > 1
            if mine and mtu and limit < mtu and not (entry.deleted or entry.changing):
                spec = {**entry.spec, "mtu": limit}
                lower = replace(entry, spec=spec, generation=entry.generation + 1)
                entry = await self.store.put(lower) or entry
                await self.store.wake(entry.sites - {self.site})
            after.append(entry)
        return after

    async def _numbered(self, entry: Desired, replica: Replica | None) -> Desired | None:
        """The entry of a network with a VLAN ID, if it needs one and has none."""
        if len(entry.sites) < 2 or SEGMENT in entry.spec or entry.deleted or entry.changing:
            return None
        if unread := {site for site, kind in await self.ids.missing_stamps() if kind == READ}:
            # A network that spans other sites may have any of the IDs that look free here.
            log.warning("no VLAN ID", id=entry.global_id, why=f"{sorted(unread)} not read yet")
            return None
        used = await told_vlans(self.store)
        own = vlan_of(replica.local, self.ground.physical_network) if replica else None
        order = [self.site, *sorted(entry.sites - {self.site})]
        try:
            for number in candidates(self.pool, own, order, used):
                claimed = await self.ids.store.claim_document(
                    SEGMENTS, "", str(number), entry.global_id.encode()
                )
                held = (await self.ids.store.documents(SEGMENTS, "")).get(str(number), b"")
                if claimed or held == entry.global_id.encode():
                    spec = {**entry.spec, SEGMENT: number}
                    return replace(entry, spec=spec, generation=entry.generation + 1)
        except NoSegment as error:
            log.warning("no VLAN ID", id=entry.global_id, why=str(error))
        return None
