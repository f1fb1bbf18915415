"""People at home who exist for one gateway only, and the traces they leave at the sites."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.marks import REMOTE
from adapters.transit import transit_of
from tests.e2e.api import Api, cloud
from tests.e2e.waiting import until


@dataclass(frozen=True)
class People:
    """A new domain at home with one project and one member."""

    domain: str
    domain_id: str
    project: str
    project_id: str
    user: str
    user_id: str

    @property
    def auth(self) -> dict[str, str]:
        """How the member logs in; without the URL."""
        return {
            "username": self.user,
            "password": self.user,
            "project_name": self.project,
            "user_domain_name": self.domain,
            "project_domain_name": self.domain,
        }


@contextmanager
def new_people(lab: Path, sites: tuple[str, ...]) -> Iterator[People]:
    """A member of a new project. Afterwards nothing of them is left, at home or at the sites."""
    home = cloud(lab, "home")
    mark = uuid.uuid4().hex[:8]
    new = {"name": f"e2e-{mark}"}
    domain = home.do("POST", "identity", "/domains", {"domain": new})["domain"]["id"]
    try:
        named = {"name": "tour", "domain_id": domain}
        project = home.do("POST", "identity", "/projects", {"project": named})["project"]["id"]
        named = {"name": f"guide-{mark}", "domain_id": domain, "password": f"guide-{mark}"}
        user = home.do("POST", "identity", "/users", {"user": named})["user"]["id"]
        role = home.get("identity", "/roles?name=member")["roles"][0]["id"]
        home.do("PUT", "identity", f"/projects/{project}/users/{user}/roles/{role}")
        yield People(f"e2e-{mark}", domain, "tour", project, f"guide-{mark}", user)
        with ThreadPoolExecutor(len(sites)) as pool:
            list(pool.map(lambda site: sweep(lab, site, f"e2e-{mark}", project), sites))
    finally:
        remove_domain(home, f"e2e-{mark}")
        home.close()


def remove_domain(keystone: Api, name: str) -> None:
    """A domain with all that is in it, and the groups of its projects."""
    for domain in keystone.get("identity", f"/domains?name={name}")["domains"]:
        path = f"/domains/{domain['id']}"
        keystone.do("PATCH", "identity", path, {"domain": {"enabled": False}})
        keystone.do("DELETE", "identity", path)
    for group in keystone.get("identity", "/groups")["groups"]:
        if group["name"].startswith(f"fed:{name}:"):
            keystone.call("DELETE", "identity", f"/groups/{group['id']}")


def keystone_ids(keystone: Api) -> set[str]:
    """The IDs of everything and everybody a Keystone knows."""
    kinds = ("users", "projects", "domains", "groups", "roles", "services", "endpoints", "regions")
    found = {
        str(each["id"]) for kind in kinds for each in keystone.get("identity", f"/{kind}")[kind]
    }
    return {each for each in found if len(each) >= 32}


def sweep(lab: Path, site: str, domain: str, home_project: str) -> None:
    """Remove at a site what was made for a home project: things first, then who made them."""
    admin = cloud(lab, f"{site}-admin")
    tag = f"federator-home-{home_project}"
    for project in admin.get("identity", f"/projects?tags={tag}")["projects"]:
        sweep_project(admin, project["id"])
    remove_domain(admin, domain)
    for user in admin.get("identity", "/users")["users"]:
        if user["name"].endswith(f"@{domain}"):
            admin.call("DELETE", "identity", f"/users/{user['id']}")
    admin.close()


def sweep_project(admin: Api, project: str) -> None:
    """Everything of one project at a site. What is in use goes after what uses it."""

    def listed(service: str, path: str, key: str) -> list[dict[str, Any]]:
        return list(admin.get(service, path)[key])

    everyones = f"all_tenants=1&project_id={project}"
    volume = f"/{admin.project_id}" if not _has_project(admin) else ""

    def servers() -> list[dict[str, Any]]:
        return listed("compute", f"/servers?{everyones}", "servers")

    for server in servers():
        admin.call("DELETE", "compute", f"/servers/{server['id']}")
    until(lambda: not servers(), "the servers are gone")
    groups = admin.get("compute", "/os-server-groups?all_projects=1", microversion="2.13")
    for group in groups["server_groups"]:
        if group["project_id"] == project:
            admin.call("DELETE", "compute", f"/os-server-groups/{group['id']}")
    for kind in (
        "floatingips",
        "routers",
        "ports",
        "subnets",
        "networks",
        "security-groups",
        "subnetpools",
        "qos/policies",
    ):
        key = kind.replace("-", "_").removeprefix("qos/")
        for item in listed("network", f"/v2.0/{kind}?project_id={project}", key):
            if kind == "routers":
                _empty_router(admin, item["id"])
            if kind == "networks":
                _clear_of_placeholders(admin, item["id"])
            admin.call("DELETE", "network", f"/v2.0/{kind}/{item['id']}")
    for kind in ("snapshots", "volumes"):

        def things(kind: str = kind) -> list[dict[str, Any]]:
            return listed("block-storage", f"{volume}/{kind}?{everyones}", kind)

        for item in things():
            admin.call("DELETE", "block-storage", f"{volume}/{kind}/{item['id']}")
        until(lambda: not things(), f"the {kind} are gone")
    for image in listed("image", f"/v2/images?owner={project}&visibility=all", "images"):
        admin.call("DELETE", "image", f"/v2/images/{image['id']}")


def _clear_of_placeholders(admin: Api, network: str) -> None:
    """They belong to the project of the gateway's account, and their daemon may be dead."""
    path = f"/v2.0/ports?network_id={network}&device_owner={REMOTE}"
    for port in admin.get("network", path)["ports"]:
        admin.call("DELETE", "network", f"/v2.0/ports/{port['id']}")


def _empty_router(admin: Api, router: str) -> None:
    """Without its interfaces, its transit network among them: that belongs to the gateway's account, too."""
    admin.call("PUT", "network", f"/v2.0/routers/{router}", {"router": {"routes": []}})
    path = f"/v2.0/ports?device_id={router}&device_owner=network:router_interface"
    for port in admin.get("network", path)["ports"]:
        body = {"port_id": port["id"]}
        admin.call("PUT", "network", f"/v2.0/routers/{router}/remove_router_interface", body)
        if transit_of(port, port["project_id"]):
            admin.call("DELETE", "network", f"/v2.0/networks/{port['network_id']}")


def _has_project(admin: Api) -> bool:
    urls = admin.catalog()
    url = urls.get("block-storage") or urls["volumev3"]
    return url.rstrip("/").endswith(admin.project_id)
