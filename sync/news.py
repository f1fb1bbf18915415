"""What the daemons of the sites tell each other, through the store: no daemon calls another site."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idmap.desired import WAYS_OUT, Desired, DesiredStore, Leadership
from idmap.front import IdMap
from sync.driver import Ground, vlan_of
from sync.joining import free
from sync.observe import Observed

_VLANS = "vlans"
"""The VLAN IDs in use at a site."""
_MTUS = "mtus"
"""The largest MTU that a site carries, once it has refused a larger one, and when that was."""
_FREE = "free"
"""What has its anchor at a site and may be at all others (`sync.joining`)."""
MTU_SECONDS = 3600.0
"""So long that is believed: a site may carry more by then."""


@dataclass(frozen=True, slots=True)
class News:
    """What one site's daemon tells, and hears."""

    site: str
    store: DesiredStore
    ids: IdMap
    ground: Ground
    clock: Callable[[], float]

    async def tell(self, desired: Sequence[Desired], observed: Observed, lead: Leadership) -> None:
        """What the others need to know of this site. Raises NotLeading."""
        await self._tell_vlans(desired, observed, lead)
        await self._tell_ways_out(desired, observed, lead)

    async def _tell_vlans(
        self, desired: Sequence[Desired], observed: Observed, lead: Leadership
    ) -> None:
        physical = self.ground.physical_network
        numbers = {vlan_of(each.local, physical) for each in observed.replicas.get("network", ())}
        used = sorted(number for number in numbers if number is not None)
        if await self.store.publish(self.site, _VLANS, json.dumps(used).encode(), lead.fence):
            # Somebody may have waited for just this word.
            others = {site for entry in desired for site in entry.sites} - {self.site}
            await self.store.wake(others)

    async def _tell_ways_out(
        self, desired: Sequence[Desired], observed: Observed, lead: Leadership
    ) -> None:
        """Which addresses the routers that span sites have outside of this one."""
        gateways: dict[str, Any] = {}
        for entry in desired:
            if entry.kind == "router" and len(entry.sites) > 1 and not entry.deleted:
                replica = observed.of(entry, self.ids.pins, self.site)
                gateway = replica.local.get("external_gateway_info") if replica else None
                if replica is not None and gateway:
                    addresses = gateway.get("external_fixed_ips") or ()
                    subnets = [str(each["subnet_id"]) for each in addresses]
                    await self.ids.register(self.site, subnets)
                    gateways[entry.global_id] = replica.item["external_gateway_info"]
        await self.store.publish(self.site, WAYS_OUT, json.dumps(gateways).encode(), lead.fence)

    async def tell_mtu(self, limit: int, lead: Leadership) -> None:
        """This site carries no larger one. Raises NotLeading."""
        said = json.dumps([limit, self.clock()]).encode()
        await self.store.publish(self.site, _MTUS, said, lead.fence)

    async def tell_free(
        self, desired: Sequence[Desired], observed: Observed, lead: Leadership
    ) -> None:
        """What may come to a site that joins. Raises NotLeading."""
        pins = self.ids.pins
        said = free(self.site, desired, lambda entry: observed.of(entry, pins, self.site))
        await self.store.publish(self.site, _FREE, json.dumps(said).encode(), lead.fence)

    async def mtus(self) -> Mapping[str, int]:
        """Site -> the largest MTU that it carries, as far as one was refused lately."""
        told = {site: json.loads(raw) for site, raw in (await self.store.published(_MTUS)).items()}
        now = self.clock()
        return {site: int(limit) for site, (limit, at) in told.items() if now - at < MTU_SECONDS}


async def told_free(store: DesiredStore) -> frozenset[str]:
    """What may come to a site that joins, as all sites have told of it."""
    told = await store.published(_FREE)
    return frozenset(gid for raw in told.values() for gid in json.loads(raw))


async def told_vlans(store: DesiredStore) -> Mapping[str, Collection[int]]:
    """Site -> the VLAN IDs that are in use there."""
    told = await store.published(_VLANS)
    return {site: frozenset(json.loads(raw)) for site, raw in told.items()}
