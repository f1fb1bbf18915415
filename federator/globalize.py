"""A site's reply in the words of tenants: their IDs, our links. Pure, but for what it collects.

Only here is it known whose IDs a reply holds, so this comes before the merge. IDs seen for the first time are
collected in `Globalizer.seen`; they have to be registered before the client can use them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from multidict import CIMultiDict, CIMultiDictProxy

from adapters.identity import Identity, SiteToken
from adapters.links import rewrite_guess
from adapters.names import Outward, Pins
from adapters.names import Site as SiteNames
from adapters.spec import Ids, Service
from adapters.translate import Shape, rewrite_action_reply, rewrite_body
from federator.call import Call, SiteReply
from federator.site_links import SiteLinks, site_links
from idmap.ids import is_uuid

_UUID_IN_TEXT = re.compile(
    rb"(?<![0-9a-fA-F-])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![0-9a-fA-F-])"
    rb"|(?<![0-9a-fA-F])[0-9a-fA-F]{32}(?![0-9a-fA-F])"
)


@dataclass(slots=True)
class Globalizer:
    """Translates the replies of one site to one caller."""

    names: SiteNames
    token: SiteToken
    identity: Identity
    services: tuple[Service, ...]
    public_base: str
    pins: Pins
    rules: Mapping[str, Ids]
    endpoints: Mapping[str, str]
    _out: Outward = field(init=False)
    _links: SiteLinks = field(init=False)

    def __post_init__(self) -> None:
        own = {self.token.user_id: self.identity.user_id}
        if self.identity.project_id is not None:
            own[self.token.project_id] = self.identity.project_id
        endpoints = tuple(self.endpoints.items())
        self._links = site_links(self.services, endpoints, self.public_base)
        self._out = Outward(self.names, self.pins, ids=self.rules, own=own, link=self.link)

    @property
    def seen(self) -> set[str]:
        """Local UUIDs that came by and whose way back has to be in the map."""
        return self._out.seen

    def reply(
        self,
        call: Call,
        form: Shape | None,
        reply: SiteReply,
        sent: Mapping[str, str] = MappingProxyType({}),
    ) -> SiteReply:
        """The reply with global IDs. Errors keep their text; see `put_back`.

        `sent` is local ID -> the ID the client sent: what a create echoes may be an ID where later there is
        a name (the groups of a server).
        """
        body = reply.body
        if body is not None and reply.status < 400:
            if form is None:
                body = rewrite_guess(body, self._out.change)
            elif call.is_action:
                name = next(iter(call.body), "") if isinstance(call.body, dict) else ""
                body = rewrite_action_reply(form, name, body, self._out.change)
            else:
                body = rewrite_body(form, body, self._out.change)
                if call.is_create:
                    body = rewrite_body(
                        form, body, lambda _, value: sent.get(str(value), value), request=True
                    )
        raw = reply.raw if body is reply.body else b""
        return replace(reply, body=body, raw=raw, headers=self._headers(reply.headers))

    def link(self, url: str) -> str:
        """A site's URL as ours. One that is not of a service we serve (a console) stays as it is."""
        return self._links.ours(url, self.token.project_id, self._out.change)

    def _headers(self, headers: CIMultiDictProxy[str]) -> CIMultiDictProxy[str]:
        changed = CIMultiDict(headers)
        for name in ("Location", "Content-Location"):
            if name in changed:
                changed[name] = self.link(changed[name])
        return CIMultiDictProxy(changed)

    def suspects(self, raw: bytes) -> dict[str, str]:
        """Every ID-shaped word in a text -> the global ID it would have if it were one of this site's."""
        words = {found.decode() for found in _UUID_IN_TEXT.findall(raw)}
        return {word: str(self._out.change("object", word)) for word in words}


def put_back(raw: bytes, table: Mapping[str, str]) -> bytes:
    """An error text in which each local ID reads as the ID the client knows. Longer IDs go first."""
    for local in sorted(table, key=len, reverse=True):
        if is_uuid(local):
            raw = raw.replace(local.encode(), table[local].encode())
    return raw
