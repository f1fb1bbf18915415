"""Names that state their site: ``web@tokyo`` is what is called ``web`` at tokyo.

For who has several things of one name. Clients look a name up in three ways, and all three are served:

    as an ID in a path        GET /servers/web@tokyo      becomes the ID, so that `openstack server show` works
    as the filter of a list   ?name=web@tokyo             becomes ?name=web, asked of tokyo alone
    where an ID or a name     {"security_groups": [{"name": "web@tokyo"}]}          becomes the ID
    can stand in a body

What is really called ``web@tokyo`` keeps its name. Calls that state no site cost nothing; others ask the sites
once more, with the caller's own rights.
"""

import asyncio
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote_plus

from multidict import CIMultiDict, CIMultiDictProxy

from adapters.identity import Identity
from adapters.names import stated_name
from adapters.spec import Ids, Resource, Service
from adapters.translate import ids_in_action, ids_in_body, shape
from federator.asker import Question
from federator.call import Call
from federator.fanout import Fanout
from federator.faults import BadRequest, Conflict, Unavailable
from federator.merge import identity as id_of
from federator.merge import made_of
from federator.paging import LARGEST_PAGE
from federator.plan import Whereabouts
from federator.renamed import Mention, with_body, with_path

Kinds = Mapping[str, tuple[Service, Resource]]

MOST_NAMES = 20
"""In one call; each of them costs a question to every site."""

_SITE_HEADER = "X-Federation-Site"


def kinds_with_names(services: Iterable[Service]) -> Kinds:
    """Kind -> where its objects are listed, for the kinds whose names are no IDs."""
    return {
        resource.kind: (service, resource)
        for service in services
        for resource in service.resources
        if resource.keys
        and "{" not in resource.path
        and resource.kind == resource.id_kind
        and resource.ids in (Ids.UUID, Ids.CHOSEN)
        and resource.id_field == "id"
    }


@dataclass(frozen=True, slots=True)
class StatedNames:
    """Finds what such names mean. `sites` are the names of all of them."""

    fanout: Fanout
    kinds: Kinds
    sites: tuple[str, ...]

    async def settled(self, call: Call, identity: Identity, request_id: str) -> Call:
        """The call, with every name that states a site settled. Raises BadRequest, Conflict, Unavailable."""
        ask = _Settling(self.fanout, self.kinds, self.sites, call, identity, request_id)
        if call.method == "GET" and call.is_list and "name=" in call.query:
            call = await ask.filtered()
        if in_path := await ask.ids(call.path_ids):
            call = with_path(call, in_path)
        if b"@" in call.raw and (in_body := await ask.ids(_in_body(call), really_called=True)):
            call = with_body(call, in_body)
        return call


@dataclass(frozen=True, slots=True)
class _Settling:
    """One call."""

    fanout: Fanout
    kinds: Kinds
    sites: tuple[str, ...]
    call: Call
    identity: Identity
    request_id: str

    async def filtered(self) -> Call:
        """A list filtered by such names, as one of the site they state. Of any other the call as it is."""
        call, resource = self.call, self.call.resource
        assert resource is not None
        if resource.kind not in self.kinds:
            return call
        pattern = "name" in resource.patterns
        pairs = [pair.partition("=") for pair in call.query.split("&")]
        said = [_plain(value, pattern) for name, _, value in pairs if name == "name"]
        stated = [self._stated(each) for each in said]
        sites = {each[1] for each in stated if each is not None}
        if None in stated or len(sites) != 1:
            return call
        _not_too_many(said)
        for each in said:
            if await self._called(resource.kind, each, self.sites):
                return call
        (site,) = sites
        query = [
            name + equals + (_without(value, f"@{site}") if name == "name" else value)
            for name, equals, value in pairs
        ]
        headers = CIMultiDict(call.headers)
        headers[_SITE_HEADER] = site
        return replace(
            call, query="&".join(query), said=call.query, headers=CIMultiDictProxy(headers)
        )

    async def ids(
        self, mentions: Iterable[tuple[str, Any]], *, really_called: bool = False
    ) -> dict[Mention, str]:
        """The IDs of the names that state a site; if wanted, also of what is `really_called` so."""
        known = {each for each in mentions if each[0] in self.kinds}
        stated = {each: about for each in known if (about := self._stated(each[1]))}
        _not_too_many(stated)
        found = {}
        for (kind, value), (name, site) in stated.items():
            own = await self._id(kind, value, name, site, really_called)
            if own is not None:
                found[kind, value] = own
        return found

    async def _id(
        self, kind: str, value: str, name: str, site: str, really_called: bool
    ) -> str | None:
        if self.fanout.asker.ids.pins.pin(kind, value) is not None:
            # An ID that means something else at another site (flavor `1@tokyo`).
            return None
        real, there = await asyncio.gather(
            self._called(kind, value, self.sites),
            self._called(kind, name, [site], must_know=True),
        )
        if real:
            return real.pop() if really_called and len(real) == 1 else None
        if len(there) > 1:
            raise Conflict(f"Several are called {name} at {site}; choose one by its ID.")
        return there.pop() if there else None

    def _stated(self, value: object) -> tuple[str, str] | None:
        """(name, site), unless the call itself is for another site."""
        stated = stated_name(value, self.sites) if isinstance(value, str) else None
        if stated is None or self.call.headers.get(_SITE_HEADER, stated[1]) != stated[1]:
            return None
        return stated

    async def _called(
        self, kind: str, name: str, sites: Collection[str], *, must_know: bool = False
    ) -> set[str]:
        """The IDs of what is called exactly so at these sites, as far as they can be asked."""
        service, resource = self.kinds[kind]
        # What a service does not filter by names (flavors) it gives whole.
        filtered = f"^{re.escape(name)}$" if "name" in resource.patterns else name
        query = f"name={quote(filtered, safe='')}&limit={LARGEST_PAGE}"
        call = Call("GET", service, resource, resource.path, is_list=True, query=query)
        form = shape(service, resource)
        question = Question(call, form, self.identity, Whereabouts(), self.request_id)
        found: set[str] = set()
        for reply in await self.fanout.ask_all(question, list(sites)):
            if must_know and reply.missing and not reply.nothing_there:
                raise Unavailable(
                    f"What is called {name} at {reply.site} cannot be known just now."
                )
            items = reply.body.get(resource.keys) if isinstance(reply.body, dict) else None
            for item in items if reply.ok and isinstance(items, list) else ():
                if isinstance(item, dict) and item.get("name") == name:
                    found.add(str(id_of(resource, item)))
        return found


def _not_too_many(names: Collection[object]) -> None:
    if len(names) > MOST_NAMES:
        raise BadRequest(f"More than {MOST_NAMES} names that state their site.")


def _plain(value: str, pattern: bool) -> str:
    """The name in a raw value of a query; of a pattern, what stands between its ends."""
    name = unquote_plus(value)
    return name.removeprefix("^").removesuffix("$") if pattern else name


def _without(value: str, suffix: str) -> str:
    """The raw value without this suffix, before the end of the pattern if there is one."""
    name = unquote_plus(value)
    end = "$" if not name.endswith(suffix) else ""
    return quote(name.removesuffix(end).removesuffix(suffix) + end, safe="")


def _in_body(call: Call) -> list[tuple[str, Any]]:
    """What a body refers to, without the IDs that are chosen there for something new."""
    if call.body is None or call.resource is None:
        return []
    form = shape(call.service, call.resource)
    if call.is_action:
        return list(ids_in_action(form, call.body))
    body = call.body if isinstance(call.body, dict) else {}
    new = [body] if call.resource.bare else made_of(call.resource, body)
    chosen = {str(id_of(call.resource, each)) for each in new if call.is_create}
    mentions = ids_in_body(form, call.body, request=True)
    return [each for each in mentions if each[1] not in chosen]
