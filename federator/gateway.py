"""The story of a request.

    route      (method, raw path)         -> Call
    locate     IDs in path, query, body   -> Whereabouts        one round trip at most, none on a warm cache
    plan       Call + Whereabouts         -> Plan               pure
    ask        Question, sites            -> [SiteReply]        the I/O; in global IDs when they come back
    answer     [SiteReply]                -> one response       pure

What does not fit (a keypair belongs to a user, and a user is somebody else at every site; an image's data is
too large to be held) is told in a file of its own and called from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic

import orjson
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from adapters.identity import Identity
from adapters.spec import Service
from adapters.translate import shape
from federator import answer, stream
from federator.answer import Part
from federator.asker import Question
from federator.audit.noted import ACTION_NAME
from federator.call import Call, SiteReply
from federator.fanout import Fanout
from federator.faults import BadRequest, Conflict, Forbidden, NotFound, TooLarge
from federator.idempotency import HEADER, Idempotency
from federator.keypairs import Keypairs, key_name
from federator.lists.leaf import Lists
from federator.locate import Locator
from federator.merge import identity, made_of
from federator.paging import Page, page_of
from federator.plan import Plan, Reach, Whereabouts, plan
from federator.route import route
from federator.upkeep.namesakes import MADE_ALIKE, unnoticed
from federator.upkeep.rebuild import Rebuild
from federator.versions.api import VersionApi
from idmap.ids import is_uuid
from idmap.store import Pin

LONGEST_HEADER = 32 * 1024
"""What services behind Apache or uWSGI take; from longer ones they hang up without a word."""


CHOSEN = "chosen by the client: "
"""The origin, with the ID behind it, of the pin of an object whose ID the client chose."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """Answers what is not the identity API and not a version document."""

    fanout: Fanout
    locator: Locator
    lists: Lists
    idempotency: Idempotency
    keypairs: Keypairs
    versions: VersionApi
    rebuild: Rebuild
    sites: tuple[str, ...]
    default_site: str
    max_body_bytes: int
    strict_projects: frozenset[str] = frozenset()

    async def answer(
        self,
        request: web.Request,
        service: Service,
        rest: str,
        identity: Identity,
        request_id: str,
    ) -> web.StreamResponse:
        """The answer to one request of one caller. Raises Fault."""
        call = self._routed(request, service, rest, identity)
        key = request.headers.get(HEADER)
        if key is None or call.method != "POST":
            return await self._answered(request, call, identity, request_id)
        call = await self._with_body(call, request)
        return await self.idempotency.once(
            key,
            call,
            identity,
            request_id,
            lambda: self._answered(request, call, identity, request_id),
        )

    async def _answered(
        self, request: web.Request, call: Call, identity: Identity, request_id: str
    ) -> web.StreamResponse:
        service = call.service
        if call.resource is not None and call.resource.kind == "keypair":
            call = await self._with_body(call, request)
            return await self.keypairs.answer(call, identity, request_id)
        streams = stream.streams(call)
        if not streams:
            call = await self._with_body(call, request)
        form = shape(service, call.resource) if call.resource is not None else None
        if call.is_action and isinstance(call.body, dict):
            request[ACTION_NAME] = next(iter(call.body), "")
        where = await self.locator.whereabouts(call, form, identity)
        away = self.fanout.asker.breakers.sites_without(call.service.type)
        chosen = plan(call, where, self.sites, self.default_site, away)
        question = Question(call, form, identity, where, request_id, self._strict(call, identity))
        if streams:
            return await stream.pass_through(self.fanout.asker, question, chosen.sites[0], request)
        await self._prepare(question, chosen)
        response = await self._asked(question, chosen)
        if response.status >= 400 and (own_id := chosen_id(call)):
            await self.fanout.asker.ids.store.put_pins([], replace_origin=CHOSEN + own_id)
        return response

    def _strict(self, call: Call, identity: Identity) -> bool:
        """Whether only a whole answer will do."""
        wanted = call.headers.get("X-Federation-Strict", "").lower() in ("true", "1", "yes")
        return wanted or identity.project_id in self.strict_projects

    async def _asked(self, question: Question, chosen: Plan) -> web.Response:
        call, request_id = question.call, question.request_id
        if chosen.reach is Reach.ONE:
            return answer.one(await self._first_that_has_it(question, chosen), request_id)
        if chosen.reach is Reach.EVERY_REPLICA:
            replies = await self.fanout.ask_all(question, chosen.sites)
            if call.is_create and all(reply.ok for reply in replies):
                await self._made_one(call, replies)
            elif call.is_create:
                await self._take_back(question, replies)
            return answer.replicas(replies, request_id)
        page = None
        if call.resource is not None and call.is_list:
            page = page_of(call.service, call.resource, call.query)
            if page.paged:
                return await self._page(question, chosen.sites, page)
        replies = await self.fanout.ask_all(question, chosen.sites, page)
        if question.strict:
            answer.all_there(replies)
        return answer.merged(call, page, replies, self.fanout.asker.public_base, request_id)

    async def _page(self, question: Question, sites: Sequence[str], page: Page) -> web.Response:
        call, base = question.call, self.fanout.asker.public_base
        began = monotonic()
        leaf = await self.lists.leaf(question, sites, page)
        if call.resource is not None and unnoticed(call.resource, list(leaf.read.values())):
            # New at the sites (the default groups of a new project): known at once, not in a minute.
            await self.rebuild.look_for_namesakes(since=began)
            leaf = await self.lists.leaf(question, sites, page)
        replies = [leaf.replies[site] for site in sites if site in leaf.replies]
        if question.strict:
            answer.all_there(replies)
        part = Part(leaf.items, leaf.more, leaf.token)
        return answer.merged(call, page, replies, base, question.request_id, part)

    async def _first_that_has_it(self, question: Question, chosen: Plan) -> SiteReply:
        """The reply of the owner. Of an object that is at several sites, the first site that has it."""
        read = question.call.method in ("GET", "HEAD")
        reply, missing = SiteReply("", missing="no site was asked"), None
        for site in chosen.sites:
            reply = await self.fanout.ask(question, site)
            if read and (reply.last_known or (reply.missing and not reply.nothing_there)):
                # Another site that has it too can say how it is now.
                missing = missing if missing and missing.last_known else reply
                continue
            if not (read and (reply.missing or reply.status in answer.ABSENT)):
                return reply
        if missing is not None:
            # The others do not have it; whether this one has, nobody can say.
            return missing
        if reply.status == 404 and question.call.object_id:
            # It may have moved: look again where it lives next time.
            self.fanout.asker.ids.forget(question.call.object_id)
        return reply

    async def _made_one(self, call: Call, replies: Sequence[SiteReply]) -> None:
        """What was made at several sites at once is one from the start, not from the next look on."""
        resource = call.resource
        assert resource is not None
        ids = self.fanout.asker.ids
        made = [
            [str(identity(resource, each)) for each in made_of(resource, r.body)] for r in replies
        ]
        found = (await ids.locate({each for ids_of_site in made for each in ids_of_site})).found
        pins = [
            Pin(
                same[0], resource.kind, MADE_ALIKE, {found[i].site: found[i].local_id for i in same}
            )
            for same in zip(*made, strict=False)
            if all(each in found for each in same)
        ]
        await ids.store.put_pins(pins)
        await ids.refresh()

    async def _take_back(self, question: Question, replies: Sequence[SiteReply]) -> None:
        """What was made at some sites only is unmade, so that the caller can try again."""
        call = question.call
        assert call.resource is not None
        for reply in replies:
            for item in made_of(call.resource, reply.body) if reply.ok else []:
                made = str(identity(call.resource, item))
                found = (await self.fanout.asker.ids.locate([made])).found
                where = Whereabouts({made: {reply.site: found[made].local_id}})
                undo = replace(
                    call,
                    method="DELETE",
                    path=f"{call.path}/{made}",
                    path_ids=((call.resource.kind, made),),
                    object_id=made,
                    body=None,
                    raw=b"",
                )
                await self.fanout.ask(replace(question, call=undo, where=where), reply.site)

    async def _prepare(self, question: Question, chosen: Plan) -> None:
        """What a site needs before it can do what it is asked."""
        name = key_name(question.call)
        if name:
            await self.keypairs.bring(name, question, chosen.sites[0])
        own_id = chosen_id(question.call)
        if own_id:
            await self._keep_chosen(question.call, own_id, chosen.sites[0])

    async def _keep_chosen(self, call: Call, own_id: str, site: str) -> None:
        """An ID that the client chose is the global one. Raises Conflict if it is somebody's already."""
        ids = self.fanout.asker.ids
        lookup = await ids.locate([own_id])
        assert call.resource is not None
        if own_id in lookup.found or own_id in lookup.pinned:
            raise Conflict(f"{call.resource.key.capitalize()} ID {own_id} already exists!")
        pin = Pin(own_id, call.resource.kind, CHOSEN + own_id, {site: own_id})
        await ids.store.put_pins([pin])
        await ids.refresh()

    def _routed(
        self, request: web.Request, service: Service, rest: str, identity: Identity
    ) -> Call:
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

    async def _with_body(self, call: Call, request: web.Request) -> Call:
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


def chosen_id(call: Call) -> str:
    """The ID that a client chose for what it makes, empty if it leaves that to the site."""
    if call.resource is None or not (call.is_create and call.resource.id_from_client):
        return ""
    own_id = call.body.get(call.resource.id_field) if isinstance(call.body, dict) else None
    return own_id if isinstance(own_id, str) and is_uuid(own_id) else ""
