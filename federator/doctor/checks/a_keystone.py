"""Is there a Keystone at the auth_url, is the way to it safe, and do the clocks agree?"""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from adapters.endpoints import service_root
from adapters.errors import SiteUnreachable
from federator.doctor.patient import Finding, Heard, Patient, good, note, wrong

_SKEW_SECONDS = 30.0
"""More, and assertions and tokens that were just made are not valid yet."""


async def check(patient: Patient) -> AsyncIterator[Finding]:
    site = patient.site
    url = f"{service_root(site.auth_url)}/v3"
    for finding in _transport(patient):
        yield finding
    try:
        heard = await patient.ask(site, url)
    except SiteUnreachable as error:
        cure = f"clouds.{site.name}.auth.auth_url, cacert and the network between here and there"
        yield wrong(f"{url} cannot be asked: {error.reason}", cure)
        return
    version = _version(heard)
    if version:
        yield good(f"Keystone {version} at {url}")
    else:
        cure = f"clouds.{site.name}.auth.auth_url has to be that of its Keystone"
        yield wrong(f"{url} is no Keystone (HTTP {heard.status})", cure)
    skew = _skew(heard)
    if skew is not None and abs(skew) > _SKEW_SECONDS:
        away = f"{abs(skew):.0f} seconds {'ahead' if skew > 0 else 'behind'}"
        yield wrong(f"its clock is {away}", "NTP at the site and here")


def _transport(patient: Patient) -> list[Finding]:
    site = patient.site
    if not site.auth_url.startswith("https://"):
        return [note("passwords and tokens go there by plain HTTP", "an https:// auth_url")]
    if site.verify is False:
        return [note("its certificate is not checked", f"clouds.{site.name}.cacert, not verify")]
    return []


def _version(heard: Heard) -> str:
    try:
        version = json.loads(heard.body)["version"]
        return str(version["id"]) if str(version["id"]).startswith("v3") else ""
    except (ValueError, KeyError, TypeError):
        return ""


def _skew(heard: Heard) -> float | None:
    try:
        there = parsedate_to_datetime(heard.headers["Date"])
        return (there - datetime.now(UTC)).total_seconds()
    except (KeyError, ValueError, TypeError):
        return None
