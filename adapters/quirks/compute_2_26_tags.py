"""Servers have tags since 2.26. At an older site none has any, which answers every question about them.

To set one is refused by the site itself, which has no such path.
"""

from dataclasses import replace

from adapters.quirk import Asked, Found, Json, Quirk, Renewal, Steps, refused

_ANY_OF = ("tags", "tags-any")
_NONE_OF = ("not-tags", "not-tags-any")


def _tagged(server: Json, found: Found) -> Json:
    # What an action answers is a server only after a rebuild.
    return {**server, "tags": []} if "status" in server else server


_SERVERS = Renewal(key="server", keys="servers", renew=_tagged)


def _lift(asked: Asked) -> Steps:
    parts = asked.path.strip("/").split("/")
    if parts[2:3] == ["tags"]:
        return (yield from _tags(parts[1], parts[3:]))
    if parts[1:] not in ([], ["detail"]):
        return (yield from _SERVERS.one(asked))
    plain = asked.without(*_ANY_OF, *_NONE_OF)
    if not any(asked.words(name) for name in _ANY_OF):
        return (yield from _SERVERS.list(plain))
    # None has one; but the site has to say whether the rest of the question makes sense.
    (said,) = yield (plain.without("limit").having("limit", "1"),)
    return said if said.listed("servers") is None else replace(said, body={"servers": []})


def _tags(server: str, tag: list[str]) -> Steps:
    (said,) = yield (Asked("GET", f"/servers/{server}"),)
    if said.wrapped("server") is None:
        return said
    if tag:
        return refused(404, f"Server {server} has no tag '{tag[0]}'")
    return replace(said, body={"tags": []})


QUIRK = Quirk(
    service="compute",
    since=(2, 26),
    what="Servers have tags; at an older site they have none, and it refuses to set one.",
    calls=(
        "GET /servers",
        "GET /servers/detail",
        "GET /servers/{server}",
        "PUT /servers/{server}",
        "POST /servers/{server}/action",
        "GET /servers/{server}/tags",
        "GET /servers/{server}/tags/{tag}",
    ),
    lift=_lift,
)
