"""Are the VLAN IDs for networks that span sites nobody else's there?"""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from federator.doctor.patient import Finding, Patient, good, note, wrong
from federator.doctor.ward import endpoints_of
from sync.segments import parse_pool

_CURE = "another range in segments, or network_vlan_ranges there without it"


async def check(patient: Patient) -> AsyncIterator[Finding]:
    site = patient.site
    physical = site.federation.physical_network
    if patient.is_home or "network" not in await endpoints_of(patient.account):
        return
    if not physical or not patient.ward.segments:
        missing = "physical_network" if not physical else "segments"
        yield note(
            "no network of the site can span others",
            f"nothing, if none shall; else {missing} (docs/networking.md)",
        )
        return
    ranges = await patient.ward.vlan_ranges(site.name)
    if ranges is None:
        cure = f"look into network_vlan_ranges of {physical} in its ml2_conf.ini"
        yield note("from which VLAN IDs its Neutron takes one for tenants cannot be read", cure)
        return
    for finding in judged(parse_pool(patient.ward.segments), physical, ranges):
        yield finding


def judged(
    pool: Iterable[int], physical: str, ranges: Iterable[Mapping[str, Any]]
) -> list[Finding]:
    """What is to be said of the ranges from which a Neutron takes VLAN IDs by itself."""
    wanted = set(pool)
    for each in ranges:
        if each.get("network_type") != "vlan" or each.get("physical_network") != physical:
            continue
        first, last = each.get("minimum"), each.get("maximum")
        if not (isinstance(first, int) and isinstance(last, int)):
            continue
        common = sorted(wanted & set(range(first, last + 1)))
        if common:
            what = (
                f"its Neutron takes VLAN IDs of {physical} from {first} to {last} for tenants, and "
                f"{common[0]} to {common[-1]} are those of networks that span sites"
            )
            return [wrong(what, _CURE)]
    return [good(f"the VLAN IDs of networks that span sites are nobody else's on {physical}")]
