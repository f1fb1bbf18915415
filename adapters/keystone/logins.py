"""Logins at a site by what is not a token of home."""

from keystoneauth1.identity import v3

from adapters.endpoints import service_root
from adapters.keystone.conversation import Conversation, Grant, granted
from adapters.sites import Site


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
    return granted(plugin, Conversation(site, seconds), site)


def password_login(
    site: Site, user_id: str, password: str, project_id: str, seconds: float
) -> Grant:
    """A token of `site` for one of its own users, scoped to its `project_id`.

    Raises SiteUnreachable, ExchangeRefused.
    """
    url = service_root(site.auth_url) + "/v3"
    plugin = v3.Password(url, password, user_id=user_id, project_id=project_id)
    return granted(plugin, Conversation(site, seconds), site)
