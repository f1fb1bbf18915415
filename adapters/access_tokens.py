"""The OpenID Connect access tokens that users logged in with at home, for sites that trust the same provider.

An access token is kept for one login at home (`Identity.login_id`), until it ends or the login is
revoked: in memory, and, sealed by a key made of the gateway's secret, where the other gateway
processes can read it. Without a secret only the process that saw the login knows the token.
"""

import logging
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from hashlib import sha256
from os import urandom
from typing import NamedTuple

import orjson
from cachetools import LRUCache
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from idmap.notes import Notes
from idmap.store import StoreUnavailable

_log = logging.getLogger(__name__)

_NONCE = 12


class AccessToken(NamedTuple):
    """What the provider gave the user, and when it ends."""

    token: str
    ends: datetime

    def __repr__(self) -> str:
        return f"AccessToken(ends={self.ends})"


class AccessTokens:
    """Remembers which access token a login at home was made with."""

    def __init__(
        self, notes: Notes | None = None, secret: bytes | None = None, *, max_tokens: int = 10_000
    ) -> None:
        """`secret` is the same in all gateway processes (`adapters.secret`)."""
        self._notes = notes if secret is not None else None
        self._cipher = AESGCM(_key(secret)) if secret is not None else None
        self._here: LRUCache[str, AccessToken] = LRUCache(max_tokens)
        self._logins: LRUCache[str, str] = LRUCache(max_tokens)

    async def keep(self, login_id: str, home_token: str, access_token: str, ends: datetime) -> None:
        """`home_token` is the first token of this login at home, which ends at `ends`.

        A store that is down costs only that the other gateway processes do not know.
        """
        ends = min(ends, end_of(access_token) or ends)
        kept = AccessToken(access_token, ends)
        seconds = int((ends - datetime.now(UTC)).total_seconds())
        if not login_id or seconds <= 0:
            return
        name, revoked_by = _name("login", login_id), _name("first", home_token)
        self._here[name] = kept
        self._logins[revoked_by] = name
        content = orjson.dumps({"token": access_token, "ends": ends.isoformat()})
        await self._put(name, content, seconds)
        await self._put(revoked_by, name.encode(), seconds)

    async def find(self, login_id: str) -> AccessToken | None:
        """The access token of a login, unless it has ended. Raises StoreUnavailable."""
        name = _name("login", login_id)
        kept = self._here.get(name)
        if kept is None and (content := await self._get(name)) is not None:
            said = orjson.loads(content)
            kept = self._here[name] = AccessToken(
                said["token"], datetime.fromisoformat(said["ends"])
            )
        return kept if kept is not None and datetime.now(UTC) < kept.ends else None

    async def forget(self, home_token: str) -> None:
        """A token of home was revoked: if it was the first of a login, drop its access token.

        A token made of the first one by rescoping ends alone; then the others still need it.
        """
        revoked_by = _name("first", home_token)
        name = self._logins.pop(revoked_by, None)
        try:
            if name is None and (content := await self._get(revoked_by)) is not None:
                name = content.decode()
            if name is not None:
                self._here.pop(name, None)
                if self._notes is not None:
                    await self._notes.delete(name)
                    await self._notes.delete(revoked_by)
        except StoreUnavailable as error:
            # Nobody finds it without a token of the login, and of those home knows none any more.
            _log.warning("an access token is kept until it ends: %s", error)

    async def _put(self, name: str, content: bytes, seconds: int) -> None:
        if self._notes is None or self._cipher is None:
            return
        nonce = urandom(_NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, content, name.encode())
        try:
            await self._notes.put(name, sealed, seconds)
        except StoreUnavailable as error:
            _log.warning("other gateway processes do not learn of an OIDC login: %s", error)

    async def _get(self, name: str) -> bytes | None:
        if self._notes is None or self._cipher is None:
            return None
        sealed = await self._notes.get(name)
        if sealed is None:
            return None
        try:
            # The name is sealed in: nobody can put one login's token in another's place.
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
        except (InvalidTag, ValueError):
            _log.error("a note about an OIDC login is not ours; do all processes have one secret?")
            return None


def end_of(access_token: str) -> datetime | None:
    """When a token says that it ends, if it is a JWT and says so. Nothing of it is checked here."""
    try:
        payload = access_token.split(".")[1]
        claims = orjson.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (IndexError, ValueError, KeyError, TypeError, OverflowError, OSError):
        return None


def _key(secret: bytes) -> bytes:
    """A key for this purpose only: who knows it knows nothing else that is made of the secret."""
    return HKDF(SHA256(), 32, salt=None, info=b"federator access tokens").derive(secret)


def _name(kind: str, of: str) -> str:
    return f"{kind}:{sha256(of.encode()).hexdigest()}"
