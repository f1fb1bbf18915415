"""What a service of one site can do beside what the federation offers: the matrix of the sites. Pure."""

from collections.abc import Mapping, Sequence, Set
from typing import Any

from adapters.profile import Profile, common, common_extensions, lifting, offered, reach, written
from adapters.quirk import Quirk, Version

Json = dict[str, Any]


def abilities(site: str, profiles: Mapping[str, Profile], quirks: Sequence[Quirk]) -> Json:
    """The row of a site; `profiles` are those of one service at all sites, in configured order."""
    own = profiles[site]
    others = [profile for name, profile in profiles.items() if name != site]
    return {
        "microversions": _microversions(own, list(profiles.values()), others, quirks),
        "extensions": _extensions(own, list(profiles.values()), others, quirks),
        "quirks": [
            {
                "microversion": _written(quirk.since),
                "extension": quirk.alias or None,
                "what": quirk.what,
            }
            for quirk in lifting(own, quirks)
        ],
    }


def _microversions(
    own: Profile, all_: Sequence[Profile], others: Sequence[Profile], quirks: Sequence[Quirk]
) -> Json | None:
    if own.highest is None:
        return None
    offered_now, without_it = common(all_, quirks), common(others, quirks)
    return {
        "own": written(own.highest),
        "lifted_to": written(reach(own.highest, quirks)),
        "federation": _written(offered_now),
        "lowers_federation": offered_now is not None
        and without_it is not None
        and without_it > offered_now,
    }


def _extensions(
    own: Profile, all_: Sequence[Profile], others: Sequence[Profile], quirks: Sequence[Quirk]
) -> Json | None:
    here = offered(own, quirks)
    if own.extensions is None or here is None:
        return None
    federation: Set[str] = common_extensions(all_, quirks) or frozenset()
    return {
        "own": sorted(own.extensions),
        "lifted": sorted(here - own.extensions),
        "not_offered": sorted(here - federation),
        "keeps_from_federation": sorted((common_extensions(others, quirks) or here) - here),
    }


def _written(version: Version | None) -> str | None:
    return written(version) if version is not None else None
