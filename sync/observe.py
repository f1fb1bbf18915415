"""What there is at a site of the shared kinds. All of it, or nothing: half a list would make a wrong plan."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import structlog

from adapters.marks import marks_of
from idmap.desired import Desired
from idmap.front import IdMap
from idmap.pins import PinTable
from sync.cloud import Cloud, Refused
from sync.driver import Ground, vlan_of
from sync.kind import Hand, Kind
from sync.plan import Replica
from sync.registry import kind_of
from sync.tongue import Tongue

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Observed:
    """A site as it was found."""

    replicas: Mapping[str, Sequence[Replica]]
    """Kind -> its objects, ours and others'."""
    unknown: frozenset[str]
    """Kinds that the site does not know."""

    @property
    def listed(self) -> dict[str, int]:
        """Kind -> how many objects there are."""
        return {kind: len(replicas) for kind, replicas in self.replicas.items()}

    def without(self, kind: str, local_ids: Collection[str]) -> dict[str, Sequence[Replica]]:
        """The replicas, but for these of a kind."""
        kept = [r for r in self.replicas.get(kind, ()) if r.local_id not in local_ids]
        return {**self.replicas, kind: kept}

    def of(self, entry: Desired, pins: PinTable, site: str) -> Replica | None:
        """What there is of an entry; of several the one that the map has."""
        there = [r for r in self.replicas.get(entry.kind, ()) if r.global_id == entry.global_id]
        pin = pins.pin(None, entry.global_id)
        place = pin.places.get(site) if pin else None
        return min(there, key=lambda each: each.local_id != place, default=None)


async def observe(cloud: Cloud, tongue: Tongue, kinds: Sequence[Kind], pins: PinTable) -> Observed:
    """Every object of these kinds. Raises SiteUnreachable and Refused if one of the lists is not to be had."""
    lists = await asyncio.gather(*(_listed(cloud, tongue, kind, pins) for kind in kinds))
    found = dict(zip((kind.name for kind in kinds), lists, strict=True))
    return Observed(
        {name: replicas or [] for name, replicas in found.items()},
        frozenset(name for name, replicas in found.items() if replicas is None),
    )


async def _listed(cloud: Cloud, tongue: Tongue, kind: Kind, pins: PinTable) -> list[Replica] | None:
    """The objects of one kind; None if the site does not know it, being without an extension."""
    resource, found = kind.resource, []
    try:
        async for items in cloud.pages(kind.path, resource.keys, kind.only):
            found += [
                Replica(
                    kind.name,
                    str(item["id"]),
                    tongue.outward(resource, item, pins),
                    item,
                    marks_of(item),
                )
                for item in items
            ]
    except Refused as error:
        if error.status != 404:
            raise
        return None
    return found


async def plugged_in(
    cloud: Cloud, ground: Ground, desired: Sequence[Desired], observed: Observed
) -> set[str]:
    """Local IDs of networks that would have to be made anew, if anything is plugged into them."""
    wanted = {entry.global_id for entry in desired if len(entry.sites) > 1}
    plugged = set()
    for replica in observed.replicas.get("network", ()):
        tunnel = vlan_of(replica.local, ground.physical_network) is None
        if tunnel and replica.global_id in wanted and await plugged_into(cloud, replica.local_id):
            plugged.add(replica.local_id)
    return plugged


async def plugged_into(hand: Hand, network: str) -> list[str]:
    """The ports of a network, in the site's own IDs, without those of Neutron's DHCP."""
    query = f"network_id={network}&fields=id&fields=device_owner"
    body = await hand.call("GET", f"/v2.0/ports?{query}")
    ports = [each for each in body["ports"] if each.get("device_owner") != "network:dhcp"]
    return sorted(str(each["id"]) for each in ports)


async def is_there(cloud: Cloud, ids: IdMap, entry: Desired) -> bool:
    """Whether a site has what its list does not show: just started, a Neutron was seen to show nothing."""
    pin = ids.pins.pin(None, entry.global_id)
    local_id = pin.places.get(cloud.site) if pin is not None else None
    if local_id is None:
        return False
    try:
        await cloud.call("GET", f"{kind_of(entry.kind).path}/{local_id}?fields=id")
    except Refused as error:
        if error.status != 404:
            raise
        return False
    log.warning("is not listed, and is there", site=cloud.site, id=entry.global_id)
    return True
