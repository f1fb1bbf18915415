"""What has to be true of transit networks in the end, said in other words than `sync.transit`."""

from collections.abc import Mapping
from ipaddress import ip_network

from adapters.transit import is_over_transit, transit_of
from idmap.desired import Desired
from tests.sync.neutron import SERVICE, Item
from tests.sync.world import World


async def check_ways(world: World) -> None:
    """Each router that spans sites leads to all that one of them has alone, and nothing else of it is there."""
    entries = {entry.global_id: entry for entry in await world.store.all()}
    carriers: dict[str, dict[str, list[Item]]] = {site: {} for site in world.sites}
    for site in world.sites:
        for network in world.neutrons[site].all("network"):
            if (of := transit_of(network, SERVICE)) is not None:
                carriers[site].setdefault(of[0], []).append(network)
    for site, found in carriers.items():
        assert not found.keys() - entries.keys(), f"of nobody's router at {site}"
    vlans = []
    for router in [each for each in entries.values() if each.kind == "router"]:
        own = {site: await own_of(world, router, site, entries) for site in router.sites}
        needed = len(router.sites) > 1 and any(own.values())
        hops: dict[str, Mapping[int, str]] = {}
        for site in router.sites:
            mine = carriers[site].get(router.global_id, [])
            assert len(mine) == needed, (site, own, mine)
            if needed:
                vlans.append((router.global_id, mine[0]["provider:segmentation_id"]))
                local_id = await world.local(router.global_id, site)
                hops[site] = hops_of(world, site, mine[0], local_id)
        for site in router.sites:
            await check_routes(world, router, site, own, hops)
    assert len({number for _, number in vlans}) == len({gid for gid, _ in vlans}), vlans


async def own_of(
    world: World, router: Desired, site: str, entries: Mapping[str, Desired]
) -> set[str]:
    """The prefixes of the networks of this site alone that a router is plugged into there."""
    kept, found = world.neutrons[site].kept, set()
    local_id = await world.local(router.global_id, site)
    for port in kept["port"].values():
        if port["device_id"] != local_id or transit_of(port, SERVICE) or not local_id:
            continue
        network = entries.get(await world.global_id(site, port["network_id"]))
        if network is None or not network.sites >= router.sites:
            found |= {kept["subnet"][each["subnet_id"]]["cidr"] for each in port["fixed_ips"]}
    return found


def hops_of(world: World, site: str, network: Item, router: str) -> Mapping[int, str]:
    (port,) = [p for p in world.neutrons[site].all("port") if p["network_id"] == network["id"]]
    assert port["device_id"] == router
    addresses = [each["ip_address"] for each in port["fixed_ips"]]
    return {ip_network(each).version: each for each in addresses}


async def check_routes(
    world: World,
    router: Desired,
    site: str,
    own: Mapping[str, set[str]],
    hops: Mapping[str, Mapping[int, str]],
) -> None:
    local_id = await world.local(router.global_id, site)
    routes = world.neutrons[site].kept["router"][local_id]["routes"]
    there = {each["destination"]: each["nexthop"] for each in routes if is_over_transit(each)}
    wanted = {
        cidr: hops[other][ip_network(cidr).version]
        for other in router.sites - {site}
        for cidr in own[other]
    }
    assert there == wanted, (site, router.global_id)
