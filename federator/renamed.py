"""A call with other IDs than it came with: those that names mean, or the own ones of shared objects. Pure.

A shared object has one ID, and others lead to it: those that its replicas had before they were known to be one.
Desired state knows it by its own alone, so whatever changes it has to name it by that.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from adapters.paths import rewrite_path
from adapters.spec import ANY
from adapters.translate import rewrite_action, rewrite_body, shape
from federator.call import Call
from federator.plan import Places, Whereabouts
from idmap.pins import PinTable

Mention = tuple[str, str]
"""(kind, ID or name) as it stands in a call."""


def by_own_ids(call: Call, where: Whereabouts, pins: PinTable) -> Call:
    """A call that changes something, with the own IDs of what is shared; the same if it has no others."""
    if call.method in ("GET", "HEAD"):
        return call
    in_path = {
        (kind, ref): own
        for kind, ref in call.path_ids
        if (own := _own(str(ref), where.path.get(str(ref), {}), pins))
    }
    in_body = {
        (where.kinds[ref], ref): own
        for ref, places in where.body.items()
        if (own := _own(ref, places, pins))
    }
    call = with_path(call, in_path) if in_path else call
    return with_body(call, in_body) if in_body else call


def _own(ref: str, places: Places, pins: PinTable) -> str:
    """The own ID of a shared object that is called otherwise; else empty."""
    for site, local_id in places.items():
        shown = pins.global_of(ANY, site, local_id)
        pin = pins.pin(None, shown) if shown is not None else None
        return pin.global_id if pin is not None and pin.anchor and pin.global_id != ref else ""
    return ""


def with_path(call: Call, found: Mapping[Mention, str]) -> Call:
    """The call with other IDs in its path."""

    def change(kind: str, value: str) -> str:
        return found.get((kind, value), value)

    own_kind = call.resource.id_kind if call.resource is not None else ""
    return replace(
        call,
        path=rewrite_path(call.service, call.path, change),
        path_ids=tuple((kind, change(kind, value)) for kind, value in call.path_ids),
        object_id=call.object_id and change(own_kind, call.object_id),
    )


def with_body(call: Call, found: Mapping[Mention, str]) -> Call:
    """The call with other IDs in its body."""
    assert call.resource is not None
    form = shape(call.service, call.resource)

    def change(kind: str, value: Any) -> Any:
        return found.get((kind, value), value)

    if call.is_action:
        body = rewrite_action(form, call.body, change)
    else:
        body = rewrite_body(form, call.body, change, request=True)
    return replace(call, body=body, raw=orjson.dumps(body))
