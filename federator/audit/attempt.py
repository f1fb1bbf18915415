"""Who tries to log in, read from the body of a login. Pure.

Only names and IDs are taken out, each by its place: a body of a login is made of secrets.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from federator.secrets import harmless, hashed

_WITH_USER = ("password", "totp", "application_credential")


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who somebody says to be. What is not said, or said in an odd way, is empty."""

    methods: tuple[str, ...] = ()
    user_id: str = ""
    user_name: str = ""
    domain_id: str = ""
    domain_name: str = ""
    application_credential_id: str = ""
    token: str = ""
    """The hash of the token that is to be exchanged for another one."""


def attempt_of(body: bytes | None) -> Attempt:
    """What the body of ``POST /v3/auth/tokens`` says of who it is."""
    try:
        identity = _part(_part(orjson.loads(body or b""), "auth"), "identity")
    except orjson.JSONDecodeError:
        return Attempt()
    methods = identity.get("methods")
    names = [each for each in methods if isinstance(each, str)] if isinstance(methods, list) else []
    user: dict[str, Any] = {}
    for method in _WITH_USER:
        user = user or _part(_part(identity, method), "user")
    domain = _part(user, "domain")
    token = _part(identity, "token").get("id")
    return Attempt(
        methods=tuple(harmless(each)[:64] for each in names[:8]),
        user_id=_text(user, "id"),
        user_name=_text(user, "name"),
        domain_id=_text(domain, "id"),
        domain_name=_text(domain, "name"),
        application_credential_id=_text(_part(identity, "application_credential"), "id"),
        token=hashed(token) if isinstance(token, str) else "",
    )


def _part(value: Any, key: str) -> dict[str, Any]:
    part = value.get(key) if isinstance(value, dict) else None
    return part if isinstance(part, dict) else {}


def _text(value: dict[str, Any], key: str) -> str:
    text = value.get(key)
    return harmless(text)[:255] if isinstance(text, str) else ""
