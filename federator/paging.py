"""What a client wants of a list: in which order, how many, from where on. Pure.

Each service asks in words of its own; here they become one `Page`, and what a site is asked is written in
them again (`Page.for_site`). How far each site has to be read is decided in `federator.lists`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from urllib.parse import parse_qsl, quote, urlencode

from adapters.marks import MARKED_FIELDS, PLACEHOLDER_FIELDS
from adapters.spec import Merge, Resource, Service
from federator.faults import BadRequest
from federator.order import SortKey

LARGEST_PAGE = 1000
"""What one request to a site asks for at most, and what Nova, Cinder and Glance give at most, be it that the
client wants more or does not say: the default of their ``max_limit``."""

LONGEST_LIST = 1_000_000
"""Items of one list of one site; a site that has more lies. Neutron's lists have no other limit."""

CURSOR = "federation_cursor"
"""Where a link to the next page says how far each site's list has been passed."""

_NUMBER = re.compile(r"-?[0-9]+")
_DIGITS = 18
"""Longer numbers mean "as many as there are"; Python would rather not read very long ones."""

_NAMES = frozenset({"name", "display_name", "id", "uuid"})
_OURS = frozenset({"limit", "marker", "page_reverse", CURSOR})


@dataclass(frozen=True, slots=True)
class Page:
    """The page of a merged list that a client asked for."""

    limit: int
    """The most items to give."""
    limited: bool
    """Whether the client set the limit."""
    marker: str
    reverse: bool
    """Neutron's ``page_reverse``: the items *before* the marker, in the same order."""
    order: tuple[SortKey, ...]
    """Empty: the order is each site's own."""
    offset: int = 0
    fields: frozenset[str] = frozenset()
    """The only fields that the client wants to see (Neutron); empty: all."""
    id_field: str = "id"
    needed: frozenset[str] = frozenset()
    """Further fields by which it is known what is not for tenants."""
    cursor: str = ""
    """What our own link to this page says of the sites."""
    paged: bool = True
    """Whether the service has pages of this list at all. Without, ``limit`` is our business alone."""

    @property
    def need(self) -> int:
        """How many items have to be known behind the marker."""
        return self.offset + self.limit

    def for_site(self, query: str, limit: int, marker: str = "") -> str:
        """The query of one request to a site: `limit` items behind the object `marker`, and no more."""
        kept = [pair for pair in filters_of(query).split("&") if pair]
        if self.offset:
            kept = [pair for pair in kept if not pair.startswith("offset=")]
        if self.fields:
            # Without these nobody could tell where the next page begins, nor what comes before what.
            needed = {self.id_field, *self.needed, *(name for name, _ in self.order)}
            kept += [f"fields={quote(name)}" for name in sorted(needed - self.fields)]
        if self.paged:
            kept.append(f"limit={limit}")
            if marker:
                kept.append(urlencode({"marker": marker}))
            if self.reverse:
                kept.append("page_reverse=True")
        return "&".join(kept)


def page_of(service: Service, resource: Resource, query: str) -> Page:
    """The page that this query asks for. Raises BadRequest for a limit that is not a number."""
    pairs = parse_qsl(query, keep_blank_values=True)
    words = dict(reversed(pairs))
    limited = bool(words.get("limit"))
    # Neutron's lists are not limited but by the client.
    largest = LONGEST_LIST if service.type == "network" else LARGEST_PAGE
    limit = min(_number(words, "limit"), largest) if limited else largest
    if limit == 0 and service.type == "network":
        # To Neutron this means "no limit", to the others "nothing".
        limit, limited = largest, False
    default = tuple(_parsed(each) for each in resource.order)
    order = _order(pairs, downwards=any(down for _, down in default)) or default
    return Page(
        limit=limit,
        limited=limited,
        # Neutron looks at a marker only where there is a limit.
        marker=words.get("marker", "") if limited or service.type != "network" else "",
        reverse=service.type == "network"
        and limited
        and words.get("page_reverse", "").lower() in ("true", "1", "yes"),
        order=tuple(
            takewhile(
                # By ID means: in each site's own order. IDs of two sites have no order that both know.
                lambda key: key[0] != resource.id_field,
                ((resource.sort_fields.get(key, key), down) for key, down in order),
            )
        ),
        # Only Cinder has offsets; to the others it is a word like any other.
        offset=_number(words, "offset")
        if service.type == "block-storage" and words.get("offset")
        else 0,
        fields=frozenset(value for name, value in pairs if name == "fields")
        if service.type == "network"
        else frozenset(),
        id_field=resource.id_field,
        needed=frozenset(
            (*PLACEHOLDER_FIELDS, *MARKED_FIELDS)
            if resource.kind == "port"
            else MARKED_FIELDS * resource.shared
        ),
        cursor=words.get(CURSOR, ""),
        paged=bool(resource.order) and resource.merge is Merge.CONCAT,
    )


def filters_of(query: str) -> str:
    """The query without the words that say which page is wanted: what decides on the items alone."""
    pairs = query.split("&")
    return "&".join(pair for pair in pairs if pair and pair.partition("=")[0] not in _OURS)


def filters_by_name(query: str) -> list[str]:
    """The query's filters, one text for each parameter with all of its values (``id=a&id=b``)."""
    if not query:
        return []
    groups: dict[str, list[str]] = {}
    for pair in filters_of(query).split("&"):
        groups.setdefault(pair.partition("=")[0], []).append(pair)
    return ["&".join(pairs) for pairs in groups.values()]


def names_one(query: str) -> bool:
    """Whether a query looks for things by name or ID, rather than for all of a sort."""
    return any(pair.partition("=")[0] in _NAMES for pair in query.split("&"))


def next_query(
    query: str, marker: str, *, cursor: str = "", reverse: bool | None = None, offset: bool = True
) -> str:
    """The query of the page after the object `marker`; without a marker, that of the first page.

    Without `offset`, what was skipped before this page is not skipped once more.
    """
    dropped = {"marker", CURSOR}
    if reverse is not None:
        dropped.add("page_reverse")
    if not offset:
        dropped.add("offset")
    pairs = [pair for pair in query.split("&") if pair and pair.partition("=")[0] not in dropped]
    words = {name: word for name, word in (("marker", marker), (CURSOR, cursor)) if word}
    return "&".join([*pairs, urlencode(words)] if words else pairs)


def previous_query(query: str, marker: str) -> str:
    """The query of the page before the object `marker` (Neutron)."""
    return next_query(query, marker, reverse=False) + "&page_reverse=True"


def _number(words: dict[str, str], name: str) -> int:
    text = words[name]
    if not _NUMBER.fullmatch(text):
        raise BadRequest(f"Invalid input for query parameters {name}. Value: {text}.")
    if text.startswith("-"):
        raise BadRequest(f"Invalid input for query parameters {name}. {text} is less than 0.")
    return int(text[:_DIGITS])


def _order(pairs: Sequence[tuple[str, str]], downwards: bool) -> tuple[SortKey, ...]:
    """``sort=a:asc,b:desc`` (Cinder, Glance), or ``sort_key`` and ``sort_dir``, each repeatable."""
    joined = [value for name, value in pairs if name == "sort" and value]
    if joined:
        return tuple(_parsed(part) for value in joined for part in value.split(","))
    keys = [value for name, value in pairs if name == "sort_key" and value]
    directions = [value for name, value in pairs if name == "sort_dir" and value]
    # Nova, Cinder and Glance sort downwards where no direction is given, Neutron upwards.
    default = "desc" if downwards else "asc"
    filled = directions + [directions[-1] if directions else default] * (
        len(keys) - len(directions)
    )
    return tuple((key, word == "desc") for key, word in zip(keys, filled, strict=False))


def _parsed(text: str) -> SortKey:
    name, _, direction = text.partition(":")
    return name.strip(), direction.strip() != "asc" if direction else True
