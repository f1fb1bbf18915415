"""Do networks carry packets as large as those of the other sites?"""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from federator.doctor.patient import Finding, Patient, good, note

_PHYSICAL = ("vlan", "flat")
"""What can reach another site as it is. Tunnels end at the site, and take something off for themselves."""


async def check(patient: Patient) -> AsyncIterator[Finding]:
    if patient.is_home:
        return
    site = patient.site.name
    own = largest(await patient.ward.networks(site))
    if own:
        told = ", ".join(f"{mtu} ({kind})" for kind, mtu in sorted(own.items()))
        yield good(f"its networks have an MTU of up to {told}")
    for other in patient.ward.others(site):
        for finding in compared(own, other, largest(await patient.ward.networks(other))):
            yield finding


def largest(networks: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Type of network -> the largest MTU of any of them."""
    found: dict[str, int] = {}
    for network in networks:
        kind, mtu = network.get("provider:network_type"), network.get("mtu")
        if isinstance(kind, str) and isinstance(mtu, int):
            found[kind] = max(mtu, found.get(kind, 0))
    return found


def compared(own: Mapping[str, int], other: str, theirs: Mapping[str, int]) -> list[Finding]:
    """What is to be said where two sites differ."""
    return [
        note(
            f"{kind} networks have an MTU of {own[kind]} here and {theirs[kind]} at {other}: in a network "
            "that spans both, large packets are lost",
            "global_physnet_mtu and physical_network_mtus alike at all sites",
        )
        for kind in _PHYSICAL
        if kind in own and kind in theirs and own[kind] != theirs[kind]
    ]
