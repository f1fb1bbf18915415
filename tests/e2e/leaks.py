"""Does anything of a site reach a client: an ID, an address, a token?

What belongs to the sites is learned from what was recorded between gateway and sites. It is then looked for in
every byte that clients got. An ID that the client had said itself before, or that home says, is no leak.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from tests.e2e.exemptions import EXEMPTIONS, Exemption
from tests.e2e.recording import Exchange, Part
from tests.e2e.running import CLIENT, HOME, SITE, Running

_HEX = rb"[0-9a-fA-F]"
_ID = (
    _HEX + rb"{8}(?:-" + _HEX + rb"{4}){3}-" + _HEX + rb"{12}|" + _HEX + rb"{64}|" + _HEX + rb"{32}"
)
_WORD = re.compile(rb"(?<!" + _HEX + rb")(?:" + _ID + rb")(?!" + _HEX + rb")")
"""An ID that stands by itself: so sites say them. The longest are those of federated users."""
_ANYWHERE = [re.compile(rb"(?=(" + each + rb"))") for each in _ID.split(b"|")]
"""An ID also inside of something longer: so they might slip through."""


def words(raw: bytes) -> set[str]:
    """The IDs that stand by themselves in some bytes, in one spelling."""
    # What is quoted for a URL may hide one: the D of %3D is a hexadecimal digit.
    texts = (raw, unquote_to_bytes(raw)) if b"%" in raw else (raw,)
    return {_spelt(found) for text in texts for found in _WORD.findall(text)}


def anywhere(raw: bytes) -> set[str]:
    """Everything in some bytes that could be an ID, in one spelling."""
    return {_spelt(found) for pattern in _ANYWHERE for found in pattern.findall(raw)}


def _spelt(found: bytes) -> str:
    return found.decode().replace("-", "").lower()


def _is_computed(word: str) -> bool:
    """Whether an ID is a UUID made from a name (version 5), as our own are and those of services are not."""
    return len(word) == 32 and word[12] == "5" and word[16] in "89ab"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What clients must never see."""

    ids: Mapping[str, str]
    """In one spelling, with who said them first."""
    addresses: frozenset[str]
    tokens: frozenset[str]
    known: frozenset[str]
    """IDs that clients may see: of home, and of the gateway's requests."""


@dataclass(frozen=True, slots=True)
class Leak:
    """Something of a site in an answer to a client."""

    exchange: Exchange
    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.exchange}: {self.what} at {self.place}"


def secrets(gateway: Running, sites_say: Iterable[str], home_says: Iterable[str]) -> Secrets:
    """All that the sites have said so far. What the Keystones say otherwise is given here."""
    ids = {_spelt(each.encode()): "told otherwise" for each in sites_say}
    tokens: set[str] = set()
    ours = {_spelt(each.encode()) for each in home_says}
    for exchange in gateway.recorder.exchanges(SITE):
        # What the gateway says and a site repeats: its request IDs, and computed IDs asked for as names.
        ours |= words(exchange.request.headers.get("X-Openstack-Request-Id", "").encode())
        ours |= {each for each in words(exchange.request.raw) - ids.keys() if _is_computed(each)}
        for each in words(exchange.response.raw):
            ids.setdefault(each, str(exchange))
        for part in (exchange.request, exchange.response):
            tokens |= {
                value
                for name in ("X-Auth-Token", "X-Subject-Token")
                for value in part.headers.get_all(name, ())
            }
    for exchange in gateway.recorder.exchanges(HOME):
        ours |= words(exchange.response.raw)
    addresses = {urlsplit(url).netloc for urls in gateway.site_urls.values() for url in urls}
    # A computed one is of a federation, be it another one before these sites: it stands in its marks there.
    hidden = {each: by for each, by in ids.items() if each not in ours and not _is_computed(each)}
    return Secrets(hidden, frozenset(addresses), frozenset(tokens), frozenset(ours))


def leaks(gateway: Running, hidden: Secrets) -> tuple[list[Leak], set[Exemption]]:
    """What clients got of it without a reason, and the reasons that were needed."""
    found: list[Leak] = []
    needed: set[Exemption] = set()
    said_by_client: set[str] = set()
    shown: set[str] = set()
    for exchange in gateway.recorder.exchanges(CLIENT):
        said_by_client |= words(exchange.request.raw) - shown
        if not any(_hits(exchange.response.raw, hidden, said_by_client)):
            continue
        for place, text in places(exchange.response):
            raw = text.encode("utf-8", "surrogateescape")
            for what in _hits(raw, hidden, said_by_client):
                reason = next((e for e in EXEMPTIONS if e.covers(exchange.path, place)), None)
                if reason is None:
                    found.append(Leak(exchange, place, what))
                    shown |= words(what.partition("(")[0].encode())
                else:
                    needed.add(reason)
    return found, needed


def _hits(raw: bytes, hidden: Secrets, said_by_client: set[str]) -> Iterator[str]:
    for each in (anywhere(raw) & hidden.ids.keys()) - said_by_client:
        yield f"the ID {each} ({hidden.ids[each]})"
    for each in words(raw.replace(b"req-", b"reqf")) - hidden.ids.keys() - hidden.known:
        if not _is_computed(each) and each not in said_by_client:
            yield f"the ID {each} (of unknown origin)"
    for address in hidden.addresses:
        if re.search(rb"%b(?!\d)" % re.escape(address.encode()), raw):
            yield f"the address {address}"
    for token in hidden.tokens:
        if token.encode() in raw:
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
