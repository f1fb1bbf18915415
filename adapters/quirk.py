"""The words a quirk is written in.

A quirk is one deviation of a release or vendor: what a newer site does and an older one does not. It puts
what the newer one is asked into words of the older one, and the answer of the older one into the form of the
newer one, in the IDs of the site. It does no I/O: it is a generator that gives questions and is handed their
answers (`adapters.lifting` asks them), so one that has to look something up is written as if it had it at hand.

Nothing may be answered that is not true. What an older site cannot do it refuses itself, in its own words: then
the quirk has no `lift` at all, and only says so. What cannot be computed gets no quirk, and the federation
offers no more than that site has.
"""

import re
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

Json = dict[str, Any]
Version = tuple[int, int]
"""A microversion."""

_READ_ON = 500
"""So many items at a time are looked through for those that are wanted."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to one site."""

    method: str
    path: str
    """Below the service's version, percent-encoded: ``/servers/detail``."""
    query: str = ""
    body: Any = None
    holds: bool = False
    """A look-up whose answer may be a minute old, and which nothing fails for: without an answer it has
    the status 503."""

    def words(self, name: str) -> list[str]:
        """The values of a parameter of the query."""
        return [value for key, value in parse_qsl(self.query, True) if key == name]

    def without(self, *names: str) -> "Asked":
        """The question without these parameters."""
        pairs = [pair for pair in self.query.split("&") if pair.partition("=")[0] not in names]
        return replace(self, query="&".join(pairs))

    def having(self, name: str, value: str) -> "Asked":
        """The question with one more parameter."""
        return replace(self, query="&".join(filter(None, (self.query, urlencode({name: value})))))


@dataclass(frozen=True, slots=True)
class Said:
    """The answer to a question. `refusal` is the text of an error that no site has given."""

    status: int
    body: Any = None
    refusal: str = ""

    def wrapped(self, key: str) -> Json | None:
        """The object under this key, if the answer is good and has one."""
        found: Json | None = self._under(key, dict)
        return found

    def listed(self, keys: str) -> list[Json] | None:
        """The objects of a list, if the answer is good and has one."""
        found: list[Json] | None = self._under(keys, list)
        return found if found is None or all(isinstance(one, dict) for one in found) else None

    def _under(self, key: str, form: type) -> Any:
        good = self.status < 300 and isinstance(self.body, dict)
        found = self.body.get(key) if good else None
        return found if isinstance(found, form) else None


Steps = Generator[Sequence[Asked], Sequence[Said], Said]
"""Gives questions that can be asked at the same time, is sent their answers, and returns the answer."""
_Items = list[Json]
Lift = Callable[[Asked], Steps]


@dataclass(frozen=True, kw_only=True, eq=False)
class Quirk:
    """One deviation. It lifts sites that lack the microversion `since`, or the `extension`."""

    service: str
    """Its type."""
    what: str
    """What the newer site does, and what is done for the older one: one sentence, for people."""
    since: Version | None = None
    """The microversion that brought it. A site is lifted by the quirks of the next microversions, without
    a gap; they act only where one asks for so high a microversion."""
    extension: Mapping[str, Any] = field(default_factory=dict)
    """The entry of the extension (`alias` and so on) as newer sites show it."""
    calls: tuple[str, ...] = ()
    """The calls it acts on: ``GET /servers/{server}``. ``*`` is any method, ``/**`` all that may follow."""
    lift: Lift | None = None
    """None: nothing is to be done, the older site refuses what it does not know."""

    @property
    def alias(self) -> str:
        """The extension that it stands for; empty if it stands for a microversion."""
        return str(self.extension.get("alias", ""))

    def concerns(self, asked: Asked) -> bool:
        """Whether it acts on this question."""
        return bool(self._pattern.fullmatch(f"{asked.method} {asked.path}"))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(map(_pattern, self.calls)) or r"(?!)")


def _pattern(call: str) -> str:
    method, _, path = call.partition(" ")
    open_end = path.endswith("/**")
    parts = path.removesuffix("/**").split("/")
    written = "/".join("[^/]+" if part.startswith("{") else re.escape(part) for part in parts)
    verb = "[A-Z]+" if method == "*" else "(?:GET|HEAD)" if method == "GET" else method
    return f"{verb} {written}{'(?:/.*)?' if open_end else '/?'}"


def look_up(path: str) -> Asked:
    """The question for what lies at a path with its query, as of late."""
    where, _, query = path.partition("?")
    return Asked("GET", where, query, holds=True)


def refused(status: int, why: str) -> Said:
    """An error that the newer site would give, and the older one would not."""
    return Said(status, refusal=why)


Found = Mapping[str, Said]
"""What was to be looked up -> what was found."""


def _nothing(items: Sequence[Json]) -> Iterable[str]:
    return ()


def _as_it_is(item: Json, found: Found) -> Json:
    return item


def _all(item: Json) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """How objects of an older site become those of a newer one."""

    key: str
    keys: str
    look: Callable[[Sequence[Json]], Iterable[str]] = _nothing
    """What has to be looked up for some objects: paths, with their queries."""
    renew: Callable[[Json, Found], Json] = _as_it_is
    """One object in its newer form."""

    def one(self, asked: Asked) -> Steps:
        """Ask, and renew the object in the answer, if there is one."""
        (said,) = yield (asked,)
        item = said.wrapped(self.key)
        if item is None:
            return said
        (new,) = yield from self._renewed([item])
        return replace(said, body={**said.body, self.key: new})

    def list(self, asked: Asked, keep: Callable[[Json], bool] = _all) -> Steps:
        """Ask for a list, renew what is in it, and leave out what is not to be kept.

        The older site cannot tell what that is, so it is read on until the page is full.
        """
        limit = next((int(word) for word in asked.words("limit")[:1] if word.isdecimal()), 0)
        backwards = "true" in [word.lower() for word in asked.words("page_reverse")]
        rel = "previous" if backwards else "next"
        kept: list[Json] = []
        question, markers = asked, {""}
        while True:
            (said,) = yield (question,)
            items = said.listed(self.keys)
            if items is None:
                return said
            found = [item for item in (yield from self._renewed(items)) if keep(item)]
            kept = [*found, *kept] if backwards else [*kept, *found]
            last = str(items[0 if backwards else -1].get("id", "")) if items else ""
            links = said.body.get(f"{self.keys}_links") or []
            # A list that comes back to where it was has no end.
            more = last not in markers and any(link.get("rel") == rel for link in links)
            if not more or not limit or len(kept) >= limit:
                break
            markers.add(last)
            behind = asked.without("marker", "limit").having("limit", str(max(limit, _READ_ON)))
            question = behind.having("marker", last)
        page = (kept[-limit:] if backwards else kept[:limit]) if limit else kept
        body = {name: said.body[name] for name in said.body if name != f"{self.keys}_links"}
        body[self.keys] = page
        if more or len(page) < len(kept):
            # Where it leads is for the gateway to say; that there is more, for the site.
            body[f"{self.keys}_links"] = [{"rel": rel, "href": ""}]
        return replace(said, body=body)

    def _renewed(self, items: Sequence[Json]) -> Generator[Sequence[Asked], Sequence[Said], _Items]:
        paths = list(dict.fromkeys(self.look(items)))
        found: Sequence[Said] = ()
        if paths:
            found = yield [look_up(path) for path in paths]
        known = dict(zip(paths, found, strict=True))
        return [self.renew(item, known) for item in items]


def encoded(part: str) -> str:
    """A name as a part of a path."""
    return quote(part, safe="")
