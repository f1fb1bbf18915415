"""From a token of home to a token of a site: `SiteSessions`.

    may this login have one at all?   (the site's strategy; pure)
    a token that is kept              -> served from memory
    a login                           (adapters.strategies, one way each)
    -> kept for all logins of the same user, project, roles and application credential,
       or for this login alone, as the strategy says

Logins cost a third of a second and home makes some seven a second, so there is never more than one
under way for the same thing, and its outcome serves everybody who waits.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cachetools import LRUCache

from adapters.endpoints import endpoints
from adapters.errors import InvalidToken
from adapters.flight import SingleFlight
from adapters.identity import Identity, SiteToken
from adapters.sites import Site
from adapters.strategy import Strategy

_MARGIN = timedelta(seconds=30)
"""A request that starts now should not meet the end of its site token."""


class _Key(NamedTuple):
    site: str
    user_id: str
    project_id: str
    roles: frozenset[str]
    application_credential_id: str | None
    login_id: str
    """Empty if all logins of this kind may share a token."""


class SiteSessions:
    """The site tokens of everybody, kept in memory and never shown to anybody."""

    def __init__(
        self,
        sites: Mapping[str, Site],
        strategies: Mapping[str, Strategy],
        *,
        max_tokens: int = 10_000,
    ) -> None:
        self._sites = sites
        self.strategies = strategies
        self._tokens: LRUCache[_Key, SiteToken] = LRUCache(max_tokens)
        self._flights: SingleFlight[_Key, SiteToken] = SingleFlight()

    async def site_token(self, identity: Identity, site: str) -> SiteToken:
        """A token of `site` with exactly what `identity` may do, from memory or by an exchange.

        Raises NotScoped, InvalidToken, HomeUnreachable, and any SiteError. Cancelling it is
        harmless: the exchange goes on for the others who wait.
        """
        key = self._key(identity, site)
        while True:
            token = self._tokens.get(key)
            if token is not None and _usable(token, identity):
                return token
            self.strategies[site].check(identity)
            joined = key in self._flights
            try:
                return await self._flights.run(key, lambda: self._login(key, identity))
            except InvalidToken:
                # If it was another login's token that ended meanwhile, ours may still be good.
                if not joined:
                    raise

    def kept(self, identity: Identity, site: str) -> SiteToken | None:
        """The token of `site` that serves this login now; None if the next use takes an exchange."""
        token = self._tokens.get(self._key(identity, site))
        return token if token is not None and _usable(token, identity) else None

    def forget(self, identity: Identity) -> None:
        """Drop the tokens of this login at all sites."""
        for site in self._sites:
            if identity.project_id is not None:
                self._tokens.pop(self._key(identity, site), None)

    def forget_site_token(self, token: SiteToken) -> None:
        """Drop this token, which a site answered 401 to; a newer one in its place stays."""
        stale = [key for key, kept in self._tokens.items() if kept.token == token.token]
        for key in stale:
            del self._tokens[key]

    def close(self) -> None:
        """Stop. Logins under way end by themselves."""
        for strategy in self.strategies.values():
            strategy.close()

    async def _login(self, key: _Key, identity: Identity) -> SiteToken:
        site = self._sites[key.site]
        grant = await self.strategies[key.site].login(identity)
        project_id = grant.project_id or ""
        token = SiteToken(
            site=key.site,
            token=grant.token,
            user_id=grant.user_id,
            project_id=project_id,
            expires_at=min(identity.expires_at, grant.expires_at),
            endpoints=endpoints(grant.catalog, site, project_id),
        )
        self._tokens[key] = token
        return token

    def _key(self, identity: Identity, site: str) -> _Key:
        return _Key(
            site,
            identity.user_id,
            identity.project_id or "",
            identity.roles,
            identity.application_credential_id,
            identity.login_id if self.strategies[site].per_login else "",
        )


def _usable(token: SiteToken, identity: Identity) -> bool:
    now = datetime.now(UTC)
    # At the end of a token of home there is nothing to gain from another exchange.
    return now < token.expires_at - _MARGIN or now < token.expires_at == identity.expires_at
