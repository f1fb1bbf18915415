"""Where a walk stands at a marker of which nothing is kept: any ID, or the map was emptied.

The lists are passed from their beginning, in large pages, until the marker comes: so every site stands where
it would stand if the client had come that way. A marker that is not in the list, for it does not match the
filters, has its place by what it is sorted by.
"""

from dataclasses import replace
from urllib.parse import quote

from federator.call import SiteReply
from federator.faults import BadRequest, NotFound, Unavailable
from federator.lists.cursor import Cursor, Stop
from federator.lists.interleave import Interleaving
from federator.lists.walk import Walk
from federator.order import Key, key_of, values_of
from federator.paging import LONGEST_LIST


async def derived(walk: Walk, replies: dict[str, SiteReply]) -> Cursor | None:
    """The place at the page's marker. None if a site refuses the question: see `replies`. Raises Fault.

    Sites that give no answer are among the replies, and have no place in the cursor.
    """
    marker, kind = walk.page.marker, walk.resource.id_kind
    known = await walk.locator.places(kind, [marker], walk.question.identity)
    places = known.get(marker, {})
    owner = next((site for site in walk.sites if site in places), None)
    # What nobody knows, some site has to say in its service's words.
    for asked in [owner] if owner else walk.sites:
        reply = await walk.ask(asked, 1, marker, reverse=walk.page.reverse)
        if reply.missing and not reply.nothing_there:
            raise Unavailable(f"The marker may be at {asked}, not there just now.")
        if reply.status == 403 and (await walk.ask(asked, 1, reverse=walk.page.reverse)).ok:
            # Glance tells whoever asks that somebody else has an image of this ID.
            raise _unknown(walk)
        if reply.status >= 400:
            replies[asked] = reply
            return None
    if owner is None:
        raise _unknown(walk)
    weave = await _passed(walk, replies, marker)
    if weave is None:
        return None
    if weave.reached:
        if not walk.page.reverse:
            weave.pass_one()
        return _without(weave.turned() if walk.page.reverse else weave.onward(), replies)
    weave = await _passed(walk, replies, marker, (await _key(walk, owner), owner))
    if weave is None:
        return None
    cursor = weave.turned() if walk.page.reverse else weave.onward()
    own = Stop((marker,), whole=False)
    return _without(replace(cursor, stops={**cursor.stops, owner: own}), replies)


async def _passed(
    walk: Walk,
    replies: dict[str, SiteReply],
    marker: str,
    barrier: tuple[Key, str] | None = None,
) -> Interleaving | None:
    """The lists, passed up to the marker; None if a site refuses the question."""
    weave = walk.weave(LONGEST_LIST * len(walk.sites), backwards=False)
    while asks := weave.asks_to(marker, barrier):
        if not await walk.read(weave, asks, replies):
            return None
    for site in [site for site, reply in replies.items() if reply.ok]:
        # It will be asked again, for the page itself.
        del replies[site]
    return weave


async def _key(walk: Walk, owner: str) -> Key:
    """What the marker is sorted by, as its site shows it."""
    question, resource, marker = walk.question, walk.resource, walk.page.marker
    call = question.call
    path = call.path.removesuffix(f"/{call.tail}") if call.tail else call.path
    show = replace(
        call,
        path=f"{path}/{quote(marker, safe='')}",
        path_ids=((resource.id_kind, marker),),
        object_id=marker,
        tail="",
        is_list=False,
        query="",
    )
    places = await walk.locator.places(resource.id_kind, [marker], question.identity)
    where = replace(question.where, path=places)
    reply = await walk.fanout.ask(replace(question, call=show, where=where), owner)
    body = reply.body if reply.ok and isinstance(reply.body, dict) else {}
    item = body if resource.bare else body.get(resource.key)
    if not isinstance(item, dict) or not item:
        raise _unknown(walk)
    return key_of(values_of(item, walk.page.order), walk.page.order)


def _without(cursor: Cursor, replies: dict[str, SiteReply]) -> Cursor:
    """The cursor without a place at the sites that gave no answer."""
    away = {
        site
        for site, reply in replies.items()
        if reply.status >= 429 or (reply.missing and not reply.nothing_there)
    }
    stops = {s: Stop((), whole=False) if s in away else stop for s, stop in cursor.stops.items()}
    return replace(cursor, stops=stops)


def _unknown(walk: Walk) -> BadRequest | NotFound:
    """Each service has its own mind about a marker that is not there."""
    marker = walk.page.marker
    if walk.call.service.type in ("block-storage", "network"):
        noun = walk.resource.key.replace("_", " ").capitalize()
        return NotFound(f"{noun} {marker} could not be found.")
    return BadRequest(f"marker [{marker}] not found")
