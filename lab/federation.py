"""Trust between home and a site, both ends: what deploy/k2k tells an operator to do."""

from __future__ import annotations

import json
from typing import Any

from lab.catalogue import HOME
from lab.cloud import Cloud
from lab.layout import CHECKOUT
from lab.progress import run
from lab.rest import Rest

MAPPING = CHECKOUT / "deploy" / "k2k" / "mapping.json"
PROTOCOL = "saml2"
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


def trust(home: Cloud, site: Cloud) -> None:
    """Harmless when it has been done before."""
    federation = "/OS-FEDERATION"
    at_site = Rest(site)
    if not at_site.find("/domains", DOMAIN):
        domain = {"name": DOMAIN, "explicit_domain_id": DOMAIN_ID}
        at_site.post("/domains", {"domain": domain})
    mapping: dict[str, Any] = json.loads(MAPPING.read_text())
    at_site.put_or_patch(f"{federation}/mappings/{HOME}", {"mapping": mapping})
    entity = f"{home.auth_url}/OS-FEDERATION/saml2/idp"
    provider = {"remote_ids": [entity], "enabled": True, "domain_id": DOMAIN_ID}
    providers = f"{federation}/identity_providers/{HOME}"
    at_site.put_unless_there(providers, {"identity_provider": provider})
    protocol = {"mapping_id": HOME}
    at_site.put_unless_there(f"{providers}/protocols/{PROTOCOL}", {"protocol": protocol})

    login = f"{site.auth_url}/OS-FEDERATION/identity_providers/{HOME}/protocols/{PROTOCOL}/auth"
    service_provider = {
        "enabled": True,
        "sp_url": f"{site.auth_url}/mellon/paosResponse",
        "auth_url": login,
        "relay_state_prefix": f"{login}?rs=",  # mellon refuses Keystone's default, ss:mem:
    }
    path = f"{federation}/service_providers/{site.name}"
    Rest(home).put_or_patch(path, {"service_provider": service_provider})
