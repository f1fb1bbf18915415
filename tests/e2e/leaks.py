"""Does anything of a site reach a client: an ID, an address, a token?

What belongs to the sites is learned from what was recorded between gateway and sites. It is then looked for in
every byte that clients got. An ID that the client had said itself before, or that home says, is no leak.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.e2e.exemptions import EXEMPTIONS, Exemption
from tests.e2e.recording import Exchange, Part
from tests.e2e.running import CLIENT, HOME, SITE, Running

_HEX = rb"[0-9a-fA-F]"
_ID = _HEX + rb"{8}(?:-" + _HEX + rb"{4}){3}-" + _HEX + rb"{12}|" + _HEX + rb"{32}"
_WORD = re.compile(rb"(?<!" + _HEX + rb")(?:" + _ID + rb")(?!" + _HEX + rb")")
"""An ID that stands by itself: so sites say them."""
_ANYWHERE = re.compile(rb"(?=(" + _ID + rb"))")
"""An ID also inside of something longer: so they might slip through."""


def words(raw: bytes) -> set[str]:
    """The IDs that stand by themselves in some bytes, in one spelling."""
    return {_spelt(found) for found in _WORD.findall(raw)}


def anywhere(raw: bytes) -> set[str]:
    """Everything in some bytes that could be an ID, in one spelling."""
    return {_spelt(found) for found in _ANYWHERE.findall(raw)}


def _spelt(found: bytes) -> str:
    return found.decode().replace("-", "").lower()


@dataclass(frozen=True, slots=True)
class Secrets:
    """What clients must never see."""

    ids: frozenset[str]
    addresses: frozenset[str]
    tokens: frozenset[str]


@dataclass(frozen=True, slots=True)
class Leak:
    """Something of a site in an answer to a client."""

    exchange: Exchange
    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.exchange}: {self.what} at {self.place}"


def secrets(gateway: Running, more_ids: Iterable[str] = ()) -> Secrets:
    """All that the sites have said so far. `more_ids` were read from the sites by other ways."""
    ids = {_spelt(each.encode()) for each in more_ids}
    tokens: set[str] = set()
    for exchange in gateway.recorder.exchanges(SITE):
        ids |= words(exchange.response.raw)
        for part in (exchange.request, exchange.response):
            tokens |= {
                value
                for name in ("X-Auth-Token", "X-Subject-Token")
                for value in part.headers.get_all(name, ())
            }
    homes: set[str] = set()
    for exchange in gateway.recorder.exchanges(HOME):
        homes |= words(exchange.response.raw)
    addresses = {urlsplit(url).netloc for urls in gateway.site_urls.values() for url in urls}
    return Secrets(frozenset(ids - homes), frozenset(addresses), frozenset(tokens))


def leaks(gateway: Running, hidden: Secrets) -> tuple[list[Leak], set[Exemption]]:
    """What clients got of it without a reason, and the reasons that were needed."""
    found: list[Leak] = []
    needed: set[Exemption] = set()
    said_by_client: set[str] = set()
    shown: set[str] = set()
    for exchange in gateway.recorder.exchanges(CLIENT):
        said_by_client |= words(exchange.request.raw) - shown
        for place, text in places(exchange.response):
            for what in _hits(text, hidden, said_by_client):
                reason = next((e for e in EXEMPTIONS if e.covers(exchange.path, place)), None)
                if reason is None:
                    found.append(Leak(exchange, place, what))
                    shown |= words(what.encode())
                else:
                    needed.add(reason)
    return found, needed


def _hits(text: str, hidden: Secrets, said_by_client: set[str]) -> Iterator[str]:
    raw = text.encode("utf-8", "surrogateescape")
    for each in (anywhere(raw) & hidden.ids) - said_by_client:
        yield f"the ID {each}"
    for address in hidden.addresses:
        if re.search(rf"{re.escape(address)}(?!\d)", text):
            yield f"the address {address}"
    for token in hidden.tokens:
        if token in text:
            yield "a token"


def places(part: Part) -> Iterator[tuple[str, str]]:
    """Every piece of text in a message, and where it stands: ``server.addresses.net1[].addr``."""
    yield "start", part.start
    for name, value in part.headers.items():
        yield f"header {name.lower()}", value
    if "json" in part.headers.get("Content-Type", ""):
        try:
            yield from _json_places(json.loads(part.body), "")
        except ValueError:
            yield "text", part.body.decode("utf-8", "surrogateescape")
    else:
        yield "text", part.body.decode("utf-8", "surrogateescape")


def _json_places(value: Any, at: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, below in value.items():
            place = f"{at}.{key}" if at else key
            yield place, key
            yield from _json_places(below, place)
    elif isinstance(value, list):
        for below in value:
            yield from _json_places(below, f"{at}[]")
    elif isinstance(value, str):
        yield at, value


def ids_shown(exchanges: Sequence[Exchange]) -> Iterator[tuple[Exchange, str, str]]:
    """Every UUID in the JSON of answers, with where it stands."""
    for exchange in exchanges:
        for place, text in places(exchange.response):
            for found in _WORD.findall(text.encode("utf-8", "surrogateescape")):
                yield exchange, place, found.decode()
