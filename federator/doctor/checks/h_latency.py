"""How far away is it?"""

from collections.abc import AsyncIterator
from statistics import median
from time import perf_counter

from adapters.endpoints import service_root
from adapters.errors import SiteUnreachable
from federator.doctor.patient import Finding, Patient, good, note

_TIMES = 5
_FAR_SECONDS = 0.1
"""A list of several sites is no faster than the farthest; a first login takes some seven round trips there,
and a page of a list mostly one, sometimes two."""


async def check(patient: Patient) -> AsyncIterator[Finding]:
    url = f"{service_root(patient.site.auth_url)}/v3"
    seconds = []
    try:
        for _ in range(_TIMES):
            began = perf_counter()
            await patient.ask(patient.site, url)
            seconds.append(perf_counter() - began)
    except SiteUnreachable:
        # Another check says so.
        return
    yield judged(seconds)


def judged(seconds: list[float]) -> Finding:
    """What is to be said of so many round trips."""
    middle = median(seconds)
    took = f"an answer takes {middle * 1000:.0f} ms (median of {len(seconds)})"
    if middle <= _FAR_SECONDS:
        return good(took)
    cure = (
        "a gateway near to it, or a busy Keystone there; no list is faster than its farthest site"
    )
    return note(f"{took}, a first login there some {7 * middle:.1f} s", cure)
