"""The aiohttp application: which requests go to which room of the house, and how all of them end."""

import asyncio
from contextlib import suppress

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from adapters.errors import FederationError
from adapters.identity import Identity
from federator.audit.audit import AUDIT, audit
from federator.audit.noted import IDENTITY as WHO
from federator.faults import Fault, MethodNotAllowed, NotFound, Unauthorized, Unavailable, fault_of
from federator.house import House
from federator.living import HOUSE, running
from federator.monitor import healthcheck, metrics_page
from federator.requestlog import IDENTITY_FOR_LOG, KNOWN_SERVICES, REQUEST_ID, requestlog
from federator.route import plain_path, service_of
from idmap.store import StoreUnavailable

log = structlog.get_logger(__name__)

LONGEST_HEADER = 256 * 1024
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
"""No other goes anywhere: TRACE, for one, would bring a site's token back to the client."""


def application(house: House) -> web.Application:
    """The aiohttp application, from the outermost middleware inwards."""
    app = web.Application(
        middlewares=[
            requestlog,  # first: it must see how everything ends
            audit,  # the same, for those who want to know who did what
            faults,  # turns what goes wrong further in into answers, for those above to tell
        ],
        client_max_size=0,
    )
    app[HOUSE] = house
    prefixes = {service.prefix[1:] for service in house.services.values()}
    app[KNOWN_SERVICES] = frozenset({"identity", "federation", *prefixes})
    app[AUDIT] = house.audit
    app.cleanup_ctx.append(running)
    # One handler and a router of our own: aiohttp's would decode paths, and sort by prefix.
    app.router.add_route("*", "/{path:.*}", answer)
    return app


async def answer(request: web.Request) -> web.StreamResponse:
    """The answer to any request: which room it belongs to."""
    house = request.app[HOUSE]
    if request.method not in _METHODS:
        raise MethodNotAllowed("The method is not allowed for this resource.")
    path = request.rel_url.raw_path
    if path == "/healthcheck":
        return await healthcheck(house.ids)
    if path == "/metrics" and not house.settings.monitor:
        return metrics_page()
    if path == "/identity" or path.startswith("/identity/"):
        await _note_caller(house, request)
        return await house.identity_api.answer(request)
    if path == "/federation" or path.startswith("/federation/"):
        document = house.federation_api.version_document(request)
        return document or await house.federation_api.answer(
            request, await _identified(house, request)
        )
    versions = house.versions.answer(request)
    if versions is not None:
        return versions
    plain = plain_path(path)
    found = service_of(house.services.values(), plain) if plain is not None else None
    if found is None:
        raise NotFound("The resource could not be found.")
    service, rest = found
    identity = await _identified(house, request)
    query = request.rel_url.raw_query_string
    target = f"{rest}?{query}" if query else rest
    try:
        return await house.gateway.answer(request, service, target, identity, request[REQUEST_ID])
    finally:
        if not house.ids.complete:
            house.map_wanted.set()


async def _identified(house: House, request: web.Request) -> Identity:
    """Whose token came with the request. Raises Unauthorized, and whatever home says of the token."""
    token = request.headers.get("X-Auth-Token", "")
    if not token:
        raise Unauthorized()
    identity = await house.home.validate(token)
    request[WHO] = identity
    request[IDENTITY_FOR_LOG] = f"{identity.user_id} {identity.project_id or '-'}"
    return identity


async def _note_caller(house: House, request: web.Request) -> None:
    """Whose token came with a request that home itself will decide, for the audit.

    Home is asked for it only before something changes: afterwards the token may be none any more.
    """
    token = request.headers.get("X-Auth-Token", "")
    if not token:
        return
    identity = house.home.known(token)
    if identity is None and request.method not in ("GET", "HEAD"):
        with suppress(FederationError):
            identity = await house.home.validate(token)
    if identity is not None:
        request[WHO] = identity


@web.middleware
async def faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What goes wrong, in the shape of the service that was asked."""
    try:
        return await handler(request)
    except Fault as error:
        fault = error
    except FederationError as error:
        fault = fault_of(error)
    except StoreUnavailable:
        fault = Unavailable("The ID map is not available just now.")
    except (web.HTTPException, asyncio.CancelledError, ConnectionError):
        # The last one is the client's connection: those to sites, home and Redis have errors of their own.
        raise
    except Exception:
        log.exception("unexpected", request_id=request[REQUEST_ID])
        fault = Fault("The gateway met an error it did not expect.")
    house = request.app[HOUSE]
    path = request.rel_url.raw_path
    found = service_of(house.services.values(), path)
    return fault.response(
        found[0].faults if found else "keystone",
        request_id=request[REQUEST_ID],
        login_url=f"{house.settings.public_base}/identity",
        accept=request.headers.get("Accept", ""),
    )
