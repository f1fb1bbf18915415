"""Which headers of a client may go on to a Keystone or to a site, and which of theirs may come back. Pure.

Servers in front of OpenStack services tell them by headers who somebody is, and middlewares what somebody
may. A client must not be able to say such a thing itself. Tokens are not headers like others: whoever sends
a request puts in the one that belongs there.
"""

import re

from multidict import CIMultiDict, MultiMapping

_HOP_BY_HOP = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
"""RFC 9110, section 7.6.1."""

_NOT_FORWARDED = _HOP_BY_HOP | {
    # Ours to say. Bodies that come back have to be read, so none may be compressed; cookies and
    # other ways to log in belong to other pages of our host.
    "host", "idempotency-key", "content-length", "content-encoding", "accept-encoding", "expect", "cookie",
    "authorization", "forwarded", "x-real-ip", "openstack-system-scope", "x-identity-status",
    "x-is-admin-project", "x-openstack-request-id",
    "x-auth-token", "x-subject-token", "x-storage-token",
}  # fmt: skip
_SMUGGLED = (
    "x-fed-", "xfed", "x-federation-", "x-forwarded", "x-user", "x-project", "x-domain", "x-tenant",
    "x-role", "x-service-", "x-system-", "x-trust", "x-remote-", "remote-", "x-mellon", "mellon",
    "x-oidc", "oidc", "x-saml", "saml", "x-ssl-", "ssl-",
)  # fmt: skip

_NOT_RETURNED = _HOP_BY_HOP | {
    "content-length", "date", "server", "set-cookie", "clear-site-data", "alt-svc", "refresh",
    "strict-transport-security",
}  # fmt: skip
_NOT_RETURNED_BY_SITES = _NOT_RETURNED | {
    "content-encoding", "x-auth-token", "x-service-token", "x-storage-token", "x-subject-token",
    "x-openstack-request-id", "x-compute-request-id", "www-authenticate", "link",
}  # fmt: skip


_REQUEST_ID = re.compile(r"req-[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def global_request_id(headers: MultiMapping[str]) -> str:
    """The request ID that a client gave to all that belongs together for it; empty if it gave none.

    As with oslo.middleware the header means this on the way in, and the one request on the way out.
    """
    given = headers.get("X-Openstack-Request-Id", "")
    return given if _REQUEST_ID.fullmatch(given) else ""


def forwarded(headers: MultiMapping[str]) -> CIMultiDict[str]:
    """A client's headers that may go on, without any token."""
    named = _named_by_connection(headers)
    return CIMultiDict(
        [
            (name, value)
            for name, value in headers.items()
            if (lower := name.lower()) not in _NOT_FORWARDED
            and lower not in named
            and not lower.startswith(_SMUGGLED)
            # WSGI does not tell "X_Roles" from "X-Roles", so nothing may be spelt with an underscore.
            and "_" not in name
        ]
    )


def returned_by_home(headers: MultiMapping[str]) -> CIMultiDict[str]:
    """Home's headers that may go on to the client: the tokens among them are the client's own."""
    return _without(headers, _NOT_RETURNED)


def returned_by_site(headers: MultiMapping[str]) -> CIMultiDict[str]:
    """A site's headers that may go on to the client. A site does not speak for our host."""
    return _without(headers, _NOT_RETURNED_BY_SITES, "access-control-")


def _without(
    headers: MultiMapping[str], dropped: frozenset[str], beginning: str = "\0"
) -> CIMultiDict[str]:
    """All but these, those that begin so, and those that are for one connection only."""
    named = _named_by_connection(headers)
    return CIMultiDict(
        [
            (name, value)
            for name, value in headers.items()
            if (lower := name.lower()) not in dropped
            and lower not in named
            and not lower.startswith(beginning)
        ]
    )


def _named_by_connection(headers: MultiMapping[str]) -> set[str]:
    if "Connection" not in headers:
        return set()
    return {
        name.strip().lower()
        for value in headers.getall("Connection", [])
        for name in value.split(",")
    }
