"""What a client sent becomes a Call: the first step of the story, and the last that reads from the client."""

from dataclasses import dataclass, replace

import orjson
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from adapters.identity import Identity
from adapters.spec import Service
from federator.call import Call
from federator.faults import BadRequest, Forbidden, NotFound, TooLarge
from federator.route import route
from federator.versions.api import VersionApi

LONGEST_HEADER = 32 * 1024
"""What services behind Apache or uWSGI take; from longer ones they hang up without a word."""


@dataclass(frozen=True, slots=True)
class Intake:
    """Reads requests for services."""

    versions: VersionApi
    max_body_bytes: int

    def call(self, request: web.Request, service: Service, rest: str, identity: Identity) -> Call:
        """The call, without its body yet; `rest` is path and query below the service's root.

        Raises BadRequest, NotFound, NotAcceptable, Forbidden.
        """
        if any(len(value) > LONGEST_HEADER for value in request.headers.values()):
            raise BadRequest("Size of a request header field exceeds server limit.")
        raw_path, _, query = rest.partition("?")
        headers = self._negotiated(service, request)
        call = route(
            service,
            request.method,
            raw_path,
            query=query,
            headers=headers,
            project_id=identity.project_id,
        )
        if call is None:
            raise NotFound("The resource could not be found.")
        if identity.project_id is None:
            raise Forbidden(
                "The token is not scoped to a project; log in with a project to use this service."
            )
        return call

    def _negotiated(self, service: Service, request: web.Request) -> CIMultiDictProxy[str]:
        """The client's headers with the microversion that every site can speak."""
        version = self.versions.negotiate(service, request.headers)
        if version is None or service.microversion is None:
            return request.headers
        headers = CIMultiDict(request.headers)
        headers["OpenStack-API-Version"] = f"{service.microversion} {version}"
        if service.legacy_microversion_header is not None:
            headers[service.legacy_microversion_header] = version
        return CIMultiDictProxy(headers)

    async def with_body(self, call: Call, request: web.Request) -> Call:
        """The call with its JSON read. Raises TooLarge or BadRequest."""
        if not request.body_exists:
            return call
        too_large = TooLarge(f"Request is too large: more than {self.max_body_bytes} bytes.")
        if (request.content_length or 0) > self.max_body_bytes:
            raise too_large
        raw = bytearray()
        async for chunk in request.content.iter_any():
            raw += chunk
            if len(raw) > self.max_body_bytes:
                raise too_large
        if not raw:
            return call
        try:
            return replace(call, body=orjson.loads(raw), raw=bytes(raw))
        except orjson.JSONDecodeError as error:
            if "json" not in request.headers.get("Content-Type", "json").casefold():
                return replace(call, raw=bytes(raw))
            raise BadRequest("Malformed request body: it is not JSON.") from error
