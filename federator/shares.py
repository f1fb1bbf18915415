"""What each site gets of a limit that is set for the federation. Pure.

What is used at a site is its own; what is left is dealt out evenly, and the first sites get what cannot be
divided. So the parts add up to what was set, and no site gets less than it uses, unless all of it is less.
"""

from collections.abc import Collection, Mapping, Sequence

UNLIMITED = -1

Told = Mapping[str, tuple[int, int]]
"""Name of a quota -> (the limit of a site, what is used of it there)."""


def shares(limit: int, used: Sequence[int]) -> list[int]:
    """The parts of sites that use so much, in their order. Without a limit every site is without one."""
    if limit < 0:
        return [limit] * len(used)
    together = sum(used)
    if together > limit:
        # It does not suffice: in proportion, so that each site refuses, or each is content.
        parts = [limit * each // together for each in used]
        return _with_rest(parts, limit)
    return _with_rest([each + (limit - together) // len(used) for each in used], limit)


def _with_rest(parts: Sequence[int], limit: int) -> list[int]:
    rest = limit - sum(parts)
    return [part + (at < rest) for at, part in enumerate(parts)]


def dealt(
    wanted: Mapping[str, object], told: Mapping[str, Told], lowest: Collection[str]
) -> dict[str, dict[str, object]]:
    """Site -> what to set there, of quotas `wanted` for all of them together.

    `told` are the sites in their order. What is no number and what is `lowest` (limits of single objects) is
    set as it is. What only some sites know (a volume type's) is set at those. What none has told of is dealt
    out all the same: some versions of an API take more than they show.
    """
    parts: dict[str, dict[str, object]] = {site: {} for site in told}
    for name, value in wanted.items():
        limit = _number(value)
        there = [site for site in told if name in told[site]] or list(told)
        if limit is None or name in lowest:
            each = dict.fromkeys(there, value)
        else:
            used = [told[site].get(name, (0, 0))[1] for site in there]
            each = dict(zip(there, shares(limit, used), strict=True))
        for site, part in each.items():
            parts[site][name] = part
    return {site: part for site, part in parts.items() if part}


def told_by(document: object) -> Told:
    """What a document says of limits and use: ``{"limit": 10, "in_use": 2, "reserved": 0}``, or just ``10``."""
    found = {}
    for name, value in document.items() if isinstance(document, dict) else ():
        if isinstance(value, dict) and isinstance(value.get("limit"), int):
            used = [value.get(each) or 0 for each in ("in_use", "used", "reserved")]
            found[str(name)] = value["limit"], sum(used)
        elif isinstance(value, int) and not isinstance(value, bool):
            found[str(name)] = value, 0
    return found


def _number(value: object) -> int | None:
    """Services take digits in a text as well."""
    if isinstance(value, str) and value.lstrip("-").isdecimal() and len(value) < 18:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
