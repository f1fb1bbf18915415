"""Notices logins by OpenID Connect with an access token (v3oidcpassword, v3oidcaccesstoken, ...). Pure."""

import re
from datetime import datetime
from typing import NamedTuple

import orjson
from multidict import MultiMapping

_LOGIN = re.compile(r"/v3/OS-FEDERATION/identity_providers/[^/]+/protocols/[^/]+/auth")
_BEARER = "bearer "


class OpenIdLogin(NamedTuple):
    """What `adapters.access_tokens.AccessTokens.keep` has to know."""

    login_id: str
    home_token: str
    access_token: str
    ends: datetime


def openid_login(
    path: str,
    asked: MultiMapping[str],
    status: int,
    answered: MultiMapping[str],
    body: bytes,
) -> OpenIdLogin | None:
    """The login that home has just let happen, if it was one by an access token."""
    authorization = asked.get("Authorization", "")
    if status != 201 or not _LOGIN.fullmatch(path) or not authorization.lower().startswith(_BEARER):
        return None
    try:
        said = orjson.loads(body)["token"]
        return OpenIdLogin(
            said["audit_ids"][-1],
            answered["X-Subject-Token"],
            authorization[len(_BEARER) :].strip(),
            datetime.fromisoformat(said["expires_at"]),
        )
    except (ValueError, LookupError, TypeError):
        return None
