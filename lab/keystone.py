"""A cloud's Keystone: its keys and database at first, its first admin, and the accounts of the services."""

from __future__ import annotations

import os

from lab.cloud import ADDRESS, Cloud
from lab.progress import run
from lab.rest import Rest

# type of service: (its user, the process that serves it, path of the endpoint)
ENDPOINTS = {
    "compute": ("nova", "nova-api", "/v2.1"),
    "placement": ("placement", "placement", ""),
    "network": ("neutron", "neutron", ""),
    "image": ("glance", "glance", ""),
    "volume": ("cinder", "cinder-api", "/v3"),
}
FEDERATOR = "federator"


def keystone_manage(cloud: Cloud, *arguments: str) -> None:
    conf = cloud.etc / "keystone" / "keystone.conf"
    program = cloud.program("keystone-manage")
    log = cloud.layout.log(cloud.name, "bootstrap-keystone")
    run([program, "--config-file", conf, *arguments], log, env=cloud.environment())


def bootstrap(cloud: Cloud) -> None:
    """Everything Keystone needs before it can be started."""
    owner = [f"--keystone-user={os.geteuid()}", f"--keystone-group={os.getegid()}"]
    for repository in ("fernet", "credential"):
        (cloud.data / repository).mkdir(parents=True, exist_ok=True, mode=0o700)
        keystone_manage(cloud, f"{repository}_setup", *owner)
    keystone_manage(cloud, "db_sync")
    first = {
        "password": cloud.password("admin"),
        "region-id": cloud.name,
        **{f"{kind}-url": cloud.auth_url for kind in ("admin", "internal", "public")},
    }
    keystone_manage(cloud, "bootstrap", *(f"--bootstrap-{k}={v}" for k, v in first.items()))


def make_accounts(cloud: Cloud) -> None:
    """The users of the site's own services and their endpoints, and the account `federator`.

    Harmless when it has been done before: a Keystone may serve several sites.
    """
    rest = Rest(cloud)
    rest.ensure_named("/roles", "role", "service")
    roles = {role["name"]: role["id"] for role in rest.get("/roles")}
    rest.put_unless_there(f"/regions/{cloud.name}", {"region": {}})
    project = rest.ensure_named("/projects", "project", "service", domain_id="default")["id"]

    def user(name: str, password: str) -> str:
        secret = {"password": password}
        return str(rest.ensure_named("/users", "user", name, secret, domain_id="default")["id"])

    for kind, (name, service, path) in ENDPOINTS.items():
        if service not in cloud.services:
            continue
        user_id = user(name, cloud.password("service"))
        for role in ("admin", "service"):
            rest.put(f"/projects/{project}/users/{user_id}/roles/{roles[role]}")
        kind = cloud.release.volume_service_type if kind == "volume" else kind
        service_id = rest.ensure_named("/services", "service", name, {"type": kind})["id"]
        url = f"http://{ADDRESS}:{cloud.port(service)}{path}"
        _make_endpoints(cloud, rest, service_id, url)
    if cloud.identity != cloud.name:
        service_id = rest.get("/services", type="identity")[0]["id"]
        _make_endpoints(cloud, rest, service_id, cloud.auth_url)

    federator = user(FEDERATOR, cloud.password(FEDERATOR))
    admin = roles["admin"]
    rest.put(f"/projects/{project}/users/{federator}/roles/{admin}")
    rest.put(f"/domains/default/users/{federator}/roles/{admin}")
    rest.put(f"/system/users/{federator}/roles/{admin}")


def _make_endpoints(cloud: Cloud, rest: Rest, service_id: str, url: str) -> None:
    there = rest.get("/endpoints", service_id=service_id, region_id=cloud.name)
    missing = {"public", "internal", "admin"} - {endpoint["interface"] for endpoint in there}
    for interface in missing:
        endpoint = {"service_id": service_id, "region_id": cloud.name}
        rest.post("/endpoints", {"endpoint": {**endpoint, "interface": interface, "url": url}})
