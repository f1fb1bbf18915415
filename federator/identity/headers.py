"""The headers that pass between a client and home, and in which words. Pure."""

from collections.abc import Mapping

from multidict import CIMultiDict, MultiMapping

from federator.headers import forwarded, returned_by_home
from federator.identity.links import Links

_CREDENTIALS = ("X-Auth-Token", "X-Subject-Token", "X-Service-Token", "Authorization")


def to_home(headers: MultiMapping[str]) -> CIMultiDict[str]:
    """The client's headers as home may see them: home alone gets its credentials."""
    passed = forwarded(headers)
    for name in _CREDENTIALS:
        passed.extend((name, value) for value in headers.getall(name, []))
    return passed


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
