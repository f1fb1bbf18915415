"""The headers that pass between a client and home, and in which words. Pure.

Before home's Keystone stands a server that tells it by headers who somebody is, under names that
are its operator's choice. So only those headers of a client go to home that a Keystone knows.
"""

import re
from collections.abc import Mapping

from multidict import CIMultiDict, MultiMapping

from federator.headers import returned_by_home
from federator.identity.links import Links

_TO_HOME = frozenset(
    {
        "accept", "accept-language", "content-type", "origin", "referer", "user-agent",
        # Home alone gets its credentials.
        "authorization", "x-auth-token", "x-subject-token", "x-service-token",
        # A login in two steps; what a service can enforce; OS-OAUTH1; SAML for clients.
        "openstack-auth-receipt", "openstack-identity-access-rules", "requested-project-id", "paos",
    }
)  # fmt: skip

_NO_TEXT = re.compile("[\ud800-\udfff]")
"""Bytes that are no UTF-8, as aiohttp reads them. It would leave them out on the way to home, and what was
no token become one."""


def to_home(headers: MultiMapping[str]) -> CIMultiDict[str]:
    """The client's headers as home may see them."""
    return CIMultiDict(
        (name, value)
        for name, value in headers.items()
        if name.lower() in _TO_HOME and not _NO_TEXT.search(value)
    )


def to_client(headers: MultiMapping[str], links: Links) -> CIMultiDict[str]:
    """Home's headers as the client may see them: our URLs in place of home's."""
    rewrite = {
        "location": links.location,
        "content-location": links.location,
        "www-authenticate": links.challenge,
    }
    return CIMultiDict(
        (name, rewrite[name.lower()](value) if name.lower() in rewrite else value)
        for name, value in returned_by_home(headers).items()
    )


def size(headers: Mapping[str, str]) -> int:
    """How many bytes headers take on the wire."""
    return sum(len(name) + len(value) + 4 for name, value in headers.items())
