"""Everything below ``/identity``: home's own Keystone, with our URLs and our catalogue.

What a client asks goes to home as it came, and home's answer comes back as it is, but for

* links, ``Location`` and ``WWW-Authenticate``, which name us;
* tokens and ``/v3/auth/catalog``, which carry our catalogue, and no service providers;
* ``/v3/services``, ``/v3/endpoints`` and ``/v3/regions``, which list our catalogue to those to whom
  home would list its own;
* version documents, which are answered from memory;
* cookies, which pass only on the pages of a login in a browser;
* assertions for sites, which nobody but the gateway may have: with one a user goes round it.

Answers are told apart by what is in them rather than by their path: home's server knows more ways
to write a path than we do.
"""

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

import orjson
from aiohttp import web
from multidict import CIMultiDict

from adapters.access_tokens import AccessTokens
from adapters.client import SiteClient
from adapters.endings import Ending, What
from adapters.sites import Site
from federator.audit.attempt import attempt_of
from federator.audit.noted import ATTEMPT
from federator.faults import BadGateway, BadRequest, Forbidden, NotFound, TooLarge
from federator.headers import global_request_id
from federator.identity import browser
from federator.identity.catalog import Catalog
from federator.identity.endings import ended_by
from federator.identity.headers import to_home
from federator.identity.openid import openid_login, rescoped
from federator.identity.relay import HomeRelay, Reply, refused_before_keystone
from federator.requestlog import REQUEST_ID

PREFIX = "/identity"
_REQUEST_ID = "X-Openstack-Request-Id"
_CATALOGUE = re.compile(r"/v3/(services|endpoints|regions)(?:/([^/]+))?")
_DEEPEST = 500
"""Levels of nesting that Keystone surely reads; orjson gives up at 1024."""
_READS = {"GET", "HEAD"}
_LONGEST_FIELD = 65_536
"""Of a header, name and value: what Apache before a Keystone takes. Most headers do not go on to home, but
nobody who sends such a thing should think that it was read."""
_ENCODED_TIMES = 3


class IdentityApi:
    """Answers for home. `on_ended` is told what clients have ended there, `access_tokens` each login
    by OpenID Connect."""

    def __init__(
        self,
        client: SiteClient,
        home: Site,
        catalog: Catalog,
        public_url: str,
        on_ended: Callable[[Ending], Awaitable[None]],
        max_body_bytes: int = 1_048_576,
        access_tokens: AccessTokens | None = None,
    ) -> None:
        self._public = public_url.rstrip("/") + PREFIX
        self._relay = HomeRelay(client, home, self._public)
        self._catalog = catalog
        self._on_ended = on_ended
        self._max_body_bytes = max_body_bytes
        self._access_tokens = access_tokens or AccessTokens()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The answer to a request whose path begins with ``/identity``. Raises Fault."""
        if any(len(name) + len(value) > _LONGEST_FIELD for name, value in request.headers.items()):
            raise BadRequest("Size of a request header field exceeds server limit.")
        raw_path = request.rel_url.raw_path.removeprefix(PREFIX)
        path = _plain(raw_path)
        if "os-federation/saml2" in path.lower():
            raise Forbidden("Assertions for sites are made by the gateway alone.")
        if path in ("", "/v3") and request.method in _READS and not _wants_json_home(request):
            return _response(request, await self._relay.version_document(path))
        # Home tells in its version document under which URL it speaks of itself.
        await self._relay.version_document("/v3")
        catalogue = _CATALOGUE.fullmatch(path)
        if catalogue or path.startswith("/v3/OS-EP-FILTER"):
            return await self._catalogue(request, catalogue)
        query = request.rel_url.raw_query_string
        target = f"{raw_path}?{query}" if query else raw_path
        body = await self._body(request)
        if request.method == "POST" and path == "/v3/auth/tokens":
            request[ATTEMPT] = attempt_of(body)
        headers = _headers(request)
        if browser.is_page(path):
            headers.update(browser.headers_to_home(request.headers, self._public))
        reply = await self._relay.ask(request.method, target, headers, body)
        if not browser.is_page(path) and (refused := refused_before_keystone(reply)) is not None:
            raise refused
        await self._notice(request, path, body, reply)
        ours = await self._ours(reply, request)
        if browser.is_page(path):
            ours = ours.with_cookies(browser.cookies_to_client(reply.headers, self._public))
        return _response(request, ours)

    async def _notice(
        self, request: web.Request, path: str, body: bytes | None, reply: Reply
    ) -> None:
        """What others have to know of: what has ended, and which tokens come of an access token."""
        token = request.headers.get("X-Subject-Token", "")
        ending = ended_by(request.method, path, token) if reply.status < 300 else None
        if ending is not None:
            await self._on_ended(ending)
            if ending.what is What.TOKEN:
                await self._access_tokens.forget(token)
        if reply.status != 201:
            return
        if login := openid_login(path, request.headers, reply.headers, reply.body):
            await self._access_tokens.keep(*login)
        for old, new in rescoped(path, body, reply.headers):
            await self._access_tokens.inherit(old, new)

    async def _catalogue(
        self, request: web.Request, found: re.Match[str] | None
    ) -> web.StreamResponse:
        if found is None or request.method not in _READS:
            raise Forbidden("The catalogue of a federation follows from the gateway's settings.")
        kind, item_id = found.groups()
        # Whether this user may see a catalogue is for home to say.
        reply = await self._relay.ask("GET", f"/v3/{kind}", _headers(request))
        if reply.status != 200:
            return _response(request, await self._ours(reply, request))
        if item_id is None:
            body = self._catalog.find(kind, request.query, self._self_url(request))
        else:
            shown = self._catalog.show(kind, item_id)
            if shown is None:
                raise NotFound(f"Could not find {kind[:-1]}: {item_id}.")
            body = shown
        return _response(request, self._relay.ours(reply, orjson.dumps(body)))

    async def _ours(self, reply: Reply, request: web.Request) -> Reply:
        """Home's answer with our URLs and our catalogue."""
        body = reply.body
        if reply.content_type.startswith("text/"):
            # Pages for people: redirects and errors of the web framework.
            body = self._relay.links.text(body)
        elif reply.content_type.endswith("json"):
            body = await self._our_json(body, request)
        return self._relay.ours(reply, body)

    async def _our_json(self, body: bytes, request: web.Request) -> bytes:
        has_catalog = b'"token"' in body or b'"catalog"' in body
        if not has_catalog and not self._relay.links.occur_in(body):
            return body
        try:
            document = self._relay.links.body(orjson.loads(body))
        except orjson.JSONDecodeError as error:
            raise BadGateway("The Keystone that tokens come from sent a broken answer.") from error
        if isinstance(document, dict):
            document = self._catalog.rewrite_token_body(document)
            if isinstance(document.get("catalog"), list):
                project_id = await self._project_of_caller(request)
                document = self._catalog.rewrite_catalog_body(document, project_id)
        return orjson.dumps(document)

    async def _project_of_caller(self, request: web.Request) -> str | None:
        """``/v3/auth/catalog`` does not say for which project it is, but our URLs need it."""
        token = to_home(request.headers).get("X-Auth-Token", "")
        headers = CIMultiDict({"X-Auth-Token": token, "X-Subject-Token": token})
        reply = await self._relay.ask("GET", "/v3/auth/tokens?nocatalog", headers)
        if reply.status != 200:
            return None
        project: dict[str, Any] = orjson.loads(reply.body)["token"].get("project") or {}
        return project.get("id")

    async def _body(self, request: web.Request) -> bytes | None:
        if not request.body_exists:
            return None
        body = bytearray()
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > self._max_body_bytes:
                raise TooLarge(f"Request is too large: more than {self._max_body_bytes} bytes.")
        if body.count(b"[") + body.count(b"{") > _DEEPEST:
            # Keystone gives up on nesting without an answer, which would look as if it were down.
            with suppress(orjson.JSONDecodeError):
                orjson.loads(body)
                return bytes(body)
            raise BadRequest("Expecting to find valid JSON in the request body.")
        return bytes(body)

    def _self_url(self, request: web.Request) -> str:
        path = request.rel_url.raw_path.removeprefix(PREFIX)
        query = request.rel_url.raw_query_string
        return f"{self._public}{path}?{query}" if query else self._public + path


def _headers(request: web.Request) -> CIMultiDict[str]:
    headers = to_home(request.headers)
    # The client's own if it has one, else ours: so that home's log can be found from either.
    request_id = global_request_id(request.headers) or request.get(REQUEST_ID, "")
    if request_id:
        headers[_REQUEST_ID] = request_id
    return headers


def _response(request: web.Request, reply: Reply) -> web.StreamResponse:
    headers = CIMultiDict(reply.headers)
    if request_id := request.get(REQUEST_ID):
        headers[_REQUEST_ID] = request_id
    if request.method == "HEAD":
        # Home's length is that of another body than our GET has.
        return web.StreamResponse(status=reply.status, headers=headers)
    return web.Response(status=reply.status, headers=headers, body=reply.body or None)


def _plain(raw_path: str) -> str:
    """The path as home's servers may come to see it. Raises NotFound for one that leaves its place."""
    path = raw_path
    for _ in range(_ENCODED_TIMES):
        path = unquote(path)
    parts = [part for part in path.split("/") if part]
    if ".." in parts or unquote(path) != path:
        raise NotFound("The resource could not be found.")
    return "".join(f"/{part}" for part in parts if part != ".")


def _wants_json_home(request: web.Request) -> bool:
    return "json-home" in request.headers.get("Accept", "")
