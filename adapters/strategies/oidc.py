"""The site trusts the OpenID Connect provider that home trusts: no Keystone has to speak for another.

the access token that this login was made with   (adapters.access_tokens)
-> one for this site, project and roles          (RFC 8693, at the provider; if there are settings for it)
-> a token of the site                           (adapters.keystone, as in adapters.group_logins)

Without the exchange the user's own access token goes to the site. It says all that the user may do
in all projects: a login that has less at home than the token says gets no token of the site.
"""

import asyncio

from adapters import group_logins
from adapters.access_tokens import AccessToken
from adapters.errors import ExchangeRefused, ProviderUnreachable, SettingsError
from adapters.identity import Identity
from adapters.keystone.conversation import Grant
from adapters.keystone.form import post_form
from adapters.keystone.logins import bearer_login
from adapters.mapping import carried_roles
from adapters.provision import Provisioner
from adapters.sites import Site, TokenExchange
from adapters.strategy import LOGINS_AT_ONCE, Surroundings
from idmap.store import StoreUnavailable

_THREADS = LOGINS_AT_ONCE + 2
"""A site that hangs keeps only its own threads busy. Two are for tokens that are to be revoked."""

_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_CODES = frozenset(
    {
        "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client",
        "unsupported_grant_type", "invalid_scope", "invalid_target",
    }
)  # fmt: skip
"""What RFC 6749 and RFC 8693 let a provider say."""
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


def make(around: Surroundings) -> "Oidc":
    """The strategy for one site. Raises SettingsError."""
    if not around.site.federation.identity_provider:
        where = f"clouds.{around.site.name}.federation.identity_provider"
        raise SettingsError(
            f"{where}: is missing; name the OpenID Connect provider as the site does"
        )
    return Oidc(around)


class Oidc(group_logins.GroupLogins):
    """See the module, and `adapters.strategy.Strategy` for the methods."""

    per_login = True

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around, Provisioner(around.site, around.account), _THREADS)

    async def login(self, identity: Identity) -> Grant:
        self.check(identity)
        # Before anything is made at the site for a login that cannot get there.
        held = await self._held(identity)

        async def exchange(identity: Identity, project_id: str) -> Grant:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, self._exchange, identity, held, project_id
            )

        return await group_logins.login(self._site, self._provisioner, identity, exchange)

    async def _held(self, identity: Identity) -> AccessToken:
        try:
            held = await self._around.access_tokens.find(identity.token)
        except StoreUnavailable:
            reason = "whether this was a login by OpenID Connect cannot be known just now"
            raise ProviderUnreachable(self._site.name, reason) from None
        if held is None:
            reason = (
                "it takes logins by OpenID Connect through the gateway, and the access token of such a "
                "login only until it ends; log in (again) that way"
            )
            raise ExchangeRefused(self._site.name, reason, 401)
        return held

    def _exchange(self, identity: Identity, held: AccessToken, project_id: str) -> Grant:
        federation, seconds = self._site.federation, self._around.timeout
        token = held.token
        if federation.token_exchange is not None:
            token = exchanged(self._site, federation.token_exchange, identity, token, seconds)
        return bearer_login(
            self._site,
            federation.identity_provider,
            federation.protocol,
            token,
            project_id,
            seconds,
        )


def exchanged(
    site: Site, settings: TokenExchange, identity: Identity, token: str, seconds: float
) -> str:
    """An access token for `site` and for what this login may do there, for that of the user.

    Raises ExchangeRefused, ProviderUnreachable.
    """
    form = {
        "grant_type": _EXCHANGE,
        "subject_token": token,
        "subject_token_type": _ACCESS_TOKEN,
        "requested_token_type": _ACCESS_TOKEN,
        "audience": settings.audience or f"urn:site:{site.name}",
        "openstack_project": identity.project_name or "",
        "openstack_project_domain": identity.project_domain_name or "",
        "openstack_roles": " ".join(carried_roles(identity, site)),
    }
    client = (settings.client_id, settings.client_secret.get_secret_value())
    verify = settings.cacert or True
    try:
        answer = post_form(settings.endpoint, form, client, verify, seconds)
    except ConnectionError as error:
        reason = f"the OpenID Connect provider does not answer ({error})"
        raise ProviderUnreachable(site.name, reason) from None
    if answer.status >= 500:
        reason = f"the OpenID Connect provider answers HTTP {answer.status}"
        raise ProviderUnreachable(site.name, reason)
    given = answer.json if isinstance(answer.json, dict) else {}
    if answer.status != 200 or not isinstance(given.get("access_token"), str):
        # The code of RFC 6749 only: a description may name the token.
        code = given.get("error")
        why = code if code in _CODES else f"HTTP {answer.status}"
        reason = f"the OpenID Connect provider gives this login no token for it: {why}"
        raise ExchangeRefused(site.name, reason, answer.status)
    return str(given["access_token"])
