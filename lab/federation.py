"""Who trusts whom: what deploy/k2k and deploy/oidc tell an operator to do at home and at every site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lab import identity_provider
from lab.catalogue import HOME
from lab.cloud import Cloud
from lab.layout import CHECKOUT
from lab.progress import run
from lab.rest import Rest

MAPPING = CHECKOUT / "deploy" / "k2k" / "mapping.json"
OPENID_MAPPING = CHECKOUT / "deploy" / "oidc" / "mapping.json"
HOME_MAPPING = CHECKOUT / "deploy" / "oidc" / "mapping-home.json"
DOMAIN = "federation"  # Keystone keeps the name "federated" for itself
# The same at every site: Keystone makes the ID of a federated user from it.
DOMAIN_ID = "fed0fed0fed0fed0fed0fed0fed0fed0"


def make_identity_provider(home: Cloud) -> None:
    """The key home signs assertions with, and the metadata by which the sites know it."""
    key, certificate = home.data / "saml.key", home.data / "saml.crt"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650"]
    log = home.layout.log(home.name, "saml")
    run([*request, "-subj", "/CN=home", "-keyout", key, "-out", certificate], log)
    draft = home.data / "idp_metadata.xml.new"
    conf = home.etc / "keystone" / "keystone.conf"
    run(
        [home.program("keystone-manage"), "--config-file", conf, "saml_idp_metadata"],
        log,
        env=home.environment(),
        stdout=draft,
    )
    draft.replace(home.data / "idp_metadata.xml")


def trust_home(home: Cloud, site: Cloud) -> None:
    """The site lets home's users in. Harmless when it has been done before."""
    at_site = Rest(site)
    if not at_site.find("/domains", DOMAIN):
        domain = {"name": DOMAIN, "explicit_domain_id": DOMAIN_ID}
        at_site.post("/domains", {"domain": domain})
    entity = f"{home.auth_url}/OS-FEDERATION/saml2/idp"
    provider = {"remote_ids": [entity], "domain_id": DOMAIN_ID}
    login = _let_in(at_site, HOME, "saml2", MAPPING, provider)
    service_provider = {
        "enabled": True,
        "sp_url": f"{site.auth_url}/mellon/paosResponse",
        "auth_url": f"{site.auth_url}{login}",
        # mellon refuses Keystone's default, ss:mem:
        "relay_state_prefix": f"{site.auth_url}{login}?rs=",
    }
    path = f"/OS-FEDERATION/service_providers/{site.name}"
    Rest(home).put_or_patch(path, {"service_provider": service_provider})


def trust_openid(site: Cloud, issuer: str) -> None:
    """The site lets the OpenID provider's users in, into the same groups as home's."""
    provider = {"remote_ids": [issuer], "domain_id": DOMAIN_ID}
    _let_in(Rest(site), identity_provider.IDP, "openid", OPENID_MAPPING, provider)


def trust_openid_at_home(home: Cloud, issuer: str) -> None:
    """The same at home, with the groups that the provider's words name and their rights."""
    rest = Rest(home)
    domain_id = rest.ensure_named("/domains", "domain", identity_provider.IDP)["id"]
    # As long as application credentials of these users hold after their last login.
    provider = {"remote_ids": [issuer], "domain_id": domain_id, "authorization_ttl": 60}
    _let_in(rest, identity_provider.IDP, "openid", HOME_MAPPING, provider)
    roles = {role["name"]: role["id"] for role in rest.get("/roles")}
    domains = {domain["name"]: domain["id"] for domain in rest.get("/domains")}
    for name in identity_provider.groups():
        _, domain, project_name, role = name.split(":")
        group = rest.ensure_named("/groups", "group", name, domain_id=domain_id)["id"]
        project = rest.find("/projects", project_name, domain_id=domains[domain])["id"]
        rest.put(f"/projects/{project}/groups/{group}/roles/{roles[role]}")


def _let_in(rest: Rest, idp: str, protocol: str, mapping: Path, provider: dict[str, Any]) -> str:
    """Mapping, identity provider and protocol: the path of the login, below /v3."""
    federation = "/OS-FEDERATION"
    rules: dict[str, Any] = json.loads(mapping.read_text())
    rest.put_or_patch(f"{federation}/mappings/{idp}", {"mapping": rules})
    path = f"{federation}/identity_providers/{idp}"
    rest.put_unless_there(path, {"identity_provider": {"enabled": True, **provider}})
    path = f"{path}/protocols/{protocol}"
    rest.put_unless_there(path, {"protocol": {"mapping_id": idp}})
    return f"{path}/auth"
