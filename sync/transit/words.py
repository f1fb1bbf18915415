"""What a daemon tells the others of the routers that span sites: where the site's own networks are. Pure.

Nothing else is remembered of ways, or restored: from these words follows whether a router needs a transit
network at all, and which routes lead where. A router that a site's word does not name is not known there yet;
which is not to say that it has nothing of its own.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import astuple, dataclass, field
from ipaddress import ip_network

NAME = "transit"
"""Under this name a daemon publishes its word."""


@dataclass(frozen=True, slots=True)
class Ends:
    """What one site has of one router."""

    own: tuple[str, ...] = ()
    """The CIDRs of the subnets that it is plugged into there and nowhere else, sorted."""
    vlan: int | None = None
    """The VLAN ID of its transit network there, which may be about to be made; None: there is none."""
    mtu: int | None = None
    """Of that network, in bytes."""


@dataclass(frozen=True, slots=True)
class Word:
    """What a site has told."""

    routers: Mapping[str, Ends] = field(default_factory=dict)
    """By global ID."""
    unfit: str = ""
    """Why the site can have no transit network; empty if it can."""


Words = Mapping[str, Word]
"""By site."""


def dumped(word: Word) -> bytes:
    """A word as bytes: the same ones for the same word, so that it is seen whether it is news."""
    table = {gid: astuple(ends) for gid, ends in word.routers.items()}
    return json.dumps([table, word.unfit], sort_keys=True, separators=(",", ":")).encode()


def loaded(told: Mapping[str, bytes]) -> dict[str, Word]:
    """The words of all sites. One of another release, which cannot be read, is none."""
    words = {}
    for site, raw in told.items():
        try:
            table, unfit = json.loads(raw)
            words[site] = Word({str(gid): _ends(*each) for gid, each in table.items()}, str(unfit))
        except (ValueError, TypeError, AttributeError):
            continue
    return words


def _ends(own: Iterable[object], vlan: object, mtu: object) -> Ends:
    numbers = [each if isinstance(each, int) else None for each in (vlan, mtu)]
    return Ends(tuple(str(ip_network(str(each))) for each in own), *numbers)


def silent(words: Words, router: str, sites: Collection[str]) -> frozenset[str]:
    """The sites of which nobody knows what they have of a router; at one site there is nothing to know."""
    if len(sites) < 2:
        return frozenset()
    return frozenset(s for s in sites if s not in words or router not in words[s].routers)


def ends_of(words: Words, router: str, sites: Iterable[str]) -> dict[str, Ends]:
    """Site -> what it has of a router, as far as that is known; by the names of the sites."""
    known = [site for site in sorted(sites) if site in words and router in words[site].routers]
    return {site: words[site].routers[router] for site in known}
