"""Do two sites draw MAC addresses from the same base? In a network that spans both, two ports may get one."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from federator.doctor.patient import Finding, Patient, note

_DRAWN = ("compute:", "network:dhcp")
"""Whose ports have a MAC address that Neutron drew. Those of a router are alike at several sites on purpose."""
_ENOUGH = 4
"""From so many on that are alike in four octets, the fourth is taken for a part of the base."""


async def check(patient: Patient) -> AsyncIterator[Finding]:
    if patient.is_home:
        return
    site = patient.site.name
    own = base(await patient.ward.ports(site))
    for other in patient.ward.others(site):
        theirs = base(await patient.ward.ports(other))
        if own and theirs and (own.startswith(theirs) or theirs.startswith(own)):
            yield note(
                f"MAC addresses begin with {own} here and with {theirs} at {other}: in a network that "
                "spans both, two ports may get the same one",
                "a base_mac of its own in the neutron.conf of each site (fa:16:3e:a1:00:00, say)",
            )


def base(ports: Iterable[Mapping[str, Any]]) -> str:
    """How the MAC addresses begin that a site draws: three octets, or four; empty if that cannot be told."""
    drawn = [
        str(port.get("mac_address", "")).lower()
        for port in ports
        if str(port.get("device_owner", "")).startswith(_DRAWN)
    ]
    if not drawn:
        return ""
    three, count = Counter(mac[:8] for mac in drawn).most_common(1)[0]
    fours = {mac[:11] for mac in drawn if mac.startswith(three)}
    return fours.pop() if count >= _ENOUGH and len(fours) == 1 else three
