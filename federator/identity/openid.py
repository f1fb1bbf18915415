"""Notices which tokens of home are made with an access token of OpenID Connect. Pure.

That is how v3oidcpassword, v3oidcaccesstoken and their like log in; afterwards the client has its
unscoped token rescoped to a project.
"""

import re
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from multidict import MultiMapping

_LOGIN = re.compile(r"/v3/OS-FEDERATION/identity_providers/[^/]+/protocols/[^/]+/auth")
_BEARER = "bearer "


class OpenIdLogin(NamedTuple):
    """Home gave a token for an access token."""

    home_token: str
    access_token: str
    ends: datetime
    """The end of home's token."""


def openid_login(
    path: str, asked: MultiMapping[str], answered: MultiMapping[str], body: bytes
) -> OpenIdLogin | None:
    """The login in a request that home has answered with 201, if it was one by an access token."""
    authorization = asked.get("Authorization", "")
    if not _LOGIN.fullmatch(path) or not authorization.lower().startswith(_BEARER):
        return None
    said = _at(body, "token", "expires_at")
    token = answered.get("X-Subject-Token")
    if token is None or not isinstance(said, str):
        return None
    access_token = authorization[len(_BEARER) :].strip()
    return OpenIdLogin(token, access_token, datetime.fromisoformat(said))


def rescoped(path: str, asked: bytes | None, answered: MultiMapping[str]) -> list[tuple[str, str]]:
    """(old token, new token) of a request that home has answered with 201.

    The method is ``token`` or, as Keystone allows, the name of the protocol that the old one came by.
    Of other methods the ID is no token, and nothing is known of it.
    """
    new = answered.get("X-Subject-Token")
    if path != "/v3/auth/tokens" or asked is None or new is None:
        return []
    methods = _at(asked, "auth", "identity", "methods")
    names = [name for name in methods if isinstance(name, str)] if isinstance(methods, list) else []
    olds = [_at(asked, "auth", "identity", name, "id") for name in names]
    return [(old, new) for old in olds if isinstance(old, str)]


def _at(body: bytes, *keys: str) -> Any:
    """What stands there in a JSON body; None if nothing does."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found
