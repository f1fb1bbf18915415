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
    """The users of the site's own services and their endpoints, and the account `federator`."""
    rest = Rest(cloud)
    roles = {role["name"]: role["id"] for role in rest.get("/roles")}
    if "service" not in roles:
        roles["service"] = rest.post("/roles", {"role": {"name": "service"}})["id"]
    project = rest.post("/projects", {"project": {"name": "service", "domain_id": "default"}})["id"]

    def user(name: str, password: str) -> str:
        body = {"name": name, "domain_id": "default", "password": password}
        return str(rest.post("/users", {"user": body})["id"])

    for kind, (name, service, path) in ENDPOINTS.items():
        user_id = user(name, cloud.password("service"))
        for role in ("admin", "service"):
            rest.put(f"/projects/{project}/users/{user_id}/roles/{roles[role]}")
        kind = cloud.release.volume_service_type if kind == "volume" else kind
        service_id = rest.post("/services", {"service": {"name": name, "type": kind}})["id"]
        url = f"http://{ADDRESS}:{cloud.port(service)}{path}"
        for interface in ("public", "internal", "admin"):
            endpoint = {"service_id": service_id, "interface": interface, "url": url}
            rest.post("/endpoints", {"endpoint": {**endpoint, "region_id": cloud.name}})

    federator = user(FEDERATOR, cloud.password(FEDERATOR))
    admin = roles["admin"]
    rest.put(f"/projects/{project}/users/{federator}/roles/{admin}")
    rest.put(f"/domains/default/users/{federator}/roles/{admin}")
    rest.put(f"/system/users/{federator}/roles/{admin}")
