"""Who logs in through the front rooms, in the ways that clients do."""

from pathlib import Path
from typing import Any

import requests
from keystoneauth1 import session
from keystoneauth1.identity import v3

from adapters.sites import load_home
from tests.front.conftest import Front

ALICE = {"username": "alice", "password": "alice-secret", "user_domain_name": "acme"}
ALPHA = {"project_name": "alpha", "project_domain_name": "acme"}
BODY = {
    "auth": {
        "identity": {
            "methods": ["password"],
            "password": {
                "user": {"name": "alice", "domain": {"name": "acme"}, "password": "alice-secret"}
            },
        },
        "scope": {"project": {"name": "alpha", "domain": {"name": "acme"}}},
    }
}


def login(front: Front, **options: Any) -> session.Session:
    return session.Session(v3.Password(f"{front.url}/identity", **(ALICE | options)))


def token_of(front: Front) -> str:
    response = requests.post(f"{front.url}/identity/v3/auth/tokens", json=BODY, timeout=60)
    assert response.status_code == 201
    return response.headers["X-Subject-Token"]


def admin_of(front: Front, lab: Path) -> session.Session:
    options = dict(load_home(lab, "home").auth) | {"auth_url": f"{front.url}/identity/v3"}
    return session.Session(v3.Password(**options))
