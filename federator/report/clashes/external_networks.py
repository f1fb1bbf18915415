"""External networks, and the floating IPs that come from them."""

from collections.abc import Iterator, Sequence

from federator.report.alike import everywhere, of_one_name
from federator.report.finding import Finding, Weight, found, plain
from federator.report.ranges import Range, of_cidr, of_pool, overlapping, span
from federator.report.snapshot import Snapshot


def clashes(snapshot: Snapshot) -> Iterator[Finding]:
    """Names that become one; ranges and pools that overlap."""
    external = [
        (site, network)
        for site, network in snapshot.all("network")
        if network.get("router:external") and network.get("name")
    ]
    yield from found(
        Weight.ONE,
        "external-networks-one",
        "External networks of one name will be one",
        means="tenants see one network; a floating IP is made at the site of the port that it is for",
        cure="rename one of them if that is not meant",
        cases=[
            everywhere(named)
            for named in of_one_name(external, lambda _, n: str(n["name"]), lambda _, n: "")
        ],
    )
    nets, pools = _ranges(snapshot)
    yield from found(
        Weight.CLASH,
        "floating-pools-overlap",
        "The same addresses are given out as floating IPs at several sites",
        means="two servers may get the same public address",
        cure="shrink the allocation pools until no address is in two of them",
        cases=[_told(group) for group in overlapping(pools)],
    )
    yield from found(
        Weight.NOTE,
        "external-subnets-overlap",
        "Subnets of external networks overlap",
        means="the sites share an external range; their routers and floating IPs are kept apart by the "
        "allocation pools alone",
        cure="see that the pools are apart, and that nobody asks for an address outside of them",
        cases=[_told(group) for group in overlapping(nets)],
    )


def _ranges(snapshot: Snapshot) -> tuple[list[Range], list[Range]]:
    nets, pools = [], []
    for site, subnet in snapshot.all("subnet"):
        network = site.network(subnet.get("network_id"))
        if not network.get("router:external"):
            continue
        name = plain(network.get("name") or network["id"])
        try:
            nets.append(of_cidr(str(subnet["cidr"]), site.name, f"{subnet['cidr']} ({name})"))
            for pool in subnet.get("allocation_pools") or ():
                text = f"{pool['start']} to {pool['end']} ({name})"
                pools.append(of_pool(pool["start"], pool["end"], site.name, text))
        except (KeyError, ValueError):
            continue
    return nets, pools


def _told(group: Sequence[Range]) -> str:
    return f"{span(group)}: {'; '.join(f'{each.text} at {each.site}' for each in group)}"
