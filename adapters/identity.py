"""Who is asking: what home says of a token, and what a site gave in exchange for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class ServiceProvider:
    """One site as home's service catalogue of federation knows it (``service_providers`` of a token body)."""

    id: str
    auth_url: str
    sp_url: str


@dataclass(frozen=True, slots=True)
class Identity:
    """A token of home that was validated there: who, in which project, with which roles, until when.

    `project_id` is None for unscoped tokens and for tokens scoped to a domain or to the system.
    """

    token: str = field(repr=False)
    user_id: str
    user_name: str
    user_domain_id: str
    user_domain_name: str
    project_id: str | None
    project_name: str | None
    project_domain_id: str | None
    project_domain_name: str | None
    roles: frozenset[str]
    application_credential_id: str | None
    expires_at: datetime
    service_providers: Mapping[str, ServiceProvider] = field(repr=False)
    body: Mapping[str, Any] = field(repr=False)
    """The token's body as home sent it: ``{"token": {...}}``."""

    @property
    def login_id(self) -> str:
        """What all tokens have in common that were made of one login by rescoping; it is no secret.

        But each token of a federated user has its own. Empty if home does not say.
        """
        audit_ids = self.body["token"].get("audit_ids") or [""]
        return str(audit_ids[-1])

    @property
    def is_admin(self) -> bool:
        """Whether this login has the role ``admin``, in its project, domain or the system."""
        return "admin" in self.roles


@dataclass(frozen=True, slots=True)
class SiteToken:
    """What one site gave for an Identity. It never leaves the gateway."""

    site: str
    token: str = field(repr=False)
    user_id: str
    project_id: str
    expires_at: datetime
    endpoints: Mapping[str, str]
    """Service type as the site's catalogue has it -> public URL, project ID filled in."""
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)
