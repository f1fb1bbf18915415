"""Which headers pass between a client and home, and in which words. Pure.

Home stands behind an Apache that tells Keystone by headers who somebody is, and middlewares tell
services by headers what somebody may. A client must not be able to say such a thing itself.
"""

from collections.abc import Mapping

from multidict import CIMultiDict, MultiMapping

from federator.identity.links import Links

_HOP_BY_HOP = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip

_NOT_TO_HOME = _HOP_BY_HOP | {
    # Ours to say. Bodies that come back have to be read, so none may be compressed; the server has
    # inflated the client's. Cookies belong to other pages of our host.
    "host", "content-length", "content-encoding", "accept-encoding", "expect", "cookie",
    "forwarded", "x-real-ip", "openstack-system-scope", "x-identity-status", "x-is-admin-project",
    "x-openstack-request-id",
}  # fmt: skip
_SMUGGLED = (
    "x-fed-", "x-federation-", "x-forwarded", "x-user", "x-project", "x-domain", "x-tenant",
    "x-role", "x-service-", "x-system-", "x-trust", "x-remote-", "remote-", "x-mellon", "mellon",
    "x-oidc", "oidc", "x-saml", "saml", "x-ssl-", "ssl-",
)  # fmt: skip

_NOT_TO_CLIENT = _HOP_BY_HOP | {"content-length", "date", "server", "set-cookie"}


def to_home(headers: MultiMapping[str]) -> CIMultiDict[str]:
    """The client's headers as home may see them."""
    named = _named_by_connection(headers)
    return CIMultiDict(
        (name, value)
        for name, value in headers.items()
        if (lower := name.lower()) not in _NOT_TO_HOME
        and lower not in named
        and (lower == "x-service-token" or not lower.startswith(_SMUGGLED))
        # WSGI does not tell "X_Roles" from "X-Roles", so nothing may be spelt with an underscore.
        and "_" not in name
    )


def to_client(headers: MultiMapping[str], links: Links) -> CIMultiDict[str]:
    """Home's headers as the client may see them: our URLs in place of home's."""
    named = _named_by_connection(headers)
    rewrite = {"location": links.location, "content-location": links.location}
    result: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items():
        lower = name.lower()
        if lower in _NOT_TO_CLIENT or lower in named:
            continue
        if lower == "www-authenticate":
            value = links.challenge(value)
        elif lower in rewrite:
            value = rewrite[lower](value)
        result.add(name, value)
    return result


def size(headers: Mapping[str, str]) -> int:
    """How many bytes headers take on the wire."""
    return sum(len(name) + len(value) + 4 for name, value in headers.items())


def _named_by_connection(headers: MultiMapping[str]) -> set[str]:
    return {
        name.strip().lower()
        for value in headers.getall("Connection", [])
        for name in value.split(",")
    }
