"""What a site says of a token, and a token's end."""

from keystoneauth1 import access, exceptions

from adapters.endpoints import service_root
from adapters.errors import ExchangeRefused, SiteFailed, SiteUnreachable
from adapters.keystone.conversation import (
    NONSENSE,
    PROXY_SAYS_DOWN,
    Conversation,
    Grant,
    failure_of,
    grant_of,
    why,
)
from adapters.sites import Site


def confirm(site: Site, token: str, seconds: float) -> Grant:
    """What `site` says of a token that is asked about with itself.

    Raises SiteUnreachable, and ExchangeRefused (401) if the site does not know the token.
    """
    conversation = Conversation(site, seconds)
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
            if response.status_code in PROXY_SAYS_DOWN:
                raise SiteUnreachable(site.name, reason)
            raise SiteFailed(site.name, reason)
        return grant_of(access.create(resp=response, auth_token=token), site)
    except (exceptions.ClientException, *NONSENSE) as error:
        raise failure_of(error, conversation, site) from None
    finally:
        conversation.close()


def revoke(site: Site, token: str, seconds: float) -> None:
    """End a token at its site, by itself. One that has ended is fine. Raises SiteUnreachable."""
    conversation = Conversation(site, seconds)
    headers = {"X-Auth-Token": token, "X-Subject-Token": token}
    try:
        conversation.request(
            f"{service_root(site.auth_url)}/v3/auth/tokens",
            "DELETE",
            headers=headers,
            raise_exc=False,
        )
    except exceptions.ClientException as error:
        raise SiteUnreachable(site.name, why(error)) from None
    finally:
        conversation.close()
