"""Which logins at home stand behind the site tokens that are kept: the last one to go takes them along.

A site token serves every login of the same user, project, roles and application credential, so the
end of one of them must not end it for the others.
"""

from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

from cachetools import LRUCache

from adapters.identity import Identity

_MOST = 64
"""Logins that are remembered of one kind. A client that logs in for every request makes thousands."""


class LoginKind(NamedTuple):
    """What logins must have in common to share site tokens."""

    user_id: str
    project_id: str
    roles: frozenset[str]
    application_credential_id: str | None
    login_id: str
    """Empty if all logins of this kind may share a token."""


class Logins:
    """Remembers the logins of so many kinds, by the hash of their tokens, each until it expires."""

    def __init__(self, kinds: int) -> None:
        self._known: LRUCache[LoginKind, dict[bytes, datetime]] = LRUCache(kinds)

    def seen(self, kind: LoginKind, identity: Identity) -> None:
        """This login is in use."""
        logins = self._known.get(kind)
        if logins is None:
            logins = self._known[kind] = {}
        if len(logins) >= _MOST:
            _drop_ended(logins)
        if len(logins) >= _MOST:
            # Should it be needed yet, it costs its owner one more exchange.
            del logins[next(iter(logins))]
        logins[_hash(identity)] = identity.expires_at

    def ended(self, kind: LoginKind, identity: Identity) -> bool:
        """This login is over. Answers whether no other of its kind is left."""
        logins = self._known.get(kind, {})
        logins.pop(_hash(identity), None)
        _drop_ended(logins)
        if not logins:
            self._known.pop(kind, None)
        return not logins

    def any_of(self, kind: LoginKind) -> bool:
        """Whether a login of this kind is known to live."""
        return kind in self._known

    def __len__(self) -> int:
        return sum(map(len, self._known.values()))


def _drop_ended(logins: dict[bytes, datetime]) -> None:
    now = datetime.now(UTC)
    for token in [token for token, end in logins.items() if end <= now]:
        del logins[token]


def _hash(identity: Identity) -> bytes:
    return sha256(identity.token.encode()).digest()
