"""What one service of one site can do by itself, and with the help of the quirks. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from adapters.quirk import Quirk, Version

_MAXIMA = ("version", "max_version")
"""Nova and Cinder say the one, Placement the other."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a service of a site says of itself."""

    highest: Version | None = None
    """Its highest microversion; None if it has none, or has not said so yet."""
    extensions: frozenset[str] | None = None
    """The aliases of its extensions; None: it has none, or nobody knows which."""


def parsed(microversion: str) -> Version | None:
    """``2.95`` as two numbers; None for anything else."""
    return _parsed(microversion)


def written(version: Version) -> str:
    """Two numbers as ``2.95``."""
    return f"{version[0]}.{version[1]}"


def highest(entries: Iterable[Mapping[str, Any]]) -> Version | None:
    """The highest microversion of the entries of a version document."""
    found = (_parsed(maximum(entry)) for entry in entries)
    return max((version for version in found if version is not None), default=None)


def maximum(entry: Mapping[str, Any]) -> str:
    """The highest microversion of one entry, as it stands there; empty if it has none."""
    return next((str(entry[key]) for key in _MAXIMA if entry.get(key)), "")


def with_maximum(entry: Mapping[str, Any], version: Version) -> dict[str, Any]:
    """The entry with another highest microversion."""
    return {**entry, **{key: written(version) for key in _MAXIMA if entry.get(key)}}


def steps(own: Version, quirks: Sequence[Quirk]) -> tuple[Quirk, ...]:
    """The quirks of the next microversions, in order, up to the first that nobody can compute."""
    known = {quirk.since: quirk for quirk in quirks if quirk.since is not None}
    found = []
    while (quirk := known.get((own[0], own[1] + 1))) is not None:
        found.append(quirk)
        own = (own[0], own[1] + 1)
    return tuple(found)


def reach(own: Version, quirks: Sequence[Quirk]) -> Version:
    """The highest microversion that the quirks lift a site to."""
    return own[0], own[1] + len(steps(own, quirks))


def common(profiles: Iterable[Profile], quirks: Sequence[Quirk]) -> Version | None:
    """The highest microversion that all sites can be asked for: none that no site has by itself."""
    own = [each.highest for each in profiles if each.highest is not None]
    if not own:
        return None
    return min(max(own), *(reach(each, quirks) for each in own))


def extensions_lifted(profile: Profile, quirks: Sequence[Quirk]) -> tuple[Quirk, ...]:
    """The quirks that stand for extensions which the site surely lacks."""
    if profile.extensions is None:
        return ()
    return tuple(each for each in quirks if each.alias and each.alias not in profile.extensions)


def lifting(profile: Profile, quirks: Sequence[Quirk]) -> tuple[Quirk, ...]:
    """All quirks that lift a service of a site, those of microversions in order."""
    above = steps(profile.highest, quirks) if profile.highest is not None else ()
    return (*above, *extensions_lifted(profile, quirks))


def offered(profile: Profile, quirks: Sequence[Quirk]) -> frozenset[str] | None:
    """The extensions that a site has, by itself or lifted; None if nobody knows which."""
    if profile.extensions is None:
        return None
    return profile.extensions | {quirk.alias for quirk in extensions_lifted(profile, quirks)}


def common_extensions(
    profiles: Iterable[Profile], quirks: Sequence[Quirk]
) -> frozenset[str] | None:
    """The extensions that all sites have, by themselves or lifted; None if no site told."""
    lists = [each for profile in profiles if (each := offered(profile, quirks)) is not None]
    return frozenset.intersection(*lists) if lists else None


def in_force(profile: Profile, asked: Version | None, quirks: Sequence[Quirk]) -> tuple[Quirk, ...]:
    """The quirks between a site and a question in this microversion, the one of the oldest release first."""
    lifted = extensions_lifted(profile, quirks)
    if asked is None or profile.highest is None or asked <= profile.highest:
        return lifted
    above = steps(profile.highest, quirks)
    return (*lifted, *(each for each in above if each.since is not None and each.since <= asked))


@lru_cache(1000)
def _parsed(microversion: str) -> Version | None:
    major, _, minor = microversion.partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        return None
    return int(major), int(minor)
