"""Sets of addresses as ranges of integers. Nothing here counts addresses one by one, for a /64 has 2^64 of
them."""

from bisect import bisect_right
from collections.abc import Iterable
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

Range = tuple[int, int]
"""First and last address, both in it."""

Ranges = tuple[Range, ...]
"""In order; none touches the next."""


def joined(*parts: Iterable[Range]) -> Ranges:
    """All of them in one."""
    found: list[Range] = []
    for start, end in sorted(each for part in parts for each in part):
        if found and start <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return tuple(found)


def singles(addresses: Iterable[int]) -> Ranges:
    """These addresses."""
    return joined([(each, each) for each in addresses])


def minus(these: Ranges, others: Ranges) -> Ranges:
    """What is in these and not in the others."""
    found: list[Range] = []
    for start, end in these:
        at = max(0, bisect_right(others, (start, start)) - 1)
        while at < len(others) and others[at][0] <= end:
            first, last = others[at]
            if last >= start:
                if first > start:
                    found.append((start, first - 1))
                start = last + 1
            at += 1
        if start <= end:
            found.append((start, end))
    return tuple(found)


def common(these: Ranges, others: Ranges) -> Ranges:
    """What is in both."""
    return minus(these, minus(these, others))


def size(these: Ranges) -> int:
    """How many addresses."""
    return sum(end - start + 1 for start, end in these)


def holds(these: Ranges, address: int) -> bool:
    """Whether it is one of these."""
    # The second part of the key is larger than any address, so that a range that begins here counts.
    at = bisect_right(these, (address, 1 << 129)) - 1
    return at >= 0 and these[at][1] >= address


def taken(these: Ranges, count: int, parts: int) -> Ranges:
    """Up to so many addresses in up to so many ranges: the upper ends of the longest ones.

    The upper ends, for Neutron begins at the lower ones.
    """
    found: list[Range] = []
    for start, end in sorted(these, key=lambda each: each[0] - each[1])[:parts]:
        if count <= 0:
            break
        first = max(start, end - count + 1)
        found.append((first, end))
        count -= end - first + 1
    return joined(found)


def number(address: str) -> int:
    """An address as the integer it is. Raises ValueError."""
    # Several times as fast as `ipaddress`, and a subnet may have thousands of ports.
    try:
        return int.from_bytes(inet_pton(AF_INET6 if ":" in address else AF_INET, address), "big")
    except (OSError, TypeError) as error:
        raise ValueError(f"{address!r} is no address") from error


def text(address: int, ip_version: int) -> str:
    """An address as Neutron spells it."""
    if ip_version == 4:
        return inet_ntop(AF_INET, address.to_bytes(4, "big"))
    return inet_ntop(AF_INET6, address.to_bytes(16, "big"))
