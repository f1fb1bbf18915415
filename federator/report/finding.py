"""What a kind of clash says of a set of sites. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

LONGEST = 120
"""Characters of a name that are shown."""


class Weight(StrEnum):
    """What it asks of the operator."""

    CLASH = "clash"
    """Something will not work, or mean something else than before: decide what to do first."""
    NOTE = "note"
    """Works; somebody should know."""
    ONE = "one"
    """Equal at several sites, and one thing to the tenants from then on."""


@dataclass(frozen=True, slots=True)
class Finding:
    """All cases of one kind."""

    weight: Weight
    kind: str
    """For programs: "subnets-overlap"."""
    what: str
    """A heading, without a full stop."""
    means: str
    """What it means for the federation."""
    cure: str
    """What to do; of what needs nothing, that it needs nothing."""
    cases: Sequence[str]
    """One line each; none is left out."""


def found(
    weight: Weight, kind: str, what: str, *, means: str, cure: str, cases: Sequence[str]
) -> list[Finding]:
    """The finding, or nothing where there are no cases."""
    return [Finding(weight, kind, what, means, cure, cases)] if cases else []


def plain(name: object) -> str:
    """A name as it may be shown: those who made it may have put anything into it."""
    text = "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in str(name))
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."
