"""VLANs and other segmentation IDs that several sites use, and ranges from which several sites take them."""

from collections import defaultdict
from collections.abc import Iterator

from federator.report.finding import Finding, Weight, found, plain
from federator.report.snapshot import Item, SiteView, Snapshot

_OF_A_WIRE = ("vlan",)
"""Types whose ID is on a wire that sites may share. Tunnels end at their own site."""

Segment = tuple[str, str, int]
"""(type, physical network, segmentation ID)"""


def clashes(snapshot: Snapshot) -> Iterator[Finding]:
    """IDs in use, then ranges."""
    used: defaultdict[Segment, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for site, network in snapshot.all("network"):
        for segment in _segments(network):
            used[segment][site.name].append(_shown(site, network))
    yield from found(
        Weight.CLASH,
        "segments-used-twice",
        "Several sites use the same VLAN of one physical network",
        means="nothing as long as the sites have no wire in common; once their fabrics are joined, or one of "
        "these networks is stretched, frames of one get into the other",
        cure="do not carry these VLANs between the sites, or move one network to another VLAN before",
        cases=[
            f"{kind} {number} of {plain(physical)}: "
            + "; ".join(f"{', '.join(names)} at {site}" for site, names in at.items())
            for (kind, physical, number), at in sorted(used.items())
            if len(at) > 1
        ],
    )
    yield from found(
        Weight.NOTE,
        "segment-ranges-overlap",
        "Several sites give out VLANs of one physical network from ranges that overlap",
        means="new networks of tenants may get the same VLAN at two sites",
        cure="leave each site a range of its own, and keep one that no site gives out for networks that "
        "are stretched",
        cases=list(_overlaps(snapshot)),
    )


def _segments(network: Item) -> Iterator[Segment]:
    for part in network.get("segments") or (network,):
        kind, number = part.get("provider:network_type"), part.get("provider:segmentation_id")
        if kind in _OF_A_WIRE and isinstance(number, int):
            yield str(kind), str(part.get("provider:physical_network") or ""), number


def _shown(site: SiteView, network: Item) -> str:
    project = site.project(network.get("project_id"))
    return f"{plain(network.get('name') or network['id'])} of {plain(project)}"


def _overlaps(snapshot: Snapshot) -> Iterator[str]:
    ranges: defaultdict[tuple[str, str], list[tuple[int, int, str]]] = defaultdict(list)
    for site, each in snapshot.all("network_segment_range"):
        kind = str(each.get("network_type"))
        if kind in _OF_A_WIRE:
            where = kind, str(each.get("physical_network") or "")
            ranges[where].append((int(each["minimum"]), int(each["maximum"]), site.name))
    for (kind, physical), all_ in sorted(ranges.items()):
        all_.sort()
        for at, (low, high, one) in enumerate(all_):
            for other_low, other_high, other in all_[at + 1 :]:
                if other_low > high:
                    break
                if other != one:
                    both = f"{other_low} to {min(high, other_high)}"
                    sites = f"{one} ({low} to {high}) and {other} ({other_low} to {other_high})"
                    yield f"{kind} {both} of {plain(physical)}: {sites}"
