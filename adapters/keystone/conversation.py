"""A few requests to a Keystone, and what came of them: a Grant or one of our errors.

At level DEBUG keystoneauth1 would log the body that holds the user's token. So nothing is logged.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import requests
from keystoneauth1 import access, exceptions, session
from keystoneauth1.identity.base import BaseIdentityPlugin

from adapters.endpoints import endpoints
from adapters.errors import (
    ExchangeRefused,
    FederationError,
    HomeUnreachable,
    InvalidToken,
    SiteUnreachable,
)
from adapters.sites import Site

CONNECT_SECONDS = 5.0

PROXY_SAYS_DOWN = frozenset({502, 503, 504})
"""A proxy whose Keystone is away."""

NONSENSE = (ValueError, LookupError, TypeError, AttributeError)
"""What comes of reading an answer that is none of Keystone."""


class Answer(NamedTuple):
    """What a service answered: HTTP status, and the body if it was JSON (else None)."""

    status: int
    json: Any


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


class Conversation(session.Session):
    """Logs nothing, waits only so long, and remembers the status of the last answer."""

    status: int | None = None
    at_home = False
    _was_heard = False

    def __init__(self, site: Site, seconds: float) -> None:
        verify, cert = site.verify, site.cert
        super().__init__(session=requests.Session(), verify=verify, cert=cert, app_name="federator")
        self._seconds = (min(CONNECT_SECONDS, seconds), seconds)

    def request(self, url: str, method: str, *args: Any, **kwargs: Any) -> requests.Response:
        """See `keystoneauth1.session.Session`; `once`: whatever happens, it is not sent a second time."""
        self.status = None
        kwargs["log"] = False
        kwargs.setdefault("timeout", self._seconds)
        try:
            response = self._response(url, method, *args, **kwargs)
        except exceptions.HttpError as error:
            self.status = error.http_status
            raise
        self._was_heard = True
        return response

    def _response(
        self, url: str, method: str, *args: Any, once: bool = False, **kwargs: Any
    ) -> requests.Response:
        """The answer, to a second request if the connection of an earlier one broke down over the first.

        A server may close a connection that it has kept open, and a proxy does so, without a word, when its
        Keystone fails (RFC 9112, 9.3.1): then the client is to ask again. To ask for a token twice is harmless;
        what makes or changes something else may have been done all the same, and is sent `once`.
        """
        ask = super().request
        try:
            response = ask(url, method, *args, **kwargs)
        except exceptions.ConnectFailure:
            if once or not self._was_heard:
                raise
            response = ask(url, method, *args, **kwargs)
        self.status = response.status_code
        return response

    def close(self) -> None:
        self.session.close()


def granted(plugin: BaseIdentityPlugin, conversation: Conversation, site: Site) -> Grant:
    """What `plugin` is given for its login. Ends the conversation. Raises one of our errors."""
    try:
        return grant_of(plugin.get_access(conversation), site)
    except (exceptions.ClientException, *NONSENSE) as error:
        raise failure_of(error, conversation, site) from None
    finally:
        conversation.close()


def grant_of(found: access.AccessInfo, site: Site) -> Grant:
    """What a Keystone gave. Raises one of NONSENSE if it is no token."""
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


def failure_of(error: Exception, conversation: Conversation, site: Site) -> FederationError:
    """What went wrong, in our words."""
    status = conversation.status
    if conversation.at_home:
        # What home says is not passed on: "Could not find token" names the token.
        if status is None or status in PROXY_SAYS_DOWN:
            return HomeUnreachable(f"home gave no assertion: {why(error)}")
        if status in (401, 404):
            return InvalidToken("home does not take the token any more")
        return ExchangeRefused(site.name, f"home gave no assertion (HTTP {status})", status)
    if status is None or status in PROXY_SAYS_DOWN:
        return SiteUnreachable(site.name, why(error))
    if isinstance(error, exceptions.HttpError):
        return ExchangeRefused(site.name, f"its Keystone refused the login: {why(error)}", status)
    return ExchangeRefused(site.name, "its Keystone gave something else than a token", status)


def why(error: Exception) -> str:
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


def json_of(response: requests.Response) -> Any:
    """The body, or None if it is not JSON."""
    try:
        return json.loads(response.content) if response.content else None
    except ValueError:
        return None
