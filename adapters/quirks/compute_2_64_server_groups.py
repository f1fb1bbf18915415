"""Server groups have one policy and rules since 2.64; before, a list of one policy, and no rules.

A group with rules cannot be made at an older site: then the question goes there as it is, and is refused.
"""

from dataclasses import replace

from adapters.quirk import Asked, Found, Json, Quirk, Renewal, Steps


def _with_policy(group: Json, found: Found) -> Json:
    policies = group.get("policies") or [None]
    kept = {name: group[name] for name in group if name not in ("policies", "metadata")}
    return {**kept, "policy": policies[0], "rules": {}}


_GROUPS = Renewal(key="server_group", keys="server_groups", renew=_with_policy)


def _lift(asked: Asked) -> Steps:
    if asked.method == "POST":
        return (yield from _GROUPS.one(replace(asked, body=_older(asked.body))))
    if asked.path.rstrip("/") == "/os-server-groups":
        return (yield from _GROUPS.list(asked))
    return (yield from _GROUPS.one(asked))


def _older(body: object) -> object:
    """What a newer site would take, in the older form; all else in a form that neither takes."""
    group = body.get("server_group") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(group, dict):
        return body
    if not isinstance(group.get("policy"), str) or group.get("rules") not in (None, {}):
        # An older site takes `policies`, and must not.
        return {**body, "server_group": {**group, "policy": group.get("policy")}}
    kept = {name: group[name] for name in group if name not in ("policy", "rules")}
    if "policies" in kept:
        return body
    return {**body, "server_group": {**kept, "policies": [group["policy"]]}}


QUIRK = Quirk(
    service="compute",
    since=(2, 64),
    what="Server groups have a policy and rules; those of an older site have no rules.",
    calls=(
        "GET /os-server-groups",
        "POST /os-server-groups",
        "GET /os-server-groups/{server_group}",
    ),
    lift=_lift,
)
