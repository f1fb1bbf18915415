"""The one module that knows keystoneauth1. Everything here blocks: it runs in threads.

    Login          the gateway's own account at a Keystone, with a token that is renewed
    exchange       a token of home -> a token of a site, by Keystone-to-Keystone federation
    bearer_login   an access token of OpenID Connect -> a token of a site
    password_login a user and a password of a site -> a token of it
    post_form      a question to a server that is no Keystone
    confirm        a token that a site may know -> what the site says of it
    revoke         a token of a site -> nothing

What was measured, and why the code looks as it does:

* K2K keeps the SAML login in a cookie between two of its requests. In a shared session one user's
  cookie answers another user's request (1 of 60 exchanges). So each exchange has its own session.
* Home gives assertions for the token of an application credential, but makes no new token of it.
  So the token goes straight to the SAML endpoint and is never wrapped in ``v3.Token``.
* At level DEBUG keystoneauth1 would log the body that holds the user's token. So nothing is logged.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import requests
from keystoneauth1 import access, exceptions, loading, session
from keystoneauth1.identity import v3
from keystoneauth1.identity.base import BaseIdentityPlugin

from adapters.endpoints import endpoints, service_root
from adapters.errors import (
    ExchangeRefused,
    FederationError,
    HomeUnreachable,
    InvalidToken,
    SiteUnreachable,
)
from adapters.identity import Identity
from adapters.sites import Site

_CONNECT_SECONDS = 5.0

_PROXY_SAYS_DOWN = frozenset({502, 503, 504})

_NONSENSE = (ValueError, LookupError, TypeError, AttributeError)
"""What comes of reading an answer that is none of Keystone."""

Turn = Callable[[], AbstractContextManager[None]]
"""What to wait for before home is asked, and to hold until it has answered."""


class Answer(NamedTuple):
    """What a service answered: HTTP status, and the body if it was JSON (else None)."""

    status: int
    json: Any


class Myself(NamedTuple):
    """The gateway's own account, as its token says."""

    user_id: str
    project_id: str
    """Empty, as what follows of the project, if its login is not scoped to a project."""
    project_name: str
    project_domain_id: str
    project_domain_name: str
    roles: Mapping[str, str]
    """Name -> ID."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A token of a site, with what it says of itself. Not checked yet."""

    token: str = field(repr=False)
    user_id: str
    user_name: str
    user_domain: str
    project_id: str | None
    roles: frozenset[str]
    expires_at: datetime
    catalog: tuple[Mapping[str, Any], ...] = field(repr=False)


class _Session(session.Session):
    """Logs nothing, waits only so long, and remembers the status of the last answer."""

    status: int | None = None
    at_home = False

    def __init__(self, site: Site, seconds: float) -> None:
        verify, cert = site.verify, site.cert
        super().__init__(session=requests.Session(), verify=verify, cert=cert, app_name="federator")
        self._seconds = (min(_CONNECT_SECONDS, seconds), seconds)

    def request(self, url: str, method: str, *args: Any, **kwargs: Any) -> requests.Response:
        self.status = None
        kwargs["log"] = False
        kwargs.setdefault("timeout", self._seconds)
        try:
            response = super().request(url, method, *args, **kwargs)
        except exceptions.HttpError as error:
            self.status = error.http_status
            raise
        self.status = response.status_code
        return response

    def close(self) -> None:
        self.session.close()


class Login:
    """The gateway's own account at one Keystone. May be used by several threads."""

    def __init__(self, site: Site, seconds: float) -> None:
        self._site = site
        self._session = _Session(site, seconds)
        self._plugin: BaseIdentityPlugin | None = None

    def request(
        self, method: str, service_type: str, path: str, body: object, headers: Mapping[str, str]
    ) -> Answer:
        """One call; with a new token and once more if the token is refused. Raises SiteUnreachable."""
        url = self.endpoints().get(service_type)
        if url is None:
            region = self._site.region_name or "any"
            reason = f"no {service_type} in its catalogue (region {region})"
            raise SiteUnreachable(self._site.name, reason)
        if "{project_id}" in path:
            path = path.replace("{project_id}", self.project_id())
        try:
            response = self._session.request(
                service_root(url) + path,
                method,
                json=body,
                auth=self._plugin,
                headers={"Accept": "application/json", **headers},
                raise_exc=False,
            )
        except exceptions.ClientException as error:
            raise SiteUnreachable(self._site.name, _why(error)) from None
        return Answer(response.status_code, _json(response))

    def project_id(self) -> str:
        """The account's own project. Raises SiteUnreachable."""
        return self._access().project_id or ""

    def myself(self) -> Myself:
        """Who the account is at this Keystone. Raises SiteUnreachable."""
        said = self._access()
        return Myself(
            user_id=said.user_id or "",
            project_id=said.project_id or "",
            project_name=said.project_name or "",
            project_domain_id=said.project_domain_id or "",
            project_domain_name=said.project_domain_name or "",
            roles=dict(zip(said.role_names or (), said.role_ids or (), strict=True)),
        )

    def endpoints(self) -> dict[str, str]:
        """Service type -> URL, as this account's catalogue has them. Raises SiteUnreachable."""
        account = self._access()
        catalog = account.service_catalog.catalog if account.has_service_catalog() else []
        return endpoints(catalog, self._site, account.project_id or "")

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _access(self) -> access.AccessInfo:
        try:
            if self._plugin is None:
                self._plugin = self._make_plugin()
            return self._plugin.get_access(self._session)
        except exceptions.ClientException as error:
            reason = f"the gateway's account cannot log in: {_why(error)}"
            raise SiteUnreachable(self._site.name, reason) from None

    def _make_plugin(self) -> BaseIdentityPlugin:
        loader: loading.BaseLoader[Any] = loading.get_plugin_loader(self._site.auth_type)
        known = {option.dest for option in loader.get_options()}
        options = {key: value for key, value in self._site.auth.items() if key in known}
        plugin = loader.load_from_options(**options)
        if not isinstance(plugin, BaseIdentityPlugin):
            reason = f"auth_type {self._site.auth_type} is no login at a Keystone"
            raise SiteUnreachable(self._site.name, reason)
        return plugin


class _HeldToken(BaseIdentityPlugin):
    """A token that is there already, with its body, as the base of Keystone2Keystone."""

    def __init__(self, url: str, identity: Identity) -> None:
        super().__init__(auth_url=url, reauthenticate=False)
        self._url = url
        self.auth_ref = access.create(body=dict(identity.body), auth_token=identity.token)

    def get_auth_ref(self, session: session.Session) -> access.AccessInfo:
        raise exceptions.AuthorizationFailure("the token of home cannot be renewed")

    def get_endpoint(self, *_: Any, **__: Any) -> str:
        # Only Keystone itself is asked for; the default would first ask it for its versions.
        return self._url


class _Exchange(_Session):
    """The session of one exchange: two Keystones are asked, each has its own certificates."""

    def __init__(self, home: Site, site: Site, seconds: float, turn: Turn) -> None:
        super().__init__(site, seconds)
        self._home = home
        self._turn = turn

    def request(self, url: str, method: str, *args: Any, **kwargs: Any) -> requests.Response:
        # Keystone2Keystone names home by a path and the site by URLs.
        self.at_home = url.startswith("/")
        if not self.at_home:
            return super().request(url, method, *args, **kwargs)
        kwargs["verify"], kwargs["cert"] = self._home.verify, self._home.cert
        with self._turn():
            return super().request(url, method, *args, **kwargs)


def exchange(
    home: Site,
    site: Site,
    identity: Identity,
    project_id: str,
    seconds: float,
    turn: Turn = nullcontext,
) -> Grant:
    """A token of `site` for `identity`, scoped to the site's own `project_id`.

    Home is asked within `turn()`. Raises what that raises, and InvalidToken, HomeUnreachable,
    SiteUnreachable, ExchangeRefused.
    """
    base = _HeldToken(service_root(home.auth_url) + "/v3", identity)
    if site.service_provider not in identity.service_providers:
        reason = f"home has no service provider {site.service_provider}; register it there"
        raise ExchangeRefused(site.name, reason)
    plugin = v3.Keystone2Keystone(base, site.service_provider, project_id=project_id)
    conversation = _Exchange(home, site, seconds, turn)
    try:
        found = plugin.get_access(conversation)
        return _grant(found, site)
    except (exceptions.ClientException, *_NONSENSE) as error:
        raise _failure(error, conversation, site) from None
    finally:
        conversation.close()


def bearer_login(
    site: Site,
    identity_provider: str,
    protocol: str,
    access_token: str,
    project_id: str,
    seconds: float,
) -> Grant:
    """A token of `site`, scoped to its `project_id`, for whoever `access_token` is of.

    Raises SiteUnreachable, ExchangeRefused.
    """
    url = service_root(site.auth_url) + "/v3"
    plugin = v3.OidcAccessToken(
        url, identity_provider, protocol, access_token=access_token, project_id=project_id
    )
    conversation = _Session(site, seconds)
    try:
        return _grant(plugin.get_access(conversation), site)
    except (exceptions.ClientException, *_NONSENSE) as error:
        raise _failure(error, conversation, site) from None
    finally:
        conversation.close()


def password_login(
    site: Site, user_id: str, password: str, project_id: str, seconds: float
) -> Grant:
    """A token of `site` for one of its own users, scoped to its `project_id`.

    Raises SiteUnreachable, ExchangeRefused.
    """
    url = service_root(site.auth_url) + "/v3"
    plugin = v3.Password(url, password, user_id=user_id, project_id=project_id)
    conversation = _Session(site, seconds)
    try:
        return _grant(plugin.get_access(conversation), site)
    except (exceptions.ClientException, *_NONSENSE) as error:
        raise _failure(error, conversation, site) from None
    finally:
        conversation.close()


def post_form(
    url: str,
    form: Mapping[str, str],
    client: tuple[str, str],
    verify: bool | str,
    seconds: float,
) -> Answer:
    """POST a form in the name of a client (ID, secret) of an OAuth 2.0 server; no redirect is followed.

    Raises ConnectionError, which says in a few words why, if nothing came back in time.
    """
    limits = (min(_CONNECT_SECONDS, seconds), seconds)
    # RFC 6749, section 2.3.1: both are encoded before they are joined by a colon.
    basic = (quote(client[0], safe=""), quote(client[1], safe=""))
    try:
        response = requests.post(
            url, form, auth=basic, verify=verify, timeout=limits, allow_redirects=False
        )
    except requests.RequestException as error:
        raise ConnectionError(type(error).__name__) from None
    return Answer(response.status_code, _json(response))


def confirm(site: Site, token: str, seconds: float) -> Grant:
    """What `site` says of a token that is asked about with itself.

    Raises SiteUnreachable, and ExchangeRefused (401) if the site does not know the token.
    """
    conversation = _Session(site, seconds)
    headers = {"X-Auth-Token": token, "X-Subject-Token": token, "Accept": "application/json"}
    url = f"{service_root(site.auth_url)}/v3/auth/tokens"
    try:
        # Where a redirect leads to has not been called a site that may see tokens of home.
        response = conversation.request(
            url, "GET", headers=headers, raise_exc=False, redirect=False
        )
        if response.status_code in (401, 404):
            raise ExchangeRefused(site.name, "its Keystone does not know tokens of home", 401)
        if response.status_code != 200:
            reason = f"its Keystone answers HTTP {response.status_code} when asked about a token"
            raise SiteUnreachable(site.name, reason)
        return _grant(access.create(resp=response, auth_token=token), site)
    except (exceptions.ClientException, *_NONSENSE) as error:
        raise _failure(error, conversation, site) from None
    finally:
        conversation.close()


def revoke(site: Site, token: str, seconds: float) -> None:
    """End a token at its site, by itself. One that has ended is fine. Raises SiteUnreachable."""
    conversation = _Session(site, seconds)
    headers = {"X-Auth-Token": token, "X-Subject-Token": token}
    try:
        conversation.request(
            f"{service_root(site.auth_url)}/v3/auth/tokens",
            "DELETE",
            headers=headers,
            raise_exc=False,
        )
    except exceptions.ClientException as error:
        raise SiteUnreachable(site.name, _why(error)) from None
    finally:
        conversation.close()


def _grant(found: access.AccessInfo, site: Site) -> Grant:
    if found.auth_token is None or found.expires is None:
        raise ValueError("no token in the answer")
    catalog = tuple(found.service_catalog.catalog) if found.has_service_catalog() else ()
    # What will be made of it later has to be possible, while the blame is the site's yet.
    endpoints(catalog, site, found.project_id or "")
    return Grant(
        token=found.auth_token,
        user_id=found.user_id or "",
        user_name=found.username or "",
        user_domain=found.user_domain_name or "",
        project_id=found.project_id,
        roles=frozenset(found.role_names or ()),
        expires_at=found.expires,
        catalog=catalog,
    )


def _failure(error: Exception, conversation: _Session, site: Site) -> FederationError:
    status = conversation.status
    if conversation.at_home:
        # What home says is not passed on: "Could not find token" names the token.
        if status is None or status in _PROXY_SAYS_DOWN:
            return HomeUnreachable(f"home gave no assertion: {_why(error)}")
        if status in (401, 404):
            return InvalidToken("home does not take the token any more")
        return ExchangeRefused(site.name, f"home gave no assertion (HTTP {status})", status)
    if status is None or status in _PROXY_SAYS_DOWN:
        return SiteUnreachable(site.name, _why(error))
    if isinstance(error, exceptions.HttpError):
        return ExchangeRefused(site.name, f"its Keystone refused the login: {_why(error)}", status)
    return ExchangeRefused(site.name, "its Keystone gave something else than a token", status)


def _why(error: Exception) -> str:
    """A cause in a few words. Never the message of a server: it may name a token."""
    match error:
        case exceptions.SSLError():
            return "its certificate is not accepted"
        case exceptions.ConnectTimeout():
            return "no answer in time"
        case exceptions.ConnectionError():
            return "no connection"
        case exceptions.HttpError():
            return f"HTTP {error.http_status}"
        case exceptions.DiscoveryFailure():
            return "no Keystone at its auth_url"
        case _:
            return type(error).__name__


def _json(response: requests.Response) -> Any:
    try:
        return json.loads(response.content) if response.content else None
    except ValueError:
        return None
