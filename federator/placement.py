"""Which site a new object is made at. Pure.

In this order: what the body refers to (a server on a network of tokyo can only be at tokyo), the availability
zone, the header ``X-Federation-Site``, the default site. Two of them that contradict each other are the
caller's mistake and are answered 400, never decided for him.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from federator.faults import BadRequest


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request says about where: every part may be silent."""

    refers_to: Mapping[str, Set[str]]
    """ID in the body, as the client sent it -> the sites it is at."""
    zone_sites: Set[str] | None = None
    """The sites that have the availability zone asked for; None if none was."""
    zone: str = ""
    header_site: str = ""


def place(wish: Wish, sites: Sequence[str], default_site: str, away: Set[str] = frozenset()) -> str:
    """The site for a new object. Raises BadRequest where the wishes contradict each other.

    Sites that are `away` are passed over where the caller leaves a choice.

    refers to      zone     header   default   -> site
    -              -        -        paris     -> paris, or tokyo while paris is away
    {paris,tokyo}  -        -        paris     -> paris
    {tokyo}        -        -        paris     -> tokyo
    {paris,tokyo}  tokyo    -        paris     -> tokyo
    -              tokyo    paris    paris     -> 400
    {paris},{tokyo} ...                        -> 400
    """
    candidates = _common_sites(wish.refers_to, sites)
    if wish.zone_sites is not None:
        if not candidates & wish.zone_sites:
            raise BadRequest(
                f"The requested availability zone {wish.zone} is not available at "
                f"{_names(candidates, sites)}, where the things are that the request refers to."
                if wish.refers_to
                else f"The requested availability zone is not available: {wish.zone}"
            )
        candidates &= wish.zone_sites
    if wish.header_site:
        if wish.header_site not in sites:
            raise BadRequest(f"X-Federation-Site: there is no site {wish.header_site!r}.")
        if wish.header_site not in candidates:
            raise BadRequest(
                f"X-Federation-Site: {wish.header_site} contradicts the request, which can only be "
                f"served at {_names(candidates, sites)}."
            )
        return wish.header_site
    candidates = candidates - away or candidates
    if default_site in candidates:
        return default_site
    return next(site for site in sites if site in candidates)


def _common_sites(refers_to: Mapping[str, Set[str]], sites: Sequence[str]) -> set[str]:
    candidates = set(sites)
    for place_of in refers_to.values():
        candidates &= place_of
    if candidates:
        return candidates
    where = "; ".join(f"{ref} is at {_names(at, sites)}" for ref, at in refers_to.items())
    raise BadRequest(f"The request refers to things that are not at one site: {where}.")


def _names(chosen: Set[str], sites: Sequence[str]) -> str:
    return " and ".join(site for site in sites if site in chosen) or "no site"
