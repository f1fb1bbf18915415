"""How each service writes an error down: the bodies, copied from answers of real services.

Clients must not notice whether a site or the gateway refused something, so ours look the same
(2026.2 and 2023.1 were asked; they agree). The names are those of `Service.faults`:

    error, keystone   {"error": {"code", "message", "title"}}
    nova              {"itemNotFound": {"code", "message"}}        Nova and Cinder
    neutron           {"NeutronError": {"type", "message", "detail"}}
    errors            {"errors": [{"status", "title", "detail", ...}]}      Placement
    glance            HTML, or JSON for who asks for it

A 401 is Keystone's everywhere but at Glance: the middleware before the services writes it.
"""

import json
from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from typing import Any

_JSON = "application/json"


def write(
    shape: str,
    status: int,
    message: str,
    *,
    title: str = "",
    request_id: str = "",
    retry_after: int | None = None,
    details: Mapping[str, Any] | None = None,
    accept: str = "",
) -> tuple[str, str]:
    """The text of an error, and its content type."""
    reason = title or _phrase(status)
    if shape == "glance":
        return _glance(status, message, accept)
    if status == HTTPStatus.UNAUTHORIZED:
        return _keystone(status, message, _phrase(status)), _JSON
    if shape == "nova":
        return _nova(status, message, retry_after), _JSON
    if shape == "neutron":
        return _neutron(status, message, title), _JSON
    if shape == "errors":
        return _errors(status, message, reason, request_id, details or {}), _JSON
    return _keystone(status, message, reason), _JSON


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _keystone(status: int, message: str, title: str) -> str:
    return json.dumps({"error": {"code": status, "message": message, "title": title}})


_NOVA = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    422: "unprocessableEntity",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}


def _nova(status: int, message: str, retry_after: int | None) -> str:
    fault: dict[str, Any] = {"code": status, "message": message}
    if retry_after is not None and status in {413, 429}:
        fault["retryAfter"] = str(retry_after)
    return json.dumps({_NOVA.get(status, "computeFault"): fault})


_NEUTRON = {
    400: "HTTPBadRequest",
    403: "HTTPForbidden",
    404: "HTTPNotFound",
    405: "HTTPMethodNotAllowed",
    409: "HTTPConflict",
    413: "HTTPRequestEntityTooLarge",
    500: "HTTPInternalServerError",
    503: "ServiceUnavailable",
}


def _neutron(status: int, message: str, error_type: str) -> str:
    error_type = error_type or _NEUTRON.get(status, f"HTTP{_phrase(status).replace(' ', '')}")
    return json.dumps({"NeutronError": {"type": error_type, "message": message, "detail": ""}})


def _errors(
    status: int, message: str, title: str, request_id: str, details: Mapping[str, Any]
) -> str:
    error: dict[str, Any] = {"status": status, "title": title, "detail": message}
    if request_id:
        error["request_id"] = request_id
    if not message.startswith("Invalid microversion"):
        # What is refused for its microversion was read in none, and Placement's codes began with one.
        error["code"] = "placement.undefined_code"
    return json.dumps({"errors": [error | dict(details)]})


def _glance(status: int, message: str, accept: str) -> tuple[str, str]:
    """Glance leaves it to webob: HTML for everybody who does not ask for JSON and nothing else."""
    heading = f"{status} {_phrase(status)}"
    if "application/json" in accept and "html" not in accept:
        body = {"message": message, "code": heading, "title": _phrase(status)}
        return json.dumps(body), _JSON
    return (
        f"<html>\n <head>\n  <title>{heading}</title>\n </head>\n <body>\n  <h1>{heading}</h1>\n"
        f"  {escape(message)}<br /><br />\n\n\n\n </body>\n</html>",
        "text/html",
    )
