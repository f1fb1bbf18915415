"""clouds.yaml of the lab: one entry per account that programs and people use."""

from __future__ import annotations

from pathlib import Path

import yaml

from lab.cloud import Cloud
from lab.keystone import FEDERATOR
from lab.layout import Layout, write_private


def write(layout: Layout, clouds: list[Cloud]) -> Path:
    entries: dict[str, dict[str, object]] = {}
    for cloud in clouds:
        if cloud.is_home:
            entries[cloud.name] = _entry(cloud, "admin", "admin")
        else:
            entries[cloud.name] = _entry(cloud, FEDERATOR, "service")
            if cloud.identity != cloud.name:  # home's tokens are good there
                entries[cloud.name]["federation"] = {"strategy": "shared"}
            entries[f"{cloud.name}-admin"] = _entry(cloud, "admin", "admin")
    path = layout.root / "clouds.yaml"
    write_private(path, yaml.safe_dump({"clouds": entries}, sort_keys=False))
    return path


def _entry(cloud: Cloud, user: str, project: str) -> dict[str, object]:
    return {
        "auth": {
            "auth_url": cloud.auth_url,
            "username": user,
            "password": cloud.password(user),
            "user_domain_id": "default",
            "project_name": project,
            "project_domain_id": "default",
        },
        "region_name": cloud.name,
        "identity_api_version": "3",
    }
