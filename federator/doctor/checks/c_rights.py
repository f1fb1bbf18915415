"""Has the gateway's account every right it needs? Each is tried, by a call that changes nothing."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from adapters.keystone.login import Myself
from adapters.rights import HOME, NOBODY, SITE, Right, extensions, lists
from federator.doctor.patient import Finding, Patient, good, note, wrong

_MISSING = frozenset({401, 403})


async def check(patient: Patient) -> AsyncIterator[Finding]:
    strategy = patient.site.federation.strategy
    myself = await patient.account.myself()
    there = await patient.account.endpoints()
    tried = 0
    missing = 0
    for right in _needed(patient):
        if right.strategies and strategy not in right.strategies:
            continue
        if right.service not in there:
            continue
        status = await _try(patient, right, myself)
        tried += status is not None
        if status in _MISSING:
            missing += 1
            cure = f"allow {right.rule} to it"
            what = f"the account may not {right} of {right.service} ({status}): {right.why}"
            yield note(what, cure) if right.optional else wrong(what, cure)
        elif status is not None and status >= 500:
            yield wrong(f"{right.service} answers {status} to {right}", "look into its log")
    if not missing:
        yield good(f"all {tried} rights of the account are there")


def _needed(patient: Patient) -> list[Right]:
    return (
        list(HOME)
        if patient.is_home
        else [*SITE, *lists(patient.services), *extensions(patient.services)]
    )


async def _try(patient: Patient, right: Right, myself: Myself) -> int | None:
    """The status of the trial; None if it could not be made without changing something."""
    known = {
        "nobody": NOBODY,
        "user_id": myself.user_id,
        "project_id": myself.project_id,
        "project_name": myself.project_name,
        "project_domain_id": myself.project_domain_id,
        "project_domain_name": myself.project_domain_name,
    }
    if not myself.project_id and right.service == "identity" and right.method in ("POST", "PUT"):
        return None
    call = patient.account.request
    if right.method not in ("PUT", "HEAD"):
        path = right.trial.format_map(known)
        body = _filled(right.body, known)
        answer = await call(right.method, right.service, path, body, right.microversion)
        return answer.status
    status = None
    for role_id in myself.roles.values():
        path = right.trial.format_map({**known, "role_id": role_id})
        status = (await call("HEAD", right.service, path)).status
        if status in (200, 204):
            # Only what the account has already is given to it again; a role that another one
            # implies it has not.
            return (await call(right.method, right.service, path)).status
    return status if right.method == "HEAD" or status in _MISSING else None


def _filled(body: Any, known: Mapping[str, str]) -> Any:
    if isinstance(body, Mapping):
        return {key: _filled(value, known) for key, value in body.items()}
    return body.format_map(known) if isinstance(body, str) else body
