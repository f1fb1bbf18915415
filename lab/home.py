"""The home Keystone's users, made once from home.yaml."""

from __future__ import annotations

from lab.catalogue import HomeFile
from lab.cloud import Cloud
from lab.rest import Rest


def seed(cloud: Cloud, content: HomeFile) -> None:
    rest = Rest(cloud)
    roles = {role["name"]: role["id"] for role in rest.get("/roles")}
    for domain in content.domains:
        found = rest.find("/domains", domain.name)
        made = found or rest.post("/domains", {"domain": {"name": domain.name}})
        projects = {}
        for name in domain.projects:
            body = {"name": name, "domain_id": made["id"]}
            projects[name] = rest.post("/projects", {"project": body})["id"]
        for name, grants in domain.users.items():
            body = {"name": name, "domain_id": made["id"], "password": f"{name}-secret"}
            user = rest.post("/users", {"user": body})["id"]
            for project, role in grants.items():
                rest.put(f"/projects/{projects[project]}/users/{user}/roles/{roles[role]}")
