"""What does this site lower for the whole federation, and what is computed for it?"""

from collections.abc import AsyncIterator
from typing import Any

from federator.api.matrix import abilities
from federator.doctor.patient import Finding, Patient, good, note

_SHOWN = 8
"""More extensions than so many are counted."""


async def check(patient: Patient) -> AsyncIterator[Finding]:
    if patient.is_home:
        return
    known = await patient.ward.abilities()
    site = patient.site.name
    for service in patient.services:
        row = abilities(site, known.profiles(service), known.quirks_of(service))
        for finding in findings(service, row):
            yield finding


def findings(service: str, row: dict[str, Any]) -> list[Finding]:
    """What is to be said of one row of the matrix."""
    found = []
    versions, extensions = row["microversions"], row["extensions"]
    if versions is not None and versions["lowers_federation"]:
        found.append(
            note(
                f"{service} has {versions['own']}, which keeps the whole federation at "
                f"{versions['federation']}",
                f"an upgrade of its {service}; until then clients are offered no more",
            )
        )
    if extensions is not None and extensions["keeps_from_federation"]:
        missing = extensions["keeps_from_federation"]
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        found.append(
            note(
                f"{service} lacks extensions that all others have, so the federation does not offer "
                f"them: {', '.join(missing[:_SHOWN])}{more}",
                "the service plugins or the release of the others, if somebody needs one of them",
            )
        )
    if row["quirks"]:
        what = "; ".join(quirk["what"].rstrip(".") for quirk in row["quirks"])
        found.append(good(f"{service} is lifted by the gateway: {what}"))
    return found
