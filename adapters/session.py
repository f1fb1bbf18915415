"""From a token of home to a token of a site: `SiteSessions`.

    may this login have one at all?   (the site's strategy; pure)
    a token that is kept              -> served from memory; close to its end, a new one is got meanwhile
    its turn                          (adapters.turns: fair between users)
    a login                           (adapters.strategies, one way each)
    -> kept for all logins of the same user, project, roles and application credential,
       or for this login alone, as the strategy says
    -> revoked at the site when the last of those logins has ended

Logins cost a third of a second and home makes some seven a second, so there is never more than one
under way for the same thing, and its outcome serves everybody who waits.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, NamedTuple

from cachetools import LRUCache, TTLCache

from adapters.endpoints import endpoints
from adapters.errors import FederationError, InvalidToken
from adapters.flight import SingleFlight
from adapters.identity import Identity, SiteToken
from adapters.logins import LoginKind, Logins
from adapters.sites import Site
from adapters.strategy import LOGINS_AT_ONCE, Strategy
from adapters.turns import Turns

_log = logging.getLogger(__name__)

_MARGIN = timedelta(seconds=30)
"""A request that starts now should not meet the end of its site token."""

_AHEAD = timedelta(seconds=150)
"""A token that is used so long before its end is renewed, and nobody has to wait for it."""

_TRY_AGAIN_SECONDS = 15.0
"""After a renewal that failed; the token it was for is still good."""


class _Key(NamedTuple):
    site: str
    login: LoginKind


class SiteSessions:
    """The site tokens of everybody, kept in memory and never shown to anybody."""

    def __init__(
        self,
        sites: Mapping[str, Site],
        strategies: Mapping[str, Strategy],
        *,
        max_tokens: int = 10_000,
        login_seconds: float = 20.0,
        on_login: Callable[[str, float], None] = lambda site, seconds: None,
        on_look: Callable[[bool], None] = lambda kept: None,
    ) -> None:
        """`login_seconds` is how long a login may wait for its turn. `on_login` is told of each one
        that went well at which site it was and how many seconds it took, `on_look` of each look for a token
        whether there was one that could be used."""
        self._sites = sites
        self.strategies = strategies
        self._on_login = on_login
        self._on_look = on_look
        self._tokens: LRUCache[_Key, SiteToken] = LRUCache(max_tokens)
        self._logins = Logins(max_tokens)
        self._flights: SingleFlight[_Key, SiteToken] = SingleFlight()
        self._turns = {name: Turns(f"site {name}", LOGINS_AT_ONCE, login_seconds) for name in sites}
        self._renewed: TTLCache[_Key, bool] = TTLCache(max_tokens, _TRY_AGAIN_SECONDS)
        self._tasks: set[asyncio.Task[None]] = set()

    async def site_token(self, identity: Identity, site: str) -> SiteToken:
        """A token of `site` with exactly what `identity` may do, from memory or by an exchange.

        Raises NotScoped, InvalidToken, HomeUnreachable, Crowded, and any SiteError. Cancelling it is
        harmless: the exchange goes on for the others who wait.
        """
        key = self._key(identity, site)
        self.strategies[site].check(identity)
        self._logins.seen(key.login, identity)
        kept = self._tokens.get(key)
        self._on_look(kept is not None and _usable(kept, identity))
        while True:
            token = self._tokens.get(key)
            if token is not None and _usable(token, identity):
                if _ends_soon(token, identity) and key not in self._renewed:
                    self._renewed[key] = True
                    self._spawn(self._renew(key, identity))
                return token
            joined = key in self._flights
            try:
                return await self._flights.run(key, lambda: self._login(key, identity))
            except InvalidToken:
                # If it was another login's token that ended meanwhile, ours may still be good.
                if not joined:
                    raise

    def ended(self, identity: Identity) -> None:
        """This login is over at home. Its site tokens are revoked, unless another one shares them."""
        keys = [self._key(identity, site) for site in self._sites]
        over = {kind for kind in {key.login for key in keys} if self._logins.ended(kind, identity)}
        for key in keys:
            if key.login in over and (token := self._tokens.pop(key, None)) is not None:
                self._spawn(self._logout(token))

    def kept(self, identity: Identity, site: str) -> SiteToken | None:
        """The token of `site` that serves this login now; None if the next use takes an exchange."""
        token = self._tokens.get(self._key(identity, site))
        return token if token is not None and _usable(token, identity) else None

    def forget(self, identity: Identity) -> None:
        """Drop the tokens of this login at all sites."""
        for site in self._sites:
            self._tokens.pop(self._key(identity, site), None)

    def forget_site_token(self, token: SiteToken) -> None:
        """Drop this token, which a site answered 401 to; a newer one in its place stays."""
        stale = [key for key, kept in self._tokens.items() if kept.token == token.token]
        for key in stale:
            del self._tokens[key]

    async def settled(self) -> None:
        """Wait until nothing is left to be done in the background."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def close(self) -> None:
        """Stop. Logins under way end by themselves."""
        for strategy in self.strategies.values():
            strategy.close()

    async def _login(self, key: _Key, identity: Identity) -> SiteToken:
        site = self._sites[key.site]
        async with self._turns[key.site].of(identity.user_id):
            began = monotonic()
            grant = await self.strategies[key.site].login(identity)
        self._on_login(key.site, monotonic() - began)
        project_id = grant.project_id or ""
        token = SiteToken(
            site=key.site,
            token=grant.token,
            user_id=grant.user_id,
            project_id=project_id,
            expires_at=min(identity.expires_at, grant.expires_at),
            endpoints=endpoints(grant.catalog, site, project_id),
        )
        if self._logins.any_of(key.login):
            self._tokens[key] = token
        else:
            # All who could use it have gone meanwhile.
            self._spawn(self._logout(token))
        return token

    async def _renew(self, key: _Key, identity: Identity) -> None:
        try:
            await self._flights.run(key, lambda: self._login(key, identity))
        except FederationError as error:
            _log.info("a token of site %s was not renewed: %s", key.site, error)

    async def _logout(self, token: SiteToken) -> None:
        try:
            await self.strategies[token.site].logout(token.token)
        except FederationError as error:
            _log.warning("a token could not be revoked: %s", error)

    def _key(self, identity: Identity, site: str) -> _Key:
        kind = LoginKind(
            identity.user_id,
            identity.project_id or "",
            identity.roles,
            identity.application_credential_id,
            identity.login_id if self.strategies[site].per_login else "",
        )
        return _Key(site, kind)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _usable(token: SiteToken, identity: Identity) -> bool:
    now = datetime.now(UTC)
    # At the end of a token of home there is nothing to gain from another exchange.
    return now < token.expires_at - _MARGIN or now < token.expires_at == identity.expires_at


def _ends_soon(token: SiteToken, identity: Identity) -> bool:
    gain = identity.expires_at - token.expires_at
    return gain > _MARGIN and datetime.now(UTC) > token.expires_at - _AHEAD
