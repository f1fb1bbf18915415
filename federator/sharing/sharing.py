"""What the story of a request asks of all this: bring what is needed, see to what has been made."""

import asyncio
from collections.abc import Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from time import monotonic

import structlog
from aiohttp import web

from adapters.errors import FederationError
from adapters.registry import all_services
from federator import answer
from federator.asker import Question
from federator.call import Call, SiteReply
from federator.faults import Conflict, Fault, Unavailable
from federator.merge import made_of
from federator.plan import Whereabouts
from federator.sharing.anchor import Anchor
from federator.sharing.apart import at_its_site, networks_of, site_elsewhere
from federator.sharing.claims import Claims
from federator.sharing.closure import Closure
from federator.sharing.defaults import Defaults
from federator.sharing.fitness import Fit
from federator.sharing.moving import Moving
from federator.sharing.need import CHANGES, Need, need
from federator.sharing.outcome import made
from federator.sharing.ports import changes_ports, wishes
from federator.sharing.span import begins_shared, is_for_everybody, stated_span
from federator.waysout import WaysOut
from idmap.store import StoreUnavailable
from sync.kinds.policy import RULE_KINDS, RULES

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.1
_NO_ADDRESSES = b"IpAddressGenerationFailure"
"""What Neutron calls it when none is left."""

_KINDS = frozenset(
    resource.kind
    for service in all_services().values()
    for resource in service.resources
    if resource.shared
)
"""What may come to the site of a request: the kinds that can be at several."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """The gateway's part in what spans sites."""

    anchor: Anchor
    claims: Claims
    moving: Moving
    ways_out: WaysOut
    sites: Sequence[str]
    default_site: str
    seconds: float
    """How long a request waits for what it needs to come to its site."""
    defaults: Defaults
    eager: bool = False
    """Whether what can be at several sites is made at all of them."""

    async def bring(self, question: Question, away: Set[str]) -> Question:
        """The question with where all is, once what it refers to is where it has to be served.

        Raises BadRequest, Conflict, Unavailable.
        """
        question = await self._only_whole(question)
        call, where, reader = question.call, question.where, self.anchor.reader
        if call.unplugs:
            return replace(question, where=at_its_site(where))
        wish = need(call, where, _KINDS, self.sites, self.default_site, away)
        if call.plugs_in and (elsewhere := site_elsewhere(where)):
            fit = await self._router_fit(question, elsewhere)
            if fit.at:
                question = await reader.located(question)
                return replace(question, where=at_its_site(question.where))
        if wish is None or not await self._kept_alike(wish, where):
            return question
        identity, request_id = question.identity, question.request_id
        # The login brings the project to the site, and nothing can be there without it. It may take long, and
        # what is read before it may be gone after it, and would be made anew.
        await reader.fanout.asker.site_token(identity, wish.site)
        closure = Closure(reader, identity, request_id, frozenset({wish.site}))
        for kind, global_id in wish.missing:
            await closure.add(kind, global_id)
        needed = [networks_of(closure.members[gid]) for _, gid in wish.missing]
        members = await self.anchor.fitness.first(
            closure.members.values(), [wish.site], set[str]().union(*needed)
        )
        await self.defaults.seen_to(members, wish.site, question)
        ids = await self.anchor.care.bring(question, closure, members, [wish.site])
        sites = {wish.site, *(member.anchor for member in members)}
        await self.anchor.wanted.wait(ids, sorted(sites), self.seconds)
        question = await self._only_whole(await reader.located(question))
        for _, global_id in wish.missing:
            if wish.site not in question.where.body.get(global_id, ()):
                # Something was made a part of it meanwhile.
                raise Unavailable(
                    f"{global_id} is not all at {wish.site} yet; it goes on, try again."
                )
        return question

    async def _router_fit(self, question: Question, site: str) -> Fit:
        """What comes of plugging a router into something of another site; if that stays there, the router has
        come there. Raises Conflict, BadRequest, Unavailable."""
        wanted = self.anchor.wanted
        sites = {site, *(each for places in question.where.path.values() for each in places)}
        if await wanted.store.ever_led(sites) != sites:
            return Fit()
        fit = await self.anchor.fitness.for_router(question)
        if fit.at:
            if not await wanted.store.led(fit.at):
                # Nobody would tell the other sites of it.
                raise Unavailable(f"No daemon of {fit.at} is running (federator sync).")
            await self.anchor.reader.fanout.asker.site_token(question.identity, fit.at)
            ids = await wanted.at(fit.going, [fit.at])
            anchors = {member.anchor for member in fit.going}
            await wanted.wait(ids, sorted({fit.at, *anchors}), self.seconds)
        return fit

    async def _only_whole(self, question: Question) -> Question:
        """Without the places of what has come to a site in part: a network whose subnet is on its way."""
        where = question.where
        shared = where.body.keys() & where.anchors.keys()
        if question.call.method not in CHANGES or not any(len(where.body[e]) > 1 for e in shared):
            return question
        lacking = await self.anchor.wanted.unfinished(shared)
        body = {
            ref: {site: place for site, place in places.items() if (ref, site) not in lacking}
            for ref, places in where.body.items()
        }
        return replace(question, where=replace(where, body=body))

    async def answered(self, question: Question, reply: SiteReply) -> None:
        """A site has answered what was its own affair.

        If it refused something new for want of addresses, it gets some for the next try. If its ports have
        changed, its daemon is to tell the others of them; without a word it does so with its next round.
        """
        try:
            await self._answered(question, reply)
        except StoreUnavailable as error:
            # What is done is done: who is told to try again would do it twice.
            log.warning("daemons not woken", site=reply.site, why=str(error))

    async def _answered(self, question: Question, reply: SiteReply) -> None:
        call = question.call
        if reply.ok and _may_come_into_care(call):
            with made(question, reply.site):
                await self.anchor.care.caught_up(question, reply)
        if reply.ok and changes_ports(call) and self._spans(question, reply.site):
            await self.anchor.wanted.store.wake([reply.site])
        if reply.ok and (call.plugs_in or call.unplugs):
            # Routers of other sites may lead there from now on, or no more.
            await self.anchor.wanted.store.wake([reply.site])
        if reply.ok and call.plugs_in:
            await self._told_of(question, reply)
        if call.is_create and reply.status == 409 and _NO_ADDRESSES in reply.raw:
            sites = await self.claims.hungry(call, question.where, reply.site)
            await self.anchor.wanted.store.wake(sites)

    async def _told_of(self, question: Question, reply: SiteReply) -> None:
        """Wait until the others know what a router that spans sites is plugged into at this one: who deletes it
        asks only the sites that have told of something."""
        (router,) = question.where.path
        pin = self.anchor.wanted.ids.pins.pin("router", router)
        if pin is None or not pin.anchor or len(pin.places) < 2:
            return
        cidrs = []
        for subnet in reply.body.get("subnet_ids") or ():
            path, who = f"/subnets/{subnet}", question.identity
            with suppress(Fault):
                body = await self.anchor.reader.body(path, reply.site, who, question.request_id)
                cidrs.append(str(body["subnet"]["cidr"]))
        end = monotonic() + self.seconds
        while not await self.anchor.fitness.apart.is_led_to(router, reply.site, cidrs):
            if monotonic() > end:
                return
            await asyncio.sleep(_LOOK_SECONDS)

    def _spans(self, question: Question, site: str) -> bool:
        """Whether the ports of a request may be on a network that spans sites."""
        where = question.where
        named = [ref for ref in where.body if where.kinds.get(ref) == "network"]
        if named:
            return any(ref in where.anchors for ref in named)
        pins = self.anchor.wanted.ids.pins
        return any(
            pin.kind == "network" and pin.anchor and site in pin.places and len(pin.places) > 1
            for pin in pins
        )

    async def span(self, question: Question) -> tuple[str, ...]:
        """The sites that something new is to be at from the start; none if it is for one. Raises Conflict."""
        call, where = question.call, question.where
        stated = stated_span(call, where, self.sites)
        everywhere = (self.eager and begins_shared(call)) or is_for_everybody(call)
        wanted = stated or (tuple(self.sites) if everywhere else ())
        if len(wanted) < 2 or await self.anchor.wanted.unread():
            return ()
        daemons = await self.anchor.wanted.store.ever_led(wanted)
        without = [site for site in wanted if site not in daemons]
        if stated and without:
            raise Conflict(f"Nothing can span {' and '.join(wanted)}: {without[0]} has no daemon.")
        if self.eager and not stated:
            # Who gets a daemon later gets it then (`sync.joining`).
            there = tuple(site for site in wanted if site in daemons)
            return there if len(there) > 1 else ()
        return () if without else wanted

    async def made_at(self, sites: Sequence[str], question: Question, anchor: str) -> web.Response:
        """Make something new that is to be at several sites, at its anchor first. The anchor's answer."""
        reply = await self.anchor.reader.fanout.ask(question, anchor)
        if reply.ok:
            with made(question, anchor):
                await self._is_at(sites, question, anchor, reply)
        return answer.one(reply, question.request_id)

    async def _is_at(
        self, sites: Sequence[str], question: Question, anchor: str, reply: SiteReply
    ) -> None:
        """What its anchor has just made is to be at these sites, too."""
        reader, call = self.anchor.reader, question.call
        assert call.resource is not None
        closure = Closure(reader, question.identity, question.request_id, frozenset(sites))
        try:
            for item in made_of(call.resource, reply.body):
                await closure.add(call.resource.kind, str(item["id"]))
        except Conflict:
            # An admin made it for another project: it is there, and stays at its site.
            return
        for site in sites:
            with suppress(FederationError):
                # Where it cannot be had now, the daemon says so, and what is made waits.
                await reader.fanout.asker.site_token(question.identity, site)
        ids = await self.anchor.wanted.at(closure.members.values(), sites)
        with suppress(Fault):
            # Until it is fit for other sites: what is made next may be a part of it.
            await self.anchor.wanted.wait(ids, [anchor], self.seconds)

    async def in_wholes(self, question: Question) -> Question:
        """The question with the policy of a rule that is named without: it is what is changed."""
        call, where = question.call, question.where
        kind = call.resource.id_kind if call.resource is not None else ""
        whole = where.path.keys() & where.anchors.keys()
        if call.method not in ("PUT", "DELETE") or kind not in RULE_KINDS or whole:
            return question
        for entry in await self.anchor.wanted.store.naming(where.path):
            if entry.kind == "policy" and where.path.keys() & set(entry.spec.get(RULES) or ()):
                policy = self.anchor.reader.locator.shared("policy", entry.global_id)
                if policy is not None:
                    path = {**where.path, entry.global_id: policy.places}
                    anchors = {**where.anchors, entry.global_id: policy.anchor}
                    return replace(question, where=replace(where, path=path, anchors=anchors))
        return question

    async def check(self, question: Question) -> None:
        """Raises Unavailable while nobody knows yet what spans sites, for what should better know."""
        call, where = question.call, question.where
        kinds = {kind for kind, _ in call.path_ids}
        changes = call.method in ("POST", "PUT", "DELETE") and bool(kinds & _KINDS)
        if not (changes or begins_shared(call) or wishes(call.body)):
            return
        unread = await self.anchor.wanted.unread()
        for ref, places in [*where.path.items(), *where.body.items()]:
            if unread & places.keys() and (not changes or ref not in where.anchors):
                raise Unavailable("What spans sites is being restored; try again.")
        if unread and stated_span(call, where, self.sites):
            raise Unavailable("What spans sites is being restored; try again.")

    async def _kept_alike(self, wish: Need, where: Whereabouts) -> bool:
        """Whether there are, or were, daemons of the site and of those of what has to come: else none spans."""
        sites = {wish.site, *(site for _, ref in wish.missing for site in where.body[ref])}
        return sites == await self.anchor.wanted.store.ever_led(sites)


def _may_come_into_care(call: Call) -> bool:
    """Whether a request changes something that can be at several sites."""
    resource = call.resource
    return call.method in ("POST", "PUT", "DELETE") and resource is not None and resource.shared
