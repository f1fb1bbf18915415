"""A subnet: each site's Neutron gives out addresses from its own part of the pools (`sync.ipam`).

The prefix of a subnet may come from a subnet pool. Such a pool is at one site, for two would give out the same
prefix twice; the subnet's replicas have the prefix and know nothing of the pool. What is lost at the anchor is
made from the pool again, or that would give the prefix to somebody else.

What the tenant wanted for pools is kept in the spec (``POOLS``) and written on each replica as tags, so that
tenants see it (`federator.hiding`), and a loss of Redis does not lose it.
"""

from typing import Any

from adapters.marks import own_pools, pools_in
from adapters.registry import all_services
from sync.driver import Ground, Unfit
from sync.kind import Item, Kind

POOLS = "federation:allocation_pools"
"""The field of a spec with the tenant's own pools, as Neutron writes them."""

MOST_POOLS = 20
"""Each takes a tag, and Neutron keeps fifty of an object."""

_SUBNET = all_services()["network"].resource("subnet")


def _normal(item: Item) -> Item:
    if POOLS in item or "allocation_pools" not in item:
        return item
    return {**item, POOLS: pools_in(item.get("tags") or ()) or item["allocation_pools"]}


def _notes(spec: Item) -> tuple[str, ...]:
    pools = spec.get(POOLS) or ()
    if len(pools) > MOST_POOLS:
        raise Unfit(f"a subnet of more than {MOST_POOLS} pools cannot be at several sites")
    return own_pools(pools)


def _on_ground(ground: Ground, fields: dict[str, Any]) -> dict[str, Any]:
    own = fields.pop(POOLS, None)
    return {"allocation_pools": own, **fields} if own else fields


KIND = Kind(
    "subnet",
    _SUBNET,
    _SUBNET.synced,
    (*_SUBNET.born, "subnetpool_id", POOLS),
    after=("network",),
    told=frozenset({POOLS}),
    at_anchor=frozenset({"subnetpool_id"}),
    goes_with=("network_id",),
    users="fixed_ips=subnet_id%3D",
    normal=_normal,
    on_ground=_on_ground,
    notes=_notes,
)
