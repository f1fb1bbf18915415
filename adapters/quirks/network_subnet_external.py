"""Subnets say whether their network is an external one, and are found by it, since 2024.2.

An older Neutron takes the filter and pays no heed to it. External networks are few, and everybody sees them.
"""

from collections.abc import Sequence
from dataclasses import replace

from adapters.quirk import Asked, Found, Json, Quirk, Renewal, Said, Steps, look_up

_FIELD = "router:external"
_EXTERNAL = f"/networks?{_FIELD}=true&fields=id&limit=1000"
_YES = frozenset({"true", "1", "yes", "on", "t", "y"})


def _look(subnets: Sequence[Json]) -> Sequence[str]:
    return [_EXTERNAL] if subnets else []


def _told(subnet: Json, found: Found) -> Json:
    networks = found[_EXTERNAL].listed("networks")
    if networks is None or "network_id" not in subnet:
        return subnet
    return {**subnet, _FIELD: subnet["network_id"] in {each.get("id") for each in networks}}


_SUBNETS = Renewal(key="subnet", keys="subnets", look=_look, renew=_told)


def _lift(asked: Asked) -> Steps:
    fields = asked.words("fields")
    wanted = {word.casefold() in _YES for word in asked.words(_FIELD)}
    plain = asked.without(_FIELD)
    if fields:
        plain = plain.having("fields", "network_id")
    if wanted:
        # What is not known must not look like what is not there.
        (networks,) = yield (look_up(_EXTERNAL),)
        if networks.listed("networks") is None:
            return networks
    many = isinstance(asked.body, dict) and "subnets" in asked.body
    if many or (asked.method != "POST" and asked.path.rstrip("/") == "/subnets"):
        said = yield from _SUBNETS.list(plain, lambda one: not wanted or one.get(_FIELD) in wanted)
    else:
        said = yield from _SUBNETS.one(plain)
    return _cut(said, fields) if fields else said


def _cut(said: Said, fields: Sequence[str]) -> Said:
    """The answer with these fields alone."""

    def cut(item: Json) -> Json:
        return {name: item[name] for name in item if name in fields}

    one, many = said.wrapped("subnet"), said.listed("subnets")
    if one is not None:
        return replace(said, body={**said.body, "subnet": cut(one)})
    if many is not None:
        return replace(said, body={**said.body, "subnets": [cut(item) for item in many]})
    return said


QUIRK = Quirk(
    service="network",
    what="Subnets say whether they are of an external network; for an older site that is looked up.",
    extension={
        "name": "Subnet belongs to an external network",
        "alias": "subnet-external-network",
        "description": "Informs if the subnet belongs to an external network",
        "updated": "2024-02-05T18:00:00-00:00",
        "links": [],
    },
    calls=(
        "GET /subnets",
        "POST /subnets",
        "GET /subnets/{subnet}",
        "PUT /subnets/{subnet}",
    ),
    lift=_lift,
)
