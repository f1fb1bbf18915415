"""IDs that clients choose for what they make (``image create --id``): such an ID is the global one."""

from adapters.spec import Resource
from federator.call import Call
from federator.faults import Conflict
from idmap.front import IdMap
from idmap.ids import is_uuid
from idmap.store import Pin

_CHOSEN = "chosen by the client: "
"""The origin, with the ID behind it, of the pin of an object whose ID the client chose."""


def chosen_id(call: Call) -> str:
    """The ID that a client chose for what it makes, empty if it leaves that to the site."""
    if call.resource is None or not (call.is_create and call.resource.id_from_client):
        return ""
    own_id = call.body.get(call.resource.id_field) if isinstance(call.body, dict) else None
    return own_id if isinstance(own_id, str) and is_uuid(own_id) else ""


async def keep(ids: IdMap, resource: Resource, own_id: str, site: str) -> None:
    """The ID is that of what is about to be made at `site`. Raises Conflict if it is somebody's already."""
    lookup = await ids.locate([own_id])
    if own_id in lookup.found or own_id in lookup.pinned:
        raise Conflict(f"{resource.key.capitalize()} ID {own_id} already exists!")
    await ids.store.put_pins([Pin(own_id, resource.kind, _CHOSEN + own_id, {site: own_id})])
    await ids.refresh()


async def give_up(ids: IdMap, own_id: str) -> None:
    """Nothing was made with this ID."""
    await ids.store.put_pins([], replace_origin=_CHOSEN + own_id)
