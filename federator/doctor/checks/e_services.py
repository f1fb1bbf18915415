"""Are the services where the site's catalogue says?"""

import json
from collections.abc import AsyncIterator

from adapters.endpoints import service_root
from adapters.errors import SiteUnreachable
from federator.doctor.patient import Finding, Patient, good, note, wrong


async def check(patient: Patient) -> AsyncIterator[Finding]:
    if patient.is_home:
        return
    there = await patient.account.endpoints()
    for kind in patient.services:
        if kind not in there:
            site = patient.site
            where = f"interface {site.interface}, region {site.region_name or 'any'}"
            cure = "nothing, if it has none; else interface, region_name or an endpoint override"
            yield note(f"no {kind} in its catalogue ({where})", cure)
            continue
        yield await _look(patient, kind, f"{service_root(there[kind])}/")


async def _look(patient: Patient, kind: str, url: str) -> Finding:
    cure = f"the endpoint in its catalogue, or {kind.replace('-', '_')}_endpoint_override"
    try:
        heard = await patient.ask(patient.site, url)
    except SiteUnreachable as error:
        return wrong(f"{kind} at {url} cannot be asked: {error.reason}", cure)
    if heard.status not in (200, 300):
        return wrong(f"{kind} at {url} answers HTTP {heard.status}", cure)
    return good(f"{kind} {_versions(heard.body)} at {url}")


def _versions(body: bytes) -> str:
    try:
        versions = json.loads(body)["versions"]
        newest = max(versions, key=lambda each: each.get("status") == "CURRENT")
        return str(newest.get("max_version") or newest.get("version") or newest["id"])
    except (ValueError, KeyError, TypeError):
        return "without versions"
