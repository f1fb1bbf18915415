"""What may a new project do there by default? A site with too little or with no limits changes the sum."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from federator.doctor.patient import Finding, Patient, good, note
from federator.doctor.ward import endpoints_of

_LEAST = {
    "instances": 1,
    "cores": 1,
    "ram": 512,
    "volumes": 1,
    "gigabytes": 1,
    "network": 1,
    "subnet": 1,
    "port": 10,
    "router": 1,
    "floatingip": 1,
    "security_group": 2,
    "security_group_rule": 10,
}
"""Less, and a tenant's first server, volume or routed network does not come to be. The default group of a
project is one, and has four rules; a network that spans sites has ports for servers of the others too."""


async def check(patient: Patient) -> AsyncIterator[Finding]:
    if patient.is_home:
        return
    there = await endpoints_of(patient.account)
    answers = []
    if "compute" in there:
        answers.append(await patient.account.get("compute", "/v2.1/os-quota-class-sets/default"))
    if "block-storage" in there:
        path = "/v3/{project_id}/os-quota-class-sets/default"
        answers.append(await patient.account.get("block-storage", path))
    if "network" in there:
        answers.append(await patient.account.get("network", "/v2.0/quotas/{project_id}/default"))
    limits: dict[str, int] = {}
    for answer in answers:
        if answer.status == 200:
            limits |= _limits(answer.json)
    for finding in judged(limits):
        yield finding


def judged(limits: Mapping[str, int]) -> list[Finding]:
    """What is to be said of default quotas, by their names."""
    few = [f"{name} {limits[name]}" for name in _LEAST if 0 <= limits.get(name, -1) < _LEAST[name]]
    endless = [name for name in _LEAST if limits.get(name) == -1]
    found = []
    if few:
        cure = "larger defaults there, or quotas of its own for each project"
        found.append(note(f"a new project may have too little: {', '.join(few)}", cure))
    if endless:
        cure = "nothing, if that is meant; else limits there"
        what = f"no limit on {', '.join(endless)}, so the federation shows none for all sites"
        found.append(note(what, cure))
    if limits and not found:
        found.append(good("a new project has quotas to begin with"))
    return found


def _limits(body: Any) -> dict[str, int]:
    inner = next(iter(body.values()), None) if isinstance(body, dict) else None
    if not isinstance(inner, dict):
        return {}
    return {name: limit for name, limit in inner.items() if type(limit) is int}
