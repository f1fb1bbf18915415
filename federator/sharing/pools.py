"""A tenant changes the ``allocation_pools`` of a subnet that is at several sites. Pure.

No site is told: each has a part of them, which the daemons keep (`sync.ipam`). So what Neutron would say of
them is said here, in its own words; whether the caller may change the subnet at all the anchor says, which is
asked to change the rest, if that be nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from federator.asker import Question
from federator.call import SiteReply
from federator.faults import BadRequest, Conflict, Fault
from sync.ipam.life import checked_pools
from sync.ipam.ranges import number
from sync.ipam.refused import Refused
from sync.kinds.subnet import MOST_POOLS, POOLS

_FAULTS: Mapping[int, type[Fault]] = {400: BadRequest, 409: Conflict}
_FIELD = "allocation_pools"


def new_pools(body: Any, spec: Mapping[str, Any]) -> list[dict[str, str]] | None:
    """The pools that a body wants for a subnet of this spec; None if they are to stay.

    Raises Fault as Neutron would: for these pools, or for a new gateway in the old ones.
    """
    subnet = body.get("subnet") if isinstance(body, dict) else None
    if (
        not isinstance(subnet, dict)
        or POOLS not in spec
        or not subnet.keys() & {_FIELD, "gateway_ip"}
    ):
        return None
    pools = subnet.get(_FIELD, spec[POOLS])
    if not isinstance(pools, list) or not all(isinstance(each, dict) for each in pools):
        message = f"Invalid input for {_FIELD}. Reason: Invalid data format for IP pool: {pools!r}."
        raise BadRequest(message, title="HTTPBadRequest")
    if len(pools) > MOST_POOLS:
        raise Conflict(f"A subnet that is at several sites can have {MOST_POOLS} allocation pools.")
    try:
        gateway = subnet.get("gateway_ip", spec.get("gateway_ip"))
        known = number(str(gateway)) if gateway else None
    except ValueError:
        # The site complains of it.
        known = None
    try:
        checked_pools(str(spec["cidr"]), known, pools)
    except Refused as error:
        raise _FAULTS[error.status](str(error), title=error.type) from None
    plain = [{"start": str(each["start"]), "end": str(each["end"])} for each in pools]
    return plain if _FIELD in subnet else None


def without_pools(question: Question) -> Question:
    """The question for the anchor: the rest of the body."""
    subnet = {name: value for name, value in question.call.body["subnet"].items() if name != _FIELD}
    body = {**question.call.body, "subnet": subnet}
    return replace(question, call=replace(question.call, body=body, raw=orjson.dumps(body)))


def with_pools(reply: SiteReply, pools: list[dict[str, str]]) -> SiteReply:
    """The anchor's answer, with what is wanted from now on."""
    if not reply.ok or not isinstance(reply.body, dict) or "subnet" not in reply.body:
        return reply
    body = {**reply.body, "subnet": {**reply.body["subnet"], _FIELD: pools}}
    return replace(reply, body=body, raw=b"")
