"""What a client wants of a list: in which order, how many, from where on. Pure.

Each service asks in words of its own; here they become one `Page`. What is asked of a site is always the
beginning of its list in the order wanted, page by page (`Page.for_site`); the cut is made after the merge,
for only there it is known which items come before the marker.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from urllib.parse import parse_qsl, urlencode

from adapters.spec import Resource, Service
from federator.faults import BadRequest

LARGEST_PAGE = 1000
"""What one request to a site asks for at most, and what a list without `limit` gives at most: the default
``max_limit`` of Nova, Cinder and Glance."""

_NUMBER = re.compile(r"-?[0-9]+")
_DIGITS = 18
"""Longer numbers mean "as many as there are"; Python would rather not read very long ones."""

SortKey = tuple[str, bool]
"""(field of an item, whether descending)"""

_NAMES = frozenset({"name", "display_name", "id", "uuid"})
_OURS = frozenset({"limit", "marker", "page_reverse"})


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
    paged: bool = True
    """Whether the service has pages of this list at all. Without, ``limit`` is our business alone."""

    @property
    def whole(self) -> bool:
        """Whether the cut can only be made when everything before it is known."""
        return bool(self.marker) or self.reverse or self.offset > 0

    def for_site(self, query: str) -> str:
        """The query of the first request to a site: what was asked, cut where we know it to suffice."""
        kept = filters_of(query)
        if self.offset:
            kept = "&".join(pair for pair in kept.split("&") if not pair.startswith("offset="))
        if self.fields and self.id_field not in self.fields:
            # Without it nobody could tell where the next page begins.
            kept = f"{kept}&fields={self.id_field}"
        if not self.paged:
            return kept
        size = LARGEST_PAGE if self.whole else min(self.limit, LARGEST_PAGE)
        return f"{kept}&limit={size}" if kept else f"limit={size}"


def page_of(service: Service, resource: Resource, query: str) -> Page:
    """The page that this query asks for. Raises BadRequest for a limit that is not a number."""
    pairs = parse_qsl(query, keep_blank_values=True)
    words = dict(reversed(pairs))
    limited = bool(words.get("limit"))
    limit = _number(words, "limit") if limited else LARGEST_PAGE
    if limit == 0 and service.type == "network":
        # To Neutron this means "no limit", to the others "nothing".
        limit, limited = LARGEST_PAGE, False
    default = tuple(_parsed(each) for each in resource.order)
    order = _order(pairs, downwards=any(down for _, down in default)) or default
    return Page(
        limit=limit,
        limited=limited,
        # Neutron looks at a marker only where there is a limit.
        marker=words.get("marker", "") if limited or service.type != "network" else "",
        reverse=words.get("page_reverse", "").lower() in ("true", "1", "yes"),
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
        paged=bool(resource.order),
    )


def filters_of(query: str) -> str:
    """The query without the words that say which page is wanted: what decides on the items alone."""
    pairs = query.split("&")
    return "&".join(pair for pair in pairs if pair and pair.partition("=")[0] not in _OURS)


def filters_by_name(query: str) -> list[str]:
    """The query's filters, one text for each parameter with all of its values (``id=a&id=b``)."""
    groups: dict[str, list[str]] = {}
    for pair in filters_of(query).split("&"):
        groups.setdefault(pair.partition("=")[0], []).append(pair)
    return ["&".join(pairs) for pairs in groups.values()]


def names_one(query: str) -> bool:
    """Whether a query looks for things by name or ID, rather than for all of a sort."""
    return any(pair.partition("=")[0] in _NAMES for pair in query.split("&"))


def next_query(query: str, marker: str, *, reverse: bool | None = None) -> str:
    """The query of the page after the object `marker`; without a marker, that of the first page."""
    dropped = {"marker"} if reverse is None else {"marker", "page_reverse"}
    pairs = [pair for pair in query.split("&") if pair and pair.partition("=")[0] not in dropped]
    return "&".join([*pairs, urlencode({"marker": marker})] if marker else pairs)


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
