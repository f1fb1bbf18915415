"""What is to be at several sites from the start. Pure.

``availability_zone_hints: ["paris", "tokyo"]`` of a network or a router names the sites it is for. One site
keeps it there until something elsewhere needs it; of several, one becomes its anchor, and the others have it
from the start.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from federator.call import Call
from federator.merge import made_of
from federator.plan import Whereabouts

HINTS = "availability_zone_hints"


def begins_shared(call: Call) -> bool:
    """Whether a request makes something that can be at several sites, and is no part of what is already."""
    resource = call.resource
    return call.is_create and resource is not None and resource.shared and not resource.part_of


def is_for_everybody(call: Call) -> bool:
    """Whether a request makes something that all projects may use, wherever they are."""
    resource = call.resource
    if resource is None or not resource.everywhere_if or not begins_shared(call):
        return False
    new = made_of(resource, call.body)
    wanted = resource.everywhere_if.items()
    return bool(new) and all(each.get(name) == value for each in new for name, value in wanted)


def stated_span(call: Call, where: Whereabouts, sites: Sequence[str]) -> tuple[str, ...]:
    """The sites that a request for something new names, in configured order; none if it names but one."""
    if not begins_shared(call) or where.zone_sites is None:
        return ()
    named = tuple(site for site in sites if site in where.zone_sites)
    return named if len(named) > 1 else ()


def only_hints_of(call: Call, site: str, span: Sequence[str]) -> Call:
    """The call for the anchor, which knows none of the other sites' zones."""
    if not span or not isinstance(call.body, dict):
        return call
    body = {name: _only(value, site) for name, value in call.body.items()}
    return replace(call, body=body, raw=orjson.dumps(body))


def _only(value: Any, site: str) -> Any:
    if isinstance(value, list):
        return [_only(each, site) for each in value]
    if not isinstance(value, dict) or not isinstance(value.get(HINTS), list):
        return value
    own = [zone for zone in value[HINTS] if zone == site or str(zone).startswith(f"{site}.")]
    return {**value, HINTS: own}
