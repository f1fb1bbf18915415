"""Flavors since 2.102: found by name, without two fields that mean nothing; and no unknown word in a query.

What Nova 2026.2 refuses is refused here in its words: an older site would take it.
"""

from collections.abc import Sequence
from dataclasses import replace

from adapters.quirk import Asked, Found, Json, Quirk, Renewal, Steps, refused

_GONE = ("rxtx_factor", "OS-FLV-DISABLED:disabled")
_SORT_KEYS = (
    "created_at", "description", "disabled", "ephemeral_gb", "flavorid", "id", "is_public",
    "memory_mb", "name", "root_gb", "swap", "updated_at", "vcpu_weight", "vcpus",
)  # fmt: skip
_LISTS = ("GET /flavors", "GET /flavors/detail")
_FLAVORS = (*_LISTS, "GET /flavors/{flavor}", "POST /flavors", "PUT /flavors/{flavor}")
_NO_QUERY = (
    "GET /extensions",
    "GET /extensions/{extension}",
    "GET /flavors/{flavor}/os-extra_specs",
    "GET /flavors/{flavor}/os-extra_specs/{spec}",
    "GET /flavors/{flavor}/os-flavor-access",
    "GET /os-aggregates",
    "GET /os-aggregates/{aggregate}",
    "GET /os-availability-zone",
    "GET /os-availability-zone/detail",
    "GET /os-instance_usage_audit_log",
    "GET /os-instance_usage_audit_log/{before}",
    "GET /os-quota-class-sets/{class}",
    "GET /os-server-groups/{server_group}",
    "GET /servers/{server}",
    "GET /servers/{server}/diagnostics",
    "GET /servers/{server}/ips",
    "GET /servers/{server}/ips/{label}",
    "GET /servers/{server}/metadata",
    "GET /servers/{server}/metadata/{key}",
    "GET /servers/{server}/migrations",
    "GET /servers/{server}/migrations/{migration}",
    "GET /servers/{server}/os-instance-actions/{request}",
    "GET /servers/{server}/os-interface",
    "GET /servers/{server}/os-interface/{port}",
    "GET /servers/{server}/os-security-groups",
    "GET /servers/{server}/os-server-password",
    "GET /servers/{server}/topology",
)


def _without(flavor: Json, found: Found) -> Json:
    return {name: flavor[name] for name in flavor if name not in _GONE}


_RENEWAL = Renewal(key="flavor", keys="flavors", renew=_without)


def _lift(asked: Asked) -> Steps:
    parts = asked.path.strip("/").split("/")
    if parts[0] != "flavors" or len(parts) > 2:
        return (yield from _strict(asked))
    if asked.method in ("POST", "PUT"):
        given = asked.body.get("flavor") if isinstance(asked.body, dict) else None
        if isinstance(given, dict) and "rxtx_factor" in given:
            why = _unexpected(["rxtx_factor"])
            return refused(400, f"Invalid input for field/attribute flavor. Value: {given}. {why}")
        return (yield from _RENEWAL.one(asked))
    if parts[1:] not in ([], ["detail"]):
        return (yield from _show(asked))
    if "rxtx_factor" in asked.words("sort_key"):
        return refused(
            400,
            "Invalid input for query parameters sort_key. Value: rxtx_factor. 'rxtx_factor' is not "
            f"one of {list(_SORT_KEYS)}",
        )
    # An empty name filters nothing; and most databases that Nova has do not mind the case.
    name = (asked.words("name") or [""])[-1].casefold()

    def named(flavor: Json) -> bool:
        return not name or str(flavor.get("name")).casefold() == name

    return (yield from _RENEWAL.list(asked.without("name"), named))


def _show(asked: Asked) -> Steps:
    said = yield from _strict(asked)
    flavor = said.wrapped("flavor")
    return said if flavor is None else replace(said, body={"flavor": _without(flavor, {})})


def _strict(asked: Asked) -> Steps:
    words = [pair.partition("=")[0] for pair in asked.query.split("&") if pair]
    if words and asked.method == "GET":
        return refused(400, _unexpected(words))
    (said,) = yield (asked,)
    return said


def _unexpected(words: Sequence[str]) -> str:
    names = ", ".join(repr(word) for word in sorted(set(words)))
    verb = "was" if len(set(words)) == 1 else "were"
    return f"Additional properties are not allowed ({names} {verb} unexpected)"


QUIRK = Quirk(
    service="compute",
    since=(2, 102),
    what="Flavors are found by name and lack two fields, unknown words in a query are refused; done "
    "here for an older site.",
    calls=(*_FLAVORS, *_NO_QUERY),
    lift=_lift,
)
