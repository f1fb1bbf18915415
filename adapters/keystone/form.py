"""A question to a server that is no Keystone: the OpenID Connect provider."""

from collections.abc import Mapping
from urllib.parse import quote

import requests

from adapters.keystone.conversation import CONNECT_SECONDS, Answer, json_of


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
    limits = (min(CONNECT_SECONDS, seconds), seconds)
    # RFC 6749, section 2.3.1: both are encoded before they are joined by a colon.
    basic = (quote(client[0], safe=""), quote(client[1], safe=""))
    try:
        response = requests.post(
            url, form, auth=basic, verify=verify, timeout=limits, allow_redirects=False
        )
    except requests.RequestException as error:
        raise ConnectionError(type(error).__name__) from None
    return Answer(response.status_code, json_of(response))
