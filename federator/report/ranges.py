"""Address ranges that overlap. Pure; sorting and one walk, so that thousands cost little."""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple


class Range(NamedTuple):
    """First and last address, of IPv4 or IPv6, and whose it is."""

    version: int
    first: int
    last: int
    site: str
    text: str
    """As it is shown."""


def of_cidr(cidr: str, site: str, text: str) -> Range:
    """The range of a subnet. Raises ValueError for what is none."""
    network = ip_network(cidr, strict=False)
    first, last = int(network.network_address), int(network.broadcast_address)
    return Range(network.version, first, last, site, text)


def of_pool(start: str, end: str, site: str, text: str) -> Range:
    """The range of an allocation pool. Raises ValueError."""
    first, last = ip_address(start), ip_address(end)
    return Range(first.version, int(first), int(last), site, text)


def overlapping(ranges: Iterable[Range]) -> Iterator[Sequence[Range]]:
    """Groups of ranges that hang together and belong to several sites."""
    group: list[Range] = []
    end = (0, 0)
    for each in sorted(ranges):
        if (each.version, each.first) > end:
            yield from _of_several_sites(group)
            group = []
        group.append(each)
        end = max(end, (each.version, each.last))
    yield from _of_several_sites(group)


def span(group: Sequence[Range]) -> str:
    """From where to where a group reaches."""
    version = group[0].version
    kind = IPv4Address if version == 4 else IPv6Address
    return f"{kind(group[0].first)} to {kind(max(each.last for each in group))}"


def _of_several_sites(group: list[Range]) -> Iterator[Sequence[Range]]:
    if len({each.site for each in group}) > 1:
        yield group
