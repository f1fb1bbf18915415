"""The answers of many sites become one answer. Pure; every rule is one function.

The replies come in the order of the sites, their IDs are global already, and each list is in the order that
its site gave it. That order is kept inside a site, always: how a database sorts names is its own affair. Only
between sites are values compared, and where they are equal the sites' order decides.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cmp_to_key, partial
from heapq import merge as merge_sorted
from typing import Any

import orjson

from adapters.spec import Ids, Resource
from federator.order import SortKey, rank
from federator.paging import Page

Item = dict[str, Any]


def merge_lists(resource: Resource, lists: Sequence[list[Item]], page: Page) -> list[Item]:
    """One list in the order of the page, in which objects that are one to the tenant stand once."""
    ordered = _in_order(lists, page.order)
    return list(_once(resource, ordered))


def cut(resource: Resource, items: list[Item], page: Page) -> tuple[list[Item], bool] | None:
    """The page out of the merged list and whether more follows; None if the marker is not in the list."""
    start, end = page.offset, len(items)
    if page.marker:
        ids = [str(identity(resource, item)) for item in items]
        if page.marker not in ids:
            return None
        at = ids.index(page.marker)
        start, end = (0, at) if page.reverse else (at + 1 + page.offset, end)
    if page.reverse:
        start = max(start, end - page.limit)
        return items[start:end], start > 0
    return items[start : start + page.limit], start + page.limit < end


def made_of(resource: Resource, body: object) -> list[Item]:
    """The objects in the answer to a create: one, or several where they were made in bulk."""
    if not isinstance(body, dict):
        return []
    one, many = body.get(resource.key), body.get(resource.keys)
    return many if isinstance(many, list) else [one] if isinstance(one, dict) else []


def identity(resource: Resource, item: Any) -> object:
    """The ID of an item; some lists wrap each item once more (keypairs), some hold bare names."""
    if not isinstance(item, dict):
        return item
    inner = item.get(resource.key)
    if isinstance(inner, dict) and resource.id_field not in item:
        item = inner
    return item.get(resource.id_field)


def _once(resource: Resource, items: Iterable[Item]) -> Iterable[Item]:
    """Without what stands there already: by ID where objects of several sites are one; of mere names
    (traits, resource classes) only what is the same in every word, for hosts of one name are not one."""
    if resource.equal_by or resource.ids is Ids.CHOSEN:
        key: Callable[[Item], object] = partial(identity, resource)
    elif resource.ids is Ids.NAME:
        key = orjson.dumps
    else:
        yield from items
        return
    seen: set[object] = set()
    for item in items:
        own = key(item)
        if own is None or own not in seen:
            seen.add(own)
            yield item


def _in_order(lists: Sequence[list[Item]], order: tuple[SortKey, ...]) -> Iterable[Item]:
    filled = [each for each in lists if each]
    if len(filled) < 2 or not order or any(order[0][0] not in each[0] for each in filled):
        # Short lists (IDs and names only) do not show what they are sorted by: site after site.
        return (item for each in filled for item in each)

    def compare(left: Item, right: Item) -> int:
        for name, descending in order:
            one, other = rank(left.get(name)), rank(right.get(name))
            if one != other:
                return -1 if (one < other) is not descending else 1
        return 0

    return merge_sorted(*filled, key=cmp_to_key(compare))


def add_numbers(resource: Resource, documents: Sequence[Item]) -> Item:
    """Limits, quotas and usage of many sites as one document: added up, -1 (no limit) absorbs."""
    result: Item = {}
    for document in documents:
        result = _added(result, document, resource.lowest) if result else dict(document)
    return result


def _added(left: Item, right: Item, lowest: frozenset[str]) -> Item:
    both = dict(left)
    for name, value in right.items():
        ours = both.get(name)
        if name not in both:
            both[name] = value
        elif isinstance(ours, dict) and isinstance(value, dict):
            both[name] = _added(ours, value, lowest)
        elif isinstance(ours, list) and isinstance(value, list):
            there = {orjson.dumps(each, option=orjson.OPT_SORT_KEYS) for each in ours}
            both[name] = ours + [
                each
                for each in value
                if orjson.dumps(each, option=orjson.OPT_SORT_KEYS) not in there
            ]
        elif isinstance(ours, int | float) and isinstance(value, int | float):
            if isinstance(ours, bool) or isinstance(value, bool):
                continue
            limits = [each for each in (ours, value) if each != -1]
            if name in lowest:
                both[name] = min(limits, default=-1)
            else:
                both[name] = sum(limits) if len(limits) == 2 else -1
    return both


def common_items(lists: Sequence[list[Item]], name: str = "alias") -> list[Item]:
    """The items that every site has, as the first site describes them."""
    if not lists:
        return []
    common = set.intersection(*({item.get(name) for item in each} for each in lists))
    return [item for item in lists[0] if item.get(name) in common]
