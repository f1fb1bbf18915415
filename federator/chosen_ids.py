"""IDs that clients choose for what they make (``image create --id``): such an ID is the global one.

It is a pin from before the site is asked, and no longer if the site has made nothing.
"""

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from federator.call import Call
from federator.faults import Conflict, Unavailable, nothing_was_done
from idmap.front import IdMap
from idmap.ids import is_uuid
from idmap.store import Pin, StoreUnavailable

log = structlog.get_logger(__name__)

_CHOSEN = "chosen by the client: "
"""The origin of a pin, with the ID and the request behind it: one origin, one pin, to be given up alone."""
_TRIES = 20
"""How often others may change pins in between. One of those who try at once gets through each time."""


def chosen_id(call: Call) -> str:
    """The ID that a client chose for what it makes, empty if it leaves that to the site."""
    if call.resource is None or not (call.is_create and call.resource.id_from_client):
        return ""
    own_id = call.body.get(call.resource.id_field) if isinstance(call.body, dict) else None
    return own_id if isinstance(own_id, str) and is_uuid(own_id) else ""


async def made_with_it(
    ids: IdMap, call: Call, site: str, request_id: str, make: Callable[[], Awaitable[web.Response]]
) -> web.Response:
    """What `make` answers, which makes at `site` what has the chosen ID.

    Raises Conflict if the ID is somebody's already, Unavailable, StoreUnavailable, and what `make` raises.
    """
    assert call.resource is not None
    own_id = chosen_id(call)
    pin = Pin(own_id, call.resource.kind, f"{_CHOSEN}{own_id} {request_id}", {site: own_id})
    await _claim(ids, pin)
    try:
        await ids.refresh()
        response = await make()
    except Exception as error:
        # `make` has no StoreUnavailable once the site was asked: that is a Timeout, as all that is not known.
        if nothing_was_done(error) or isinstance(error, StoreUnavailable):
            await _give_up(ids, pin)
        raise
    if response.status >= 400:
        await _give_up(ids, pin)
    return response


async def _claim(ids: IdMap, pin: Pin) -> None:
    """Write the pin, unless its ID is known. Of several who choose one ID at once one gets it."""
    for _ in range(_TRIES):
        lookup = await ids.locate([pin.global_id])
        if pin.global_id in lookup.found or pin.global_id in lookup.pinned:
            raise Conflict(f"{pin.kind.capitalize()} ID {pin.global_id} already exists!")
        if await ids.store.put_pins([pin], seen=lookup.state):
            return
        await ids.refresh()
    raise Unavailable("Too many IDs are being given just now; try again in a moment.")


async def _give_up(ids: IdMap, pin: Pin) -> None:
    try:
        await ids.store.put_pins([], replace_origin=pin.origin)
        await ids.refresh()
    except StoreUnavailable as error:
        log.warning("an ID is not free again", id=pin.global_id, reason=str(error))
