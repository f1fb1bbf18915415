"""The story of a request.

    route      (method, raw path)         -> Call
    settle     names that state a site    -> their IDs          only where there are any
    locate     IDs in path, query, body   -> Whereabouts        one round trip at most, none on a warm cache
    taken      a default group comes into care              only with its first change
    bring      what it needs comes to its site                  only if it is not there yet
    plan       Call + Whereabouts         -> Plan               pure
    ask        Question, sites            -> [SiteReply]        the I/O; in global IDs when they come back
    answer     [SiteReply]                -> one response       pure

What does not fit (a keypair belongs to a user, and a user is somebody else at every site; an image's data is
too large to be held) is told in a file of its own and called from here.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from time import monotonic

from aiohttp import web

from adapters.abilities import Abilities
from adapters.identity import Identity
from adapters.spec import Merge, Resource, Service
from adapters.translate import Shape, shape
from federator import answer, chosen_ids, stream
from federator.answer import Part
from federator.asker import Question
from federator.audit.noted import ACTION_NAME, CALL
from federator.call import Call, SiteReply
from federator.everywhere import made_one, take_back
from federator.fanout import Fanout
from federator.faults import Conflict
from federator.idempotency import HEADER, Idempotency
from federator.intake import Intake
from federator.keypairs import Keypairs, key_name
from federator.lists.leaf import Lists
from federator.locate import Locator
from federator.paging import Page, page_of
from federator.plan import NOWHERE, Plan, Reach, plan
from federator.quotas import Quotas
from federator.renamed import by_own_ids
from federator.sharing.ports import wishes
from federator.sharing.sharing import Sharing
from federator.sharing.span import only_hints_of
from federator.stated import StatedNames
from federator.upkeep.lookout import Lookout
from federator.upkeep.namesakes import Item, unnoticed


@dataclass(frozen=True, slots=True)
class Gateway:
    """Answers what is not the identity API and not a version document."""

    fanout: Fanout
    stated: StatedNames
    locator: Locator
    lists: Lists
    quotas: Quotas
    idempotency: Idempotency
    keypairs: Keypairs
    intake: Intake
    lookout: Lookout
    sharing: Sharing
    abilities: Abilities
    sites: tuple[str, ...]
    default_site: str
    strict_projects: frozenset[str] = frozenset()
    strict_credentials: frozenset[str] = frozenset()

    async def answer(
        self,
        request: web.Request,
        service: Service,
        rest: str,
        identity: Identity,
        request_id: str,
    ) -> web.StreamResponse:
        """The answer to one request of one caller. Raises Fault."""
        call = request[CALL] = self.intake.call(request, service, rest, identity)
        key = request.headers.get(HEADER)
        if key is None or call.method != "POST":
            return await self._answered(request, call, identity, request_id)
        call = await self.intake.with_body(call, request)
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
            call = await self.intake.with_body(call, request)
            return await self.keypairs.answer(call, identity, request_id)
        streams = stream.streams(call)
        if not streams:
            call = await self.intake.with_body(call, request)
        form = shape(service, call.resource) if call.resource is not None else None
        if call.is_action and isinstance(call.body, dict):
            request[ACTION_NAME] = next(iter(call.body), "")
        question = await self._understood(call, form, identity, request_id)
        away = self._away(call)
        question = await self.sharing.bring(question, away)
        chosen = plan(question.call, question.where, self.sites, self.default_site, away)
        span = await self.sharing.span(question)
        call = only_hints_of(question.call, chosen.sites[0], span)
        question = replace(question, call=call)
        if streams:
            return await stream.pass_through(self.fanout.asker, question, chosen.sites[0], request)
        await self._prepare(question, chosen)
        if span:
            return await self.sharing.made_at(span, question, chosen.sites[0])
        if call.method in ("POST", "PUT") and wishes(call.body):
            return await self._with_addresses(question, chosen)
        if not chosen_ids.chosen_id(call):
            return await self._asked(question, chosen)
        return await chosen_ids.made_with_it(
            self.fanout.asker.ids,
            call,
            chosen.sites[0],
            request_id,
            lambda: self._asked(question, chosen),
        )

    async def _understood(
        self, call: Call, form: Shape | None, identity: Identity, request_id: str
    ) -> Question:
        """What is asked, by the IDs that sites can be asked with, and where they live."""
        call = await self.stated.settled(call, identity, request_id)
        strict, sharing = self._strict(call, identity), self.sharing
        question = Question(call, form, identity, NOWHERE, request_id, strict)
        question = await self._located(question)
        call = await sharing.ways_out.left_out(call, question.where)
        question = await self._in_other_words(question, call)
        question = await sharing.in_wholes(question)
        await sharing.check(question)
        question = await sharing.defaults.taken(question)
        call = by_own_ids(question.call, question.where, self.locator.ids.pins)
        return await self._in_other_words(question, call)

    async def _in_other_words(self, question: Question, call: Call) -> Question:
        if call is question.call:
            return question
        return await self._located(replace(question, call=call))

    async def _located(self, question: Question) -> Question:
        return await self.sharing.anchor.reader.located(question)

    def _away(self, call: Call) -> Set[str]:
        return self.fanout.asker.breakers.sites_without(call.service.type)

    def _strict(self, call: Call, identity: Identity) -> bool:
        """Whether only a whole answer will do."""
        wanted = call.headers.get("X-Federation-Strict", "").lower() in ("true", "1", "yes")
        return (
            wanted
            or identity.project_id in self.strict_projects
            or identity.application_credential_id in self.strict_credentials
        )

    async def _with_addresses(self, question: Question, chosen: Plan) -> web.Response:
        """The answer to a request that asks for addresses, which are nobody else's anywhere."""
        claims = self.sharing.claims
        held = await self.sharing.moving.claimed(question, chosen.sites[0])
        try:
            response = await self._asked(question, chosen)
        except Conflict:
            await claims.give_back(held)
            raise
        if 400 <= response.status < 500:
            await claims.give_back(held)
        elif response.status < 300 and question.call.service.type == "network":
            # Nova makes its ports when it has answered; those the daemon sees.
            await claims.used(held)
        return response

    async def _asked(self, question: Question, chosen: Plan) -> web.Response:
        call, request_id = question.call, question.request_id
        if chosen.reach is Reach.ONE:
            if call.plugs_in:
                reply = await self.sharing.anchor.plugging.ask(question, chosen.sites[0])
            else:
                reply = await self._first_that_has_it(question, chosen)
                patience = self.sharing.moving.patience()
                while await self.sharing.moving.soon_free(question, reply, patience):
                    reply = await self._first_that_has_it(question, chosen)
            await self.sharing.answered(question, reply)
            return answer.one(reply, request_id)
        if chosen.reach is Reach.ANCHOR:
            return await self.sharing.anchor.change(question, chosen.sites[0])
        if chosen.reach is Reach.SHARES:
            return await self.quotas.changed(question, chosen.sites)
        if chosen.reach is Reach.EVERY_REPLICA:
            replies = await self.fanout.ask_all(question, chosen.sites)
            if call.is_create and all(reply.ok for reply in replies):
                await made_one(self.fanout, call, replies)
            elif call.is_create:
                await take_back(self.fanout, question, replies)
            return answer.replicas(replies, request_id)
        page = None
        if call.resource is not None and call.is_list:
            page = page_of(call.service, call.resource, call.query)
            if page.paged:
                return await self._page(question, chosen.sites, page)
        replies = await self.fanout.ask_all(question, chosen.sites, page)
        if question.strict:
            answer.all_there(replies)
        if call.resource is not None and call.resource.merge is Merge.INTERSECT:
            # Those of a site that is away count too, as they were when it was asked last.
            known = None
            if set(chosen.sites) == set(self.sites):
                known = self.abilities.common_extensions(call.service.type)
            if not call.is_list:
                return answer.in_common(call, replies, known, request_id)
            replies = [answer.with_items_of(call.resource, reply, known) for reply in replies]
        return answer.merged(call, page, replies, self.fanout.asker.public_base, request_id)

    async def _page(self, question: Question, sites: Sequence[str], page: Page) -> web.Response:
        call, base = question.call, self.fanout.asker.public_base
        leaf = await self.lists.leaf(question, sites, page)
        if call.resource is not None and self._unnoticed(call.resource, list(leaf.read.values())):
            # New at the sites (the default groups of a new project): known at once, not in a minute.
            await self.lookout.look_after(monotonic())
            leaf = await self.lists.leaf(question, sites, page)
        replies = [leaf.replies[site] for site in sites if site in leaf.replies]
        if question.strict:
            answer.all_there(replies)
        part = Part(leaf.items, leaf.more, leaf.token)
        return answer.merged(call, page, replies, base, question.request_id, part)

    def _unnoticed(self, resource: Resource, lists: Sequence[Sequence[Item]]) -> bool:
        def is_kept(global_id: str) -> bool:
            return self.locator.shared(resource.kind, global_id) is not None

        return unnoticed(resource, lists, is_kept)

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

    async def _prepare(self, question: Question, chosen: Plan) -> None:
        """What a site needs before it can do what it is asked."""
        call, site = question.call, chosen.sites[0] if chosen.sites else ""
        if name := key_name(call):
            await self.keypairs.bring(name, question, site)
