"""A token of home becomes a token of a site, by Keystone-to-Keystone federation.

What was measured, and why the code looks as it does:

* K2K keeps the SAML login in a cookie between two of its requests. In a shared session one user's
  cookie answers another user's request (1 of 60 exchanges). So each exchange has its own session.
* Home gives assertions for the token of an application credential, but makes no new token of it.
  So the token goes straight to the SAML endpoint and is never wrapped in ``v3.Token``.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import requests
from keystoneauth1 import access, exceptions, session
from keystoneauth1.identity import v3
from keystoneauth1.identity.base import BaseIdentityPlugin

from adapters.endpoints import service_root
from adapters.errors import ExchangeRefused
from adapters.identity import Identity
from adapters.keystone.conversation import Conversation, Grant, granted
from adapters.sites import Site

Turn = Callable[[], AbstractContextManager[None]]
"""What to wait for before home is asked, and to hold until it has answered."""


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


class _Exchange(Conversation):
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
    return granted(plugin, _Exchange(home, site, seconds, turn), site)
