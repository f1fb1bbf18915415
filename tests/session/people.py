"""Identities that need no lab."""

from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.identity import Identity


def make_identity(**changes: Any) -> Identity:
    """Alice of acme in project alpha, a member; `changes` are fields of Identity."""
    values: dict[str, Any] = {
        "token": "secret-token",
        "user_id": "u1",
        "user_name": "alice",
        "user_domain_id": "d1",
        "user_domain_name": "acme",
        "project_id": "p1",
        "project_name": "alpha",
        "project_domain_id": "d1",
        "project_domain_name": "acme",
        "roles": frozenset({"member", "reader"}),
        "application_credential_id": None,
        "expires_at": datetime.now(UTC) + timedelta(hours=1),
        "service_providers": {},
        "body": {"token": {}},
    }
    return Identity(**{**values, **changes})
