"""What is made at every site at once: it is one for the tenant, or it is not there."""

from collections.abc import Sequence
from dataclasses import replace

from federator.asker import Question
from federator.call import Call, SiteReply
from federator.fanout import Fanout
from federator.merge import identity, made_of
from federator.plan import Whereabouts
from federator.upkeep.namesakes import MADE_ALIKE
from idmap.store import Pin


async def made_one(fanout: Fanout, call: Call, replies: Sequence[SiteReply]) -> None:
    """What was made at several sites at once is one from the start, not from the next look on."""
    resource = call.resource
    assert resource is not None
    ids = fanout.asker.ids
    made = [[str(identity(resource, each)) for each in made_of(resource, r.body)] for r in replies]
    found = (await ids.locate({each for ids_of_site in made for each in ids_of_site})).found
    pins = [
        Pin(same[0], resource.kind, MADE_ALIKE, {found[i].site: found[i].local_id for i in same})
        for same in zip(*made, strict=False)
        if all(each in found for each in same)
    ]
    await ids.store.put_pins(pins)
    await ids.refresh()


async def take_back(fanout: Fanout, question: Question, replies: Sequence[SiteReply]) -> None:
    """What was made at some sites only is unmade, so that the caller can try again."""
    call = question.call
    assert call.resource is not None
    for reply in replies:
        for item in made_of(call.resource, reply.body) if reply.ok else []:
            made = str(identity(call.resource, item))
            found = (await fanout.asker.ids.locate([made])).found
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
            await fanout.ask(replace(question, call=undo, where=where), reply.site)
