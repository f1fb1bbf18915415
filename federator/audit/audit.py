"""Takes down every request to a service, to the identity API and to our own: the half that looks and writes.

It stands around everything but the request log, so it sees how a request ends. Whatever goes wrong here is
logged and counted, and the request goes on.
"""

import socket
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from adapters.home import identity_of
from adapters.identity import Identity
from adapters.spec import Service
from federator import metrics
from federator.audit.event import Deed, event
from federator.audit.lines import AuditLines
from federator.audit.noted import ACTION_NAME, ATTEMPT, CALL, IDENTITY
from federator.audit.target import FEDERATION_TYPE, IDENTITY_TYPE, Target, of_call, target_of
from federator.headers import global_request_id
from federator.requestlog import CLIENT_GONE, REQUEST_ID, SITE_ANSWERS

log = structlog.get_logger(__name__)

_LARGEST_BODY = 1 << 20
"""Of answers to creates: there the ID of what was made is looked for."""


class Audit:
    """Writes an event for each request."""

    def __init__(self, services: Iterable[Service], public_base: str, lines: AuditLines) -> None:
        self._services = tuple(services)
        self.lines = lines
        self._observer = {
            "id": public_base,
            "typeURI": FEDERATION_TYPE,
            "name": "federator",
            "host": {"address": socket.gethostname()},
        }

    def record(self, request: web.Request, response: web.StreamResponse | None) -> None:
        """Write the event of a request that has ended; without a response if the client is gone."""
        try:
            deed = self._deed(request, response)
            if deed is not None:
                self.lines.write(event(deed, self._observer))
        except Exception as error:
            metrics.AUDIT_LOST.inc()
            log.error(
                "audit event lost",
                request_id=request[REQUEST_ID],
                reason=str(error) or type(error).__name__,
            )

    def _deed(self, request: web.Request, response: web.StreamResponse | None) -> Deed | None:
        identity = request.get(IDENTITY)
        path = request.rel_url.raw_path
        project_id = identity.project_id if identity is not None else None
        call = request.get(CALL)
        target = (
            of_call(call)
            if call is not None
            else target_of(self._services, request.method, path, project_id)
        )
        status = response.status if response is not None else CLIENT_GONE
        if target is None or (identity is None and _is_open_to_all(target, path, status)):
            return None
        issued = ""
        headers = response.headers if response is not None else {}
        if target.is_login and status < 400:
            issued = headers.get("X-Subject-Token", "")
            identity = _logged_in(issued, response) or identity
        return Deed(
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            request_id=request[REQUEST_ID],
            global_request_id=global_request_id(request.headers),
            path=path,
            status=status,
            target=target,
            target_id=_made(target, response),
            action_name=request.get(ACTION_NAME, ""),
            identity=identity,
            attempt=request.get(ATTEMPT),
            token=request.headers.get("X-Auth-Token", ""),
            issued_token=issued,
            address=request.remote or "",
            agent=request.headers.get("User-Agent", ""),
            answers=SITE_ANSWERS.get([]),
            missing=[
                site for site in headers.get("X-Federation-Missing-Sites", "").split(",") if site
            ],
        )


AUDIT = web.AppKey("audit", Audit)


@web.middleware
async def audit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Have a request taken down when it has ended."""
    response = None
    try:
        response = await handler(request)
        return response
    finally:
        request.app[AUDIT].record(request, response)


def _is_open_to_all(target: Target, path: str, status: int) -> bool:
    """Version documents: nobody has to say who he is, and nothing is done."""
    if status >= 400:
        return False
    if target.type_uri.startswith(IDENTITY_TYPE):
        return path.rstrip("/") in ("/identity", "/identity/v3")
    # Without a token services show nothing else.
    return True


def _made(target: Target, response: web.StreamResponse | None) -> str:
    """The ID of what a create has made."""
    call = target.call
    if call is None or call.resource is None or not call.is_create:
        return ""
    body = _body(response)
    made = body if call.resource.bare else body.get(call.resource.key)
    made_id = made.get(call.resource.id_field) if isinstance(made, dict) else None
    return made_id if isinstance(made_id, str) else ""


def _logged_in(token: str, response: web.StreamResponse | None) -> Identity | None:
    """Who has got this token."""
    try:
        return identity_of(token, _body(response))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _body(response: web.StreamResponse | None) -> dict[str, Any]:
    body = response.body if isinstance(response, web.Response) else None
    if response is None or response.status >= 400 or not isinstance(body, bytes):
        return {}
    if len(body) > _LARGEST_BODY:
        return {}
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}
