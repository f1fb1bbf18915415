"""What comes into the federation's care: an object of one site is to be at several from now on.

All that belongs together comes together. Others may do something to it meanwhile, who do not know of that yet:
what they did is so everywhere.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from federator.asker import Question
from federator.call import SiteReply
from federator.faults import Conflict, NotFound
from federator.merge import made_of
from federator.sharing.apart import along
from federator.sharing.closure import Closure, Member
from federator.sharing.fitness import Fitness
from federator.sharing.reader import Reader
from federator.sharing.wanted import Wanted
from idmap.desired import Desired
from sync.registry import kind_of
from sync.share import changed


@dataclass(frozen=True, slots=True)
class Care:
    """Takes into care. Every method may raise Fault or StoreUnavailable."""

    wanted: Wanted
    reader: Reader
    fitness: Fitness

    async def bring(
        self,
        question: Question,
        closure: Closure,
        members: Collection[Member],
        sites: Collection[str],
        known: Collection[str] = (),
    ) -> list[str]:
        """These of what belongs together are to be at these sites, too. The global IDs of what is.

        Until that was written down they were an affair of their site alone, and others may have changed, made
        and deleted some of it since it was read. So what was not `known` to be in care is read once more; who
        changes something later finds it in care (`Sharing.answered`).
        """
        stay = {m.global_id for m in closure.members.values() if m.kind.stretch}
        stay -= {member.global_id for member in members}
        ids = await self.wanted.at(members, sites)
        new = [each for each in members if each.global_id not in known]
        while new:
            again = Closure(self.reader, question.identity, question.request_id, closure.to)
            entries = await self.wanted.store.get([each.global_id for each in new])
            for kind, global_id in closure.roots:
                with suppress(Conflict, NotFound):
                    # It may be gone itself.
                    await again.add(kind, global_id)
            for member in new:
                now = again.members.get(member.global_id)
                entry = entries.get(member.global_id)
                if entry is not None and await self._is_gone(question, entry, member, now):
                    ids.remove(member.global_id)
            more = [each for gid, each in again.members.items() if gid not in closure.members]
            new = list(await self.fitness.checked(along(more, stay), sites))
            ids += await self.wanted.at(new, sites) if new else []
            closure = again
        return ids

    async def follow(
        self, question: Question, kind: str, global_id: str, stay: Collection[str] = ()
    ) -> None:
        """What belongs to an object now is to be wherever the object is, and it wherever its belongings are.

        But for networks that `stay` where they are, or are known to.
        """
        near = await self.wanted.store.get({*question.where.anchors, global_id})
        to = frozenset(site for entry in near.values() for site in entry.sites)
        closure = Closure(self.reader, question.identity, question.request_id, to)
        await closure.add(kind, global_id)
        all_ = closure.members.values()
        members = along(all_, {*stay, *await self.fitness.apart.known(all_)})
        entries = await self.wanted.store.get([member.global_id for member in members])
        sites = {site for entry in entries.values() if not entry.deleted for site in entry.sites}
        if len(sites) > 1:
            going = await self.fitness.checked(members, sites)
            await self.bring(question, closure, going, sites, known=entries)

    async def new_part(
        self, question: Question, site: str, reply: SiteReply, *, plain: bool = False
    ) -> None:
        """A part of a shared object is to be wherever the whole is. `plain`: the whole was none, as far as was
        known when it was asked for."""
        call = question.call
        assert call.resource is not None
        if not call.resource.part_of:
            return
        kind = kind_of(call.resource.kind)
        for item in made_of(call.resource, reply.body):
            whole = str(item[call.resource.part_of])
            entry = (await self.wanted.store.get([whole])).get(whole)
            if plain and entry is not None and (entry.deleted or entry.anchor != site):
                continue
            if entry is not None:
                belongs = {**item, "project_id": entry.project}
                await self.wanted.at([Member(kind, belongs, site)], entry.sites)
                await self.follow(question, entry.kind, whole)

    async def caught_up(self, question: Question, reply: SiteReply) -> None:
        """A site has done what was its own affair when it was asked. If the object has come into care since, it
        is to be so everywhere, or its daemon would undo it."""
        call, site, store = question.call, reply.site, self.wanted.store
        if call.is_create:
            await self.new_part(question, site, reply, plain=True)
            return
        for ref, places in question.where.path.items():
            global_id = self.reader.locator.shown(site, places[site])
            entry = (await store.get([global_id])).get(global_id)
            if entry is None or entry.deleted or entry.anchor != site:
                continue
            if call.method == "DELETE" and call.object_id == ref and not call.tail:
                await self.wanted.bury(entry)
            elif call.plugs_in:
                await self.follow(question, entry.kind, global_id)
            elif call.method == "PUT" and not call.tail:
                await self._is_as_its_anchor_shows(question, entry)

    async def as_it_is(self, question: Question, entry: Desired, site: str) -> Member:
        """A shared object, as its anchor shows it now."""
        kind = kind_of(entry.kind)
        path = f"{kind.resource.path}/{entry.global_id}"
        body = await self.reader.body(path, site, question.identity, question.request_id)
        return Member(kind, {**body[kind.resource.key], "project_id": entry.project}, site)

    async def _is_gone(
        self, question: Question, entry: Desired, before: Member, now: Member | None
    ) -> bool:
        """Whether it was deleted before it came into care. If it was changed it is wanted as it is now.

        The entry was read between the two looks: if it is not that any more, somebody has said so himself.
        """
        kind = before.kind
        if entry.deleted or entry.changing:
            return entry.deleted
        if now is None:
            path, identity = f"{kind.resource.path}/{entry.global_id}", question.identity
            reply = await self.reader.reply(path, entry.anchor, identity, question.request_id)
            if reply.status == 404 and not reply.missing:
                await self.wanted.bury(entry)
                return True
        elif kind.spec_of(now.item) != kind.spec_of(before.item):
            await self._is_as_its_anchor_shows(question, entry)
        return False

    async def _is_as_its_anchor_shows(self, question: Question, entry: Desired) -> None:
        """What is wanted is what the anchor shows now, unless somebody is at it who will say so himself."""
        store = self.wanted.store
        now: Desired | None = entry
        while now is not None and not now.deleted and not now.changing:
            member = await self.as_it_is(question, now, now.anchor)
            new = changed(now, member.kind, member.item)
            if new == now:
                return
            if await store.put(new) is not None:
                await store.wake(new.sites)
                return
            # Somebody wants it at a further site, say: then it is to be so there, too.
            now = (await store.get([entry.global_id])).get(entry.global_id)
