"""Records what the stand-ins of the benchmarks say, from the site paris of the running lab and from home.

    python -m bench.record      writes bench/recorded/site.json

A server is needed at paris, any one. Nothing recorded is secret: no token, no catalogue, and the IDs and
addresses in it are replaced when it is served (`bench.standin`).
"""

import json
import os
from pathlib import Path
from typing import Any

import openstack
import requests

from adapters.endpoints import service_root

RECORDED = Path(__file__).parent / "recorded" / "site.json"
SERVICES = {"compute": "/v2.1", "placement": "", "network": "/v2.0", "image": "/v2"}
SERVICES["block-storage"] = "/v3"
NEWER = "2.46"
"""The microversion in which the gateway's account reads servers; clients who name none get 2.1."""


def documents(root: str, version: str) -> dict[str, Any]:
    """Path -> status and body of the version documents that are shown without a token."""
    found = {}
    for path in {"/", f"{version}/"}:
        answer = requests.get(root + path, headers={"Accept": "application/json"}, timeout=30)
        text = answer.text.replace(root, "<<root>>")
        if answer.status_code in (200, 300):
            found[path] = {"status": answer.status_code, "body": text}
    return found


def main() -> None:
    lab = Path(os.environ.get("LAB_DIR", ".lab")) / "clouds.yaml"
    config = openstack.config.OpenStackConfig(config_files=[str(lab)])
    paris = openstack.connection.Connection(config=config.get_one("paris-admin"))
    home = openstack.connection.Connection(config=config.get_one("home"))
    roots = {each: service_root(paris.endpoint_for(each) or "") for each in SERVICES}
    listed = paris.compute.get("/servers?all_tenants=1&status=ACTIVE&limit=1").json()
    path = f"/servers/{listed['servers'][0]['id']}"
    servers = {
        name: paris.compute.get(path, microversion=name).json()["server"] for name in ("2.1", NEWER)
    }
    for server in servers.values():
        text = json.dumps(server).replace(roots["compute"], "<<root>>")
        server.update(json.loads(text))
    token = home.auth_token
    said = home.identity.get("/auth/tokens", headers={"X-Subject-Token": token}).json()
    for name in ("catalog", "service_providers"):
        said["token"].pop(name, None)
    recorded = {
        "documents": {each: documents(roots[each], version) for each, version in SERVICES.items()},
        "servers": servers,
        "token": said["token"],
    }
    RECORDED.parent.mkdir(exist_ok=True)
    RECORDED.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
