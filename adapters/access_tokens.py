"""The OpenID Connect access tokens that users logged in with at home, for sites that trust the same provider.

An access token is kept for the token of home that was made with it, and for those that are made of
that one by rescoping, until it ends or the token of home is revoked: in memory, and, sealed by a
key made of the gateway's secret, where the other gateway processes can read it. Without a secret
only the process that saw the login knows it.

(Keystone's own mark of tokens that belong together, the last of ``audit_ids``, cannot serve here:
tokens of federated users do not keep it when they are rescoped.)
"""

import logging
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

import orjson
from cachetools import LRUCache

from adapters.seal import Seal
from idmap.notes import Notes
from idmap.store import StoreUnavailable

_log = logging.getLogger(__name__)


class AccessToken(NamedTuple):
    """What the provider gave the user, and when it ends."""

    token: str
    ends: datetime

    def __repr__(self) -> str:
        return f"AccessToken(ends={self.ends})"


class AccessTokens:
    """Remembers which access token a token of home was made with."""

    def __init__(
        self, notes: Notes | None = None, secret: bytes | None = None, *, max_tokens: int = 10_000
    ) -> None:
        """`secret` is the same in all gateway processes (`adapters.secret`)."""
        self._notes = notes if secret is not None else None
        self._seal = Seal(secret, "access tokens") if secret is not None else None
        self._here: LRUCache[str, AccessToken] = LRUCache(max_tokens)

    async def keep(self, home_token: str, access_token: str, ends: datetime) -> None:
        """Home gave `home_token`, which ends at `ends`, for this access token."""
        until = end_of(access_token)
        await self._keep(home_token, AccessToken(access_token, min(ends, until or ends)))

    async def inherit(self, old: str, new: str) -> None:
        """Home gave the token `new` for its token `old`: another project for the same login."""
        try:
            held = await self.find(old)
        except StoreUnavailable as error:
            _log.warning("a token of home loses its OIDC login: %s", error)
            return
        if held is not None:
            await self._keep(new, held)

    async def find(self, home_token: str) -> AccessToken | None:
        """What a token of home was made with, unless that has ended. Raises StoreUnavailable."""
        name = _name(home_token)
        held = self._here.get(name)
        if held is None and self._notes is not None:
            sealed = await self._notes.get(name)
            held = self._opened(name, sealed) if sealed is not None else None
            if held is not None:
                self._here[name] = held
        return held if held is not None and datetime.now(UTC) < held.ends else None

    async def forget(self, home_token: str) -> None:
        """A token of home was revoked."""
        name = _name(home_token)
        self._here.pop(name, None)
        if self._notes is None:
            return
        try:
            await self._notes.delete(name)
        except StoreUnavailable as error:
            # Nobody gets at it without a token that home still knows.
            _log.warning("an access token is kept until it ends: %s", error)

    async def _keep(self, home_token: str, held: AccessToken) -> None:
        seconds = int((held.ends - datetime.now(UTC)).total_seconds())
        if seconds <= 0:
            return
        name = _name(home_token)
        self._here[name] = held
        if self._notes is None:
            return
        try:
            await self._notes.put(name, self._sealed(name, held), seconds)
        except StoreUnavailable as error:
            _log.warning("other gateway processes do not learn of an OIDC login: %s", error)

    def _sealed(self, name: str, held: AccessToken) -> bytes:
        assert self._seal is not None
        return self._seal.closed(name, orjson.dumps([held.token, held.ends.isoformat()]))

    def _opened(self, name: str, sealed: bytes) -> AccessToken | None:
        assert self._seal is not None
        content = self._seal.opened(name, sealed)
        if content is None:
            _log.error(
                "a note on an OIDC login is not ours; do all processes have one secret_file?"
            )
            return None
        token, ends = orjson.loads(content)
        return AccessToken(token, datetime.fromisoformat(ends))


def end_of(access_token: str) -> datetime | None:
    """When a token says that it ends, if it is a JWT and says so. Nothing of it is checked here."""
    try:
        payload = access_token.split(".")[1]
        claims = orjson.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (IndexError, ValueError, KeyError, TypeError, OverflowError, OSError):
        return None


def _name(home_token: str) -> str:
    return f"access-token:{sha256(home_token.encode()).hexdigest()}"
