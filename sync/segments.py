"""Which VLAN ID a network gets when it is to be at several sites. Pure.

One pool for the whole federation; an ID is taken that no network uses at any of the sites, whoever made it.
"""

from collections.abc import Collection, Iterable, Mapping


class NoSegment(Exception):
    """None can be chosen (yet); says why."""


def parse_pool(text: str) -> range:
    """``2000-2999`` as a range. Raises ValueError with what is wrong."""
    first, dash, last = text.partition("-")
    if not (dash and first.strip().isdecimal() and last.strip().isdecimal()):
        raise ValueError(f"{text!r} is not FIRST-LAST")
    low, high = int(first), int(last)
    if not 1 <= low <= high <= 4094:
        raise ValueError(f"{text!r} is no range of VLAN IDs (1 to 4094)")
    return range(low, high + 1)


def candidates(
    pool: range,
    own: int | None,
    sites: Iterable[str],
    used: Mapping[str, Collection[int]],
) -> list[int]:
    """The IDs that could be taken, the best first.

    `own` is the one that the network has at its anchor (the first of `sites`), if it is a VLAN there: it may
    stay if it is free elsewhere. `used` is site -> the IDs that are in use there; a site that has said nothing
    keeps all waiting. Raises NoSegment.
    """
    sites = list(sites)
    if silent := [site for site in sites if site not in used]:
        who = " and ".join(sorted(silent))
        raise NoSegment(f"waits for the daemon of {who} to say which VLANs are used there")
    taken = {number for numbers in used.values() for number in numbers}
    free = [number for number in pool if number not in taken]
    if own is not None and own in pool and not any(own in used[site] for site in sites[1:]):
        return [own, *free]
    if not free:
        raise NoSegment(
            f"all VLAN IDs from {pool.start} to {pool.stop - 1} are in use: widen segments in federator.yaml"
        )
    return free
