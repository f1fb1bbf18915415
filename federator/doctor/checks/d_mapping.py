"""Federated logins: does home know the site, and has the site the provider and the protocol for them?"""

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from adapters.directory import Directory
from adapters.rights import MAPPING
from federator.doctor.patient import Finding, Patient, good, note, wrong

_STEPS = "docs/operators.md, At each site"
_ANSWERS = frozenset({200, 403, 404})
_AUTH_URL = re.compile(r"/identity_providers/([^/]+)/protocols/([^/]+)/auth$")


async def check(patient: Patient) -> AsyncIterator[Finding]:
    federation = patient.site.federation
    if patient.is_home or federation.strategy not in MAPPING:
        return
    if federation.strategy == "oidc":
        async for finding in _at_site(patient, federation.identity_provider, federation.protocol):
            yield finding
        return
    wanted = patient.site.service_provider
    path = f"/OS-FEDERATION/service_providers/{quote(wanted, safe='')}"
    answer = await Directory(patient.home_account).call("GET", path, None, _ANSWERS)
    if answer.status == 403:
        cure = "allow identity:get_service_provider to it, or look there yourself"
        yield note("the account at home may not see the service providers", cure)
        return
    if answer.status == 404:
        cure = "register it (docs/operators.md, At home), or state service_provider"
        yield wrong(f"home has no service provider {wanted}", cure)
        return
    provider = answer.json["service_provider"]
    yield _at_home(wanted, provider)
    ways_in = _AUTH_URL.search(str(provider["auth_url"]))
    if ways_in is None:
        cure = "it ends with /identity_providers/<ID>/protocols/<ID>/auth"
        yield wrong(f"the auth_url of {wanted} at home is no way to log in", cure)
        return
    async for finding in _at_site(patient, *ways_in.groups()):
        yield finding


def _at_home(wanted: str, provider: dict[str, Any]) -> Finding:
    if not provider.get("enabled", True):
        return wrong(f"the service provider {wanted} is disabled at home", "enable it there")
    if not str(provider.get("relay_state_prefix") or "").startswith(str(provider["auth_url"])):
        cure = "PATCH it to <auth_url>?rs= (deploy/k2k/README.md, step 4)"
        return wrong(f"the relay_state_prefix of {wanted} at home is not its auth_url", cure)
    return good(f"home has the service provider {wanted}")


async def _at_site(
    patient: Patient, identity_provider: str, protocol: str
) -> AsyncIterator[Finding]:
    at_site = Directory(patient.account)
    name = patient.site.federation.group_domain
    domain = await at_site.find("domains", name)
    if domain is None:
        yield wrong(f"it has no domain {name}", f"step 2 of {_STEPS}, or state group_domain")
        return
    path = f"/OS-FEDERATION/identity_providers/{quote(identity_provider, safe='')}"
    answer = await at_site.call("GET", path, None, _ANSWERS)
    if answer.status == 403:
        cure = "allow identity:get_identity_provider to it, or look there yourself"
        yield note("the account may not see the identity providers", cure)
        return
    if answer.status == 404:
        yield wrong(f"it has no identity provider {identity_provider}", f"step 3 of {_STEPS}")
        return
    shown = answer.json["identity_provider"]
    if not shown.get("enabled", True):
        yield wrong(f"the identity provider {identity_provider} is disabled", "enable it there")
    if shown.get("domain_id") != domain["id"]:
        cure = "state its domain as group_domain, or make it anew in that domain"
        yield wrong(f"the identity provider {identity_provider} is not of domain {name}", cure)
    if shown.get("authorization_ttl"):
        cure = "set it to 0: on old releases a login keeps the roles of earlier ones so long"
        yield wrong(f"the identity provider {identity_provider} has an authorization_ttl", cure)
    answer = await at_site.call(
        "GET", f"{path}/protocols/{quote(protocol, safe='')}", None, _ANSWERS
    )
    if answer.status == 200:
        mapping = answer.json["protocol"]["mapping_id"]
        yield good(f"logins by {protocol} of {identity_provider} go through the mapping {mapping}")
    else:
        yield wrong(f"{identity_provider} has no protocol {protocol}", f"step 3 of {_STEPS}")
