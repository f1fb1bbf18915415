"""From a token of home to a token of a site: `SiteSessions`.

    names and roles can be carried?   (adapters.mapping, pure)
    the site has project and grants   (adapters.provision, once per process)
    K2K, in a thread                  (adapters.keystone)
    the token is what was asked for?
    -> kept for all logins of the same user, project, roles and application credential

Exchanges cost a third of a second and home makes some seven a second, so there is never more than
one under way for the same thing, and its outcome serves everybody who waits.
"""

import asyncio
import logging
import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cachetools import LRUCache

from adapters.account import Account
from adapters.endpoints import endpoints
from adapters.errors import ExchangeRefused, InvalidToken, TokenMixUp
from adapters.flight import SingleFlight
from adapters.identity import Identity, SiteToken
from adapters.keystone import Grant, exchange
from adapters.mapping import carried_roles, user_name
from adapters.provision import Provisioner
from adapters.sites import Site

_log = logging.getLogger(__name__)

_MARGIN = timedelta(seconds=30)
"""A request that starts now should not meet the end of its site token."""

_THREADS = 8
"""Exchanges at once per site. A site that hangs keeps only its own threads busy."""

_RACED = frozenset({409, 500})
"""What some of several first logins of one user get; the same login succeeds a moment later."""

_NOT_READY = frozenset({401, 403, 404})
"""What a login gets whose project or grants are gone."""


class _Key(NamedTuple):
    site: str
    user_id: str
    project_id: str
    roles: frozenset[str]
    application_credential_id: str | None


class SiteSessions:
    """The site tokens of everybody, kept in memory and never shown to anybody."""

    def __init__(
        self,
        home: Site,
        sites: Mapping[str, Site],
        accounts: Mapping[str, Account],
        *,
        max_tokens: int = 10_000,
        timeout: float = 20.0,
    ) -> None:
        self._home = home
        self._sites = sites
        self._timeout = timeout
        self.provisioners: Mapping[str, Provisioner] = {
            name: Provisioner(site, accounts[name]) for name, site in sites.items()
        }
        self._threads = {
            name: ThreadPoolExecutor(_THREADS, thread_name_prefix=f"exchange-{name}")
            for name in sites
        }
        self._tokens: LRUCache[_Key, SiteToken] = LRUCache(max_tokens)
        self._flights: SingleFlight[_Key, SiteToken] = SingleFlight()

    async def site_token(self, identity: Identity, site: str) -> SiteToken:
        """A token of `site` with exactly what `identity` may do, from memory or by an exchange.

        Raises NotScoped, InvalidToken, HomeUnreachable, and any SiteError. Cancelling it is
        harmless: the exchange goes on for the others who wait.
        """
        key = _key(identity, site)
        while True:
            token = self._tokens.get(key)
            if token is not None and _usable(token, identity):
                return token
            carried_roles(identity, self._sites[site])
            joined = key in self._flights
            try:
                return await self._flights.run(key, lambda: self._login(key, identity))
            except InvalidToken:
                # If it was another login's token that ended meanwhile, ours may still be good.
                if not joined:
                    raise

    def forget(self, identity: Identity) -> None:
        """Drop the tokens of this login at all sites."""
        for site in self._sites:
            if identity.project_id is not None:
                self._tokens.pop(_key(identity, site), None)

    def forget_site_token(self, token: SiteToken) -> None:
        """Drop this token, which a site answered 401 to; a newer one in its place stays."""
        stale = [key for key, kept in self._tokens.items() if kept.token == token.token]
        for key in stale:
            del self._tokens[key]

    def close(self) -> None:
        """Stop. Exchanges under way end by themselves."""
        for pool in self._threads.values():
            pool.shutdown(wait=False, cancel_futures=True)

    async def _login(self, key: _Key, identity: Identity) -> SiteToken:
        site = self._sites[key.site]
        provisioner = self.provisioners[key.site]
        project_id = await provisioner.ensure(identity)
        try:
            grant = await self._exchange(site, identity, project_id)
        except ExchangeRefused as error:
            if error.status in _RACED:
                await asyncio.sleep(random.uniform(0.1, 0.4))
            elif error.status in _NOT_READY:
                provisioner.forget(identity)
                project_id = await provisioner.ensure(identity)
            else:
                raise
            grant = await self._exchange(site, identity, project_id)
        await self._check(site, identity, project_id, grant)
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

    async def _exchange(self, site: Site, identity: Identity, project_id: str) -> Grant:
        loop = asyncio.get_running_loop()
        pool = self._threads[site.name]
        return await loop.run_in_executor(
            pool, exchange, self._home, site, identity, project_id, self._timeout
        )

    async def _check(self, site: Site, identity: Identity, project_id: str, grant: Grant) -> None:
        """Whether the token is for whom and what it was asked for. Raises TokenMixUp."""
        provisioner = self.provisioners[site.name]
        wrong = []
        asked_user = (user_name(identity), site.federation.group_domain)
        if (grant.user_name, grant.user_domain) != asked_user:
            wrong.append("user")
        if grant.project_id != project_id:
            wrong.append("project")
        if not grant.roles <= await provisioner.allowed_roles(identity) and not (
            # Somebody may just have taught the site what a role implies.
            grant.roles <= await provisioner.allowed_roles(identity, fresh=True)
        ):
            wrong.append("roles")
        if wrong:
            _log.error(
                "site %s gave a token with another %s: asked for %s in %s with %s, got %s in %s with %s",
                site.name,
                " and ".join(wrong),
                user_name(identity),
                project_id,
                sorted(identity.roles),
                f"{grant.user_name} of {grant.user_domain}",
                grant.project_id,
                sorted(grant.roles),
            )
            raise TokenMixUp(
                site.name, f"its Keystone gave a token with another {' and '.join(wrong)}"
            )


def _key(identity: Identity, site: str) -> _Key:
    return _Key(
        site,
        identity.user_id,
        identity.project_id or "",
        identity.roles,
        identity.application_credential_id,
    )


def _usable(token: SiteToken, identity: Identity) -> bool:
    now = datetime.now(UTC)
    # At the end of a token of home there is nothing to gain from another exchange.
    return now < token.expires_at - _MARGIN or now < token.expires_at == identity.expires_at
