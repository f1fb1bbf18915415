"""The one table of what goes wrong in the gateway: which status and which headers a client gets for it.

Errors of a site go to the client as they came. These are the gateway's own, written in the shape of
the service that was asked (`federator.fault_shapes`).

    Fault                       500
    ├── BadRequest              400   what was sent makes no sense to this service
    ├── Unauthorized            401   no token, or none that home knows
    ├── Forbidden               403   the token does not allow it, or the federation does not
    ├── NotFound                404   and we are sure of it
    ├── MethodNotAllowed        405
    ├── NotAcceptable           406   a microversion that not all sites have
    ├── Conflict                409
    ├── TooLarge                413
    ├── Unprocessable           422
    ├── TooManyRequests         429
    ├── BadGateway              502   home or a site answered something nobody can use
    ├── Unavailable             503   try again later: home, or a part of us, is not there
    │   └── SiteMissing         503   ... or the site that would have to answer
    └── Timeout                 504
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from aiohttp import web
from multidict import CIMultiDict

from adapters import errors
from federator.fault_shapes import write

_LOGIN_NEEDED = "The request you have made requires authentication."
_RETRY_SECONDS = 5


class Fault(Exception):
    """An answer of the gateway that is an error. `message` is for users: no secrets, no URLs."""

    status: ClassVar[int] = 500

    def __init__(
        self,
        message: str,
        *,
        title: str = "",
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.title = title
        """Neutron's error type, or the title where a shape has one; the usual one if empty."""
        self.retry_after = retry_after
        self.headers = dict(headers or {})
        self.details = dict(details or {})
        """Further fields, for the shape "errors" only."""

    def response(
        self, shape: str, *, request_id: str = "", login_url: str = "", accept: str = ""
    ) -> web.Response:
        """This fault as the service whose errors have this shape writes it."""
        return fault_response(
            shape,
            self.status,
            self.message,
            title=self.title,
            request_id=request_id,
            retry_after=self.retry_after,
            headers=self.headers,
            details=self.details,
            login_url=login_url,
            accept=accept,
        )


class BadRequest(Fault):
    """What was sent makes no sense to this service."""

    status = 400


class Unauthorized(Fault):
    """No token, or none that home knows."""

    status = 401

    def __init__(self, message: str = _LOGIN_NEEDED) -> None:
        super().__init__(message)


class Forbidden(Fault):
    """The token does not allow it, or the federation does not."""

    status = 403


class NotFound(Fault):
    """There is no such thing, and we are sure of it."""

    status = 404


class MethodNotAllowed(Fault):
    """The path is known, the method is not."""

    status = 405


class NotAcceptable(Fault):
    """A microversion outside of what all sites have."""

    status = 406


class Conflict(Fault):
    """The state of the resource does not allow it."""

    status = 409


class Unprocessable(Fault):
    """It makes sense, but not together with what was sent before."""

    status = 422


class TooLarge(Fault):
    """The body is larger than we read."""

    status = 413


class TooManyRequests(Fault):
    """More than the gateway lets one user ask."""

    status = 429


class BadGateway(Fault):
    """Home or a site answered something nobody can use."""

    status = 502


class Unavailable(Fault):
    """Something is not there now and will be. Always says when to try again."""

    status = 503

    def __init__(self, message: str, *, retry_after: int = _RETRY_SECONDS) -> None:
        super().__init__(message, retry_after=retry_after)


class SiteMissing(Unavailable):
    """No site that could have answered can be asked now."""


class Timeout(Fault):
    """A site took too long, and nobody knows whether it did what was asked."""

    status = 504


def fault_of(error: errors.FederationError) -> Fault:
    """The answer to a client for what went wrong on the way to home or to a site."""
    match error:
        case errors.HomeUnreachable():
            return Unavailable("The Keystone that tokens come from cannot be reached.")
        case errors.InvalidToken():
            return Unauthorized()
        case errors.NotScoped() | errors.NotServed():
            return Forbidden(str(error))
        case errors.ExchangeRefused() | errors.ProjectNotThere():
            return Forbidden(str(error))
        case errors.NameNotCarried():
            return BadRequest(str(error))
        case errors.SitePaused():
            return SiteMissing(f"The site {error.site} cannot be asked: {error.reason}.")
        case errors.SiteUnreachable() | errors.ProviderUnreachable():
            return SiteMissing(f"Site {error.site} cannot be reached.")
        case errors.Crowded():
            return Unavailable("Too many logins are waiting already; try again in a moment.")
        case errors.TokenMixUp():
            return BadGateway(str(error))
        case _:
            return Fault("The gateway could not answer.")


def nothing_was_done(error: Exception) -> bool:
    """Whether no site has done what it was asked, so that it can be asked again."""
    if isinstance(error, Timeout):
        return False
    # Those of a site that may have heard us are not among them: they become a Timeout.
    unsent = errors.HomeError | errors.Crowded | errors.NameNotCarried
    return isinstance(error, Fault | unsent)


def fault_response(
    shape: str,
    status: int,
    message: str,
    *,
    title: str = "",
    request_id: str = "",
    retry_after: int | None = None,
    headers: Mapping[str, str] | None = None,
    details: Mapping[str, Any] | None = None,
    login_url: str = "",
    accept: str = "",
) -> web.Response:
    """An error as the service writes it whose `Service.faults` is `shape`.

    `login_url` is where a 401 sends the client: our ``/identity``. `accept` is the client's header of
    that name; only Glance looks at it.
    """
    all_headers = CIMultiDict(headers or {})
    if request_id:
        all_headers.setdefault("X-Openstack-Request-Id", request_id)
    if retry_after is not None:
        all_headers["Retry-After"] = str(retry_after)
    if status == HTTPStatus.UNAUTHORIZED and login_url:
        all_headers["WWW-Authenticate"] = f'Keystone uri="{login_url}"'
    text, content_type = write(
        shape,
        status,
        message,
        title=title,
        request_id=request_id,
        retry_after=retry_after,
        details=details or {},
        accept=accept,
    )
    return web.Response(status=status, text=text, content_type=content_type, headers=all_headers)
