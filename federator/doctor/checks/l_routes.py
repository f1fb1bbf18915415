"""How many routes may a router have? One that spans sites has its tenant's at each: the lowest limit counts."""

from collections.abc import AsyncIterator

from federator.doctor.patient import Finding, Patient, good, note
from federator.doctor.ward import endpoints_of

_QUOTA = "router_route"
"""Neutron 2026.2 made ``max_routes`` a quota; what it is at older ones nobody tells."""
_CURE = "max_routes in its neutron.conf, where routers that span sites shall have more"


async def check(patient: Patient) -> AsyncIterator[Finding]:
    if patient.is_home or "network" not in await endpoints_of(patient.account):
        return
    answer = await patient.account.get("network", "/v2.0/quotas/{project_id}/default")
    quota = answer.json.get("quota") if isinstance(answer.json, dict) else None
    limit = quota.get(_QUOTA) if isinstance(quota, dict) else None
    if isinstance(limit, int):
        yield good(f"a router may have {limit} routes" if limit >= 0 else "routes have no limit")
    elif answer.status == 200:
        yield note("how many routes a router may have its Neutron does not tell (mostly 30)", _CURE)
