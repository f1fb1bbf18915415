"""Things of one name at several sites: which will be one, and which differ. Pure."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple

import orjson

from federator.report.finding import plain
from federator.report.snapshot import Item, SiteView, Snapshot


class Named(NamedTuple):
    """The things of one name, at two sites or more."""

    name: str
    by_site: dict[str, list[Item]]
    contents: dict[Hashable, list[str]]
    """Content -> the sites that have something of it."""

    @property
    def differ(self) -> bool:
        """Whether not all have the same content."""
        return len(self.contents) > 1


def of_one_name(
    things: Iterable[tuple[SiteView, Item]],
    name: Callable[[SiteView, Item], str],
    content: Callable[[SiteView, Item], Hashable],
) -> list[Named]:
    """What several sites call by one name, in the order of names."""
    groups: defaultdict[str, list[tuple[SiteView, Item]]] = defaultdict(list)
    for site, item in things:
        groups[name(site, item)].append((site, item))
    found = []
    for each, members in sorted(groups.items()):
        by_site: defaultdict[str, list[Item]] = defaultdict(list)
        contents: defaultdict[Hashable, list[str]] = defaultdict(list)
        for site, item in members:
            by_site[site.name].append(item)
            sites = contents[content(site, item)]
            if site.name not in sites:
                sites.append(site.name)
        if len(by_site) > 1:
            found.append(Named(each, dict(by_site), dict(contents)))
    return found


def declared(snapshot: Snapshot, kind: str) -> Callable[[SiteView, Item], Hashable]:
    """The content by which two things of a kind are known to be equal (`Resource.equal_by`)."""
    fields = snapshot.resources[kind].equal_by

    def content(site: SiteView, item: Item) -> Hashable:
        return orjson.dumps(
            {field: item[field] for field in fields if field in item},
            option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS,
        )

    return content


def differences(named: Named, fields: Sequence[str]) -> str:
    """``m1.tiny: ram is 512 at paris, 1024 at tokyo``."""
    told = []
    for field in fields:
        values: defaultdict[str, list[str]] = defaultdict(list)
        for site, items in named.by_site.items():
            for item in items:
                sites = values[plain(item.get(field))]
                if site not in sites:
                    sites.append(site)
        if len(values) > 1:
            each = ", ".join(f"{value} at {' and '.join(at)}" for value, at in values.items())
            told.append(f"{field} is {each}")
    return f"{plain(named.name)}: {'; '.join(told)}"


def everywhere(named: Named) -> str:
    """``m1.tiny at paris and tokyo``."""
    return f"{plain(named.name)} at {' and '.join(named.by_site)}"
