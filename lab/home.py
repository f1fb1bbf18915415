"""The home Keystone's users, made from home.yaml; harmless when they are there."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from lab import federation, identity_provider
from lab.catalogue import HomeFile
from lab.cloud import Cloud
from lab.layout import SOURCE
from lab.rest import Rest


def fingerprint() -> str:
    """Of what home is seeded with: when that has changed, it is seeded again."""
    made_from = [SOURCE / "home.yaml", identity_provider.REALM, federation.HOME_MAPPING]
    return sha256(b"".join(path.read_bytes() for path in made_from)).hexdigest()


def seed(cloud: Cloud, content: HomeFile) -> None:
    rest = Rest(cloud)
    roles = {role["name"]: role["id"] for role in rest.get("/roles")}
    for domain in content.domains:
        domain_id = rest.ensure_named("/domains", "domain", domain.name)["id"]

        def ensure(kind: str, name: str, of: str = domain_id, **more: Any) -> str:
            return str(rest.ensure_named(f"/{kind}s", kind, name, more, domain_id=of)["id"])

        projects = {name: ensure("project", name) for name in domain.projects}
        for name, grants in domain.users.items():
            user = ensure("user", name, password=f"{name}-secret")
            for project, role in grants.items():
                rest.put(f"/projects/{projects[project]}/users/{user}/roles/{roles[role]}")
        for name, secret in domain.totp.items():
            user = ensure("user", name)
            if not rest.get("/credentials", user_id=user, type="totp"):
                credential = {"type": "totp", "user_id": user, "blob": secret}
                rest.post("/credentials", {"credential": credential})
