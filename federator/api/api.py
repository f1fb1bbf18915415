"""Answers what is asked of ``/federation``: our version, the sites, where an ID lives, how replicas are, who
somebody is; and pauses and resumes sites.

All of it from memory, but for the ID map: no site is asked, so that it can be asked while sites are down.
Who may see what is for `federator.api.policy`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import orjson
from aiohttp import web

from adapters.abilities import Abilities
from adapters.errors import FederationError
from adapters.identity import Identity
from adapters.pauses import Pauses
from adapters.session import SiteSessions
from adapters.sites import Site
from adapters.spec import PROJECT, USER
from federator.api import rules, shapes
from federator.api.matrix import abilities
from federator.api.policy import Policy
from federator.api.replicas import Replicas
from federator.faults import BadRequest, MethodNotAllowed, NotFound, TooLarge, Unavailable
from idmap.front import IdMap
from idmap.ids import global_uuid, is_uuid
from idmap.store import Pin, StoreUnavailable

_LARGEST_BODY = 16 * 1024
_OF_PEOPLE = frozenset({PROJECT, USER})


@dataclass(frozen=True, slots=True)
class FederationApi:
    """The gateway's word on the federation itself."""

    sites: Mapping[str, Site]
    pauses: Pauses
    default_site: str
    endpoints: Mapping[str, Mapping[str, str]]
    abilities: Abilities
    failures: Callable[[str], Mapping[str, str]]
    """Site -> service type -> what it failed with last, of those that give no answer now."""
    away_since: Callable[[str], Mapping[str, datetime]]
    """Site -> service type -> since when nobody waits for it, of those that are away."""
    sessions: SiteSessions
    ids: IdMap
    policy: Policy
    replicas: Replicas
    public_base: str

    def version_document(self, request: web.Request) -> web.Response | None:
        """What everybody may see without a token; None if it is something else that is asked for."""
        path = request.rel_url.raw_path.rstrip("/")
        if path not in (shapes.ROOT, shapes.VERSION):
            return None
        _only_reading(request)
        entry = shapes.version(self.public_base)
        if path == shapes.ROOT:
            return _json({"versions": [entry]}, status=300)
        return _json({"version": entry})

    async def answer(self, request: web.Request, identity: Identity) -> web.Response:
        """The answer to a request below ``/federation/v1``. Raises Fault."""
        path = request.rel_url.raw_path.rstrip("/").removeprefix(shapes.VERSION + "/")
        match [unquote(part) for part in path.split("/")]:
            case ["sites"]:
                _only_reading(request)
                self.policy.require(rules.LIST_SITES, identity)
                return _json({"sites": [await self._site(name, identity) for name in self.sites]})
            case ["sites", name]:
                _only_reading(request)
                self.policy.require(rules.GET_SITE, identity)
                self._known(name)
                return _json({"site": await self._site(name, identity, whole=True)})
            case ["sites", name, "pause"]:
                _only_posting(request)
                self.policy.require(rules.PAUSE_SITE, identity)
                self._known(name)
                await self._pause(name, await _body(request))
                return _json({"site": await self._site(name, identity)})
            case ["sites", name, "resume"]:
                _only_posting(request)
                self.policy.require(rules.RESUME_SITE, identity)
                self._known(name)
                await self.pauses.resume(name)
                return _json({"site": await self._site(name, identity)})
            case ["ids", any_id]:
                _only_reading(request)
                self.policy.require(rules.GET_ID, identity)
                return _json(await self._located(any_id, identity))
            case ["replicas"]:
                _only_reading(request)
                return _json(await self.replicas.all(request.rel_url.query, identity))
            case ["replicas", any_id]:
                _only_reading(request)
                return _json(await self.replicas.one(any_id, identity))
            case ["whoami"]:
                _only_reading(request)
                self.policy.require(rules.GET_WHOAMI, identity)
                return _json(self._whoami(identity))
        raise NotFound("The resource could not be found.")

    def _known(self, name: str) -> None:
        if name not in self.sites:
            raise NotFound(f"Site {name} could not be found.")

    async def _pause(self, name: str, body: Any) -> None:
        asked = body.get("pause", {}) if isinstance(body, dict) else None
        if not isinstance(asked, dict) or asked.keys() - {"reason"}:
            raise BadRequest('The body is not {"pause": {"reason": "..."}}.')
        reason = asked.get("reason") or ""
        if not isinstance(reason, str):
            raise BadRequest("reason: is not a text.")
        try:
            await self.pauses.pause(name, reason)
        except ValueError as error:
            raise BadRequest(f"{error}.") from None

    async def _site(self, name: str, identity: Identity, *, whole: bool = False) -> shapes.Json:
        """A site; as a `whole` with all that its services can do, which is much."""
        failures = self.failures(name)
        projects = self._projects(identity)
        shown = shapes.site(
            name,
            strategy=self.sites[name].federation.strategy,
            default=name == self.default_site,
            versions={
                service: said.versions
                for service, said in self.abilities.probe.documents_of(name).items()
            },
            failures=failures,
            away=self.away_since(name),
            has_project=None if projects is None else name in projects,
            refused=self._refused(name, identity),
            pause=self.pauses.paused().get(name),
            public_base=self.public_base,
        )
        if whole:
            for service in shown["services"]:
                profiles = self.abilities.profiles(service["type"])
                quirks = self.abilities.quirks_of(service["type"])
                service |= abilities(name, profiles, quirks)
        if self.policy.allows(rules.GET_SITE_INTERNALS, identity):
            urls = {"identity": self.sites[name].auth_url, **self.endpoints[name]}
            shown |= shapes.internals(urls, failures, await self._unread(name))
        return shown

    def _refused(self, name: str, identity: Identity) -> str:
        try:
            self.sessions.strategies[name].check(identity)
        except FederationError as error:
            return str(error)
        return ""

    def _projects(self, identity: Identity) -> Mapping[str, str] | None:
        """Site -> ID of the login's project there, as far as it is known; None if nothing can be known."""
        if identity.project_id is None:
            return {}
        try:
            return self.ids.pins.places(PROJECT, identity.project_id) or {}
        except StoreUnavailable:
            return None

    async def _unread(self, name: str) -> list[str] | None:
        try:
            return [kind for site, kind in await self.ids.missing_stamps() if site == name]
        except StoreUnavailable:
            return None

    async def _located(self, any_id: str, identity: Identity) -> shapes.Json:
        """Raises NotFound, or Unavailable while that cannot be known."""
        unknown = NotFound(f"ID {any_id} could not be found.")
        if not is_uuid(any_id):
            raise unknown
        lookup = await self.ids.locate([any_id])
        place = lookup.found.get(any_id)
        pin = lookup.pinned.get(any_id)
        if place is not None:
            # The ID of a replica, or a local one, leads to the one that tenants see.
            shown = self.ids.pins.global_of(None, place.site, place.local_id)
            pin = self.ids.pins.pin(None, shown) if shown is not None else None
        if place is None and pin is None:
            if lookup.complete:
                raise unknown
            raise Unavailable(f"Whether {any_id} exists cannot be known just now.")
        everything = self.policy.allows(rules.GET_LOCAL_IDS, identity)
        if pin is not None and not everything and _of_others(pin, identity):
            raise unknown
        if pin is not None:
            return shapes.located(pin.global_id, None, pin, local_ids=everything)
        assert place is not None
        global_id = global_uuid(self.sites[place.site].key.namespace, place.local_id)
        return shapes.located(global_id, place, None, local_ids=everything)

    def _whoami(self, identity: Identity) -> shapes.Json:
        tokens = {name: self.sessions.kept(identity, name) for name in self.sites}
        projects = None
        if self.policy.allows(rules.GET_LOCAL_IDS, identity):
            projects = self._projects(identity) or {}
        return shapes.whoami(identity, tokens, projects)


def _of_others(pin: Pin, identity: Identity) -> bool:
    return pin.kind in _OF_PEOPLE and pin.global_id not in (identity.project_id, identity.user_id)


def _only_reading(request: web.Request) -> None:
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed("The method is not allowed for this resource.")


def _only_posting(request: web.Request) -> None:
    if request.method != "POST":
        raise MethodNotAllowed("The method is not allowed for this resource.")


async def _body(request: web.Request) -> Any:
    """The JSON that came with a request, {} if nothing did. Raises TooLarge, BadRequest."""
    raw = bytearray()
    async for chunk in request.content.iter_any():
        raw += chunk
        if len(raw) > _LARGEST_BODY:
            raise TooLarge(f"Request is too large: more than {_LARGEST_BODY} bytes.")
    try:
        return orjson.loads(raw) if raw.strip() else {}
    except orjson.JSONDecodeError:
        raise BadRequest("Malformed request body: it is not JSON.") from None


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
