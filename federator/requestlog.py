"""The outermost room: every request gets an ID, a line in the log and a count, whatever happens inside.

The line names who asked for what and how it ended; no token and no body is ever in it.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from time import perf_counter
from uuid import uuid4

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from federator import metrics
from federator.headers import global_request_id
from federator.secrets import harmless

log = structlog.get_logger("federator.request")

REQUEST_ID = web.RequestKey("request_id", str)
"""Ours, of this one request: always a new one, else anybody could write into our log what he likes."""
IDENTITY_FOR_LOG = web.RequestKey("identity_for_log", str)

SITE_ANSWERS: ContextVar[list[str]] = ContextVar("site_answers")
"""``site:status:the site's own request ID`` of each answer that a request has had from a site."""


def site_answered(site: str, status: int, headers: Mapping[str, str]) -> None:
    """Remember the answer of a site to what this request asked of it."""
    local_id = headers.get("X-Openstack-Request-Id", "-")
    SITE_ANSWERS.get([]).append(f"{site}:{status}:{local_id}")


CLIENT_GONE = 499
"""Logged where the client hung up before it had its answer, as nginx does."""

_QUIET = ("/healthcheck", "/metrics")


@web.middleware
async def requestlog(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Log and count one request. A client's own request ID is logged beside ours, and goes to the sites."""
    request_id = f"req-{uuid4()}"
    request[REQUEST_ID] = request_id
    answers: list[str] = []
    SITE_ANSWERS.set(answers)
    began = perf_counter()
    status = 500
    try:
        response = await handler(request)
        status = response.status
        if not response.prepared:
            response.headers.setdefault("X-Openstack-Request-Id", request_id)
        return response
    except ConnectionError:
        status = CLIENT_GONE
        raise
    finally:
        seconds = perf_counter() - began
        path = request.rel_url.raw_path
        if path not in _QUIET:
            service = path.removeprefix("/").split("/", 1)[0]
            known = service if service in request.app[KNOWN_SERVICES] else "other"
            metrics.counter(metrics.REQUESTS, known, request.method, str(status)).inc()
            metrics.histogram(metrics.REQUEST_SECONDS, known).observe(seconds)
            log.info(
                "request",
                request_id=request_id,
                global_request_id=global_request_id(request.headers) or "-",
                who=request.get(IDENTITY_FOR_LOG, "-"),
                method=request.method,
                path=harmless(path),
                status=status,
                sites=" ".join(answers[:20]) or "-",
                ms=round(seconds * 1000, 1),
            )


KNOWN_SERVICES = web.AppKey("known_services", frozenset)
"""First parts of paths that are ours: nobody can fill the metrics with names of his own."""
