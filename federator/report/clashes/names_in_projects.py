"""Networks, routers and security groups of one project that have one name."""

from collections.abc import Hashable, Iterator

import orjson

from federator.report.alike import Named, of_one_name
from federator.report.finding import Finding, Weight, found, plain
from federator.report.snapshot import Item, SiteView, Snapshot

_KINDS = {"network": "Networks", "router": "Routers", "security_group": "Security groups"}
_RULE = (
    "direction",
    "ethertype",
    "protocol",
    "port_range_min",
    "port_range_max",
    "normalized_cidr",
)


def clashes(snapshot: Snapshot) -> Iterator[Finding]:
    """A finding for each kind."""
    subnets: dict[tuple[str, str], list[str]] = {}
    for site, subnet in snapshot.all("subnet"):
        key = site.name, str(subnet.get("network_id"))
        subnets.setdefault(key, []).append(str(subnet.get("cidr")))

    def content(site: SiteView, item: Item) -> Hashable:
        if "security_group_rules" in item:
            return _rules(item)
        return " and ".join(sorted(subnets.get((site.name, str(item["id"])), ())))

    for kind, noun in _KINDS.items():
        things = ((site, item) for site, item in snapshot.all(kind) if _counts(kind, item))
        named = of_one_name(things, _name, content)
        yield from found(
            Weight.CLASH,
            f"{kind.replace('_', '-')}s-of-one-name",
            f"{noun} of one project have one name at several sites",
            means="they stay two things, and whoever names one of them is told that there is more than one",
            cure="rename one of them, or tell the tenants to use IDs",
            cases=[_told(kind, each) for each in named],
        )
    defaults = of_one_name(
        ((s, i) for s, i in snapshot.all("security_group") if i.get("name") == "default"),
        _name,
        lambda _, item: _rules(item),
    )
    yield from found(
        Weight.NOTE,
        "default-groups-differ",
        "The default security groups of one project have different rules",
        means="they are one to the tenants, and what is shown is that of the first site; each site goes on "
        "with its own rules until somebody changes them through the federation",
        cure="make the rules alike",
        cases=[
            f"{plain(each.name)} at {' and '.join(each.by_site)}"
            for each in defaults
            if each.differ
        ],
    )


def _counts(kind: str, item: Item) -> bool:
    """The external networks of one name are one, and so are the default groups."""
    if not item.get("name"):
        return False
    return not item.get("router:external") and (kind, item["name"]) != ("security_group", "default")


def _name(site: SiteView, item: Item) -> str:
    return f"{site.project(item.get('project_id'))}: {item['name']}"


def _told(kind: str, named: Named) -> str:
    if kind == "router":
        return f"{plain(named.name)} at {' and '.join(named.by_site)}"
    if kind == "security_group":
        rules = "with different rules" if named.differ else "with the same rules"
        return f"{plain(named.name)} at {' and '.join(named.by_site)}, {rules}"
    each = (f"{cidrs or 'no subnet'} at {' and '.join(at)}" for cidrs, at in named.contents.items())
    return f"{plain(named.name)}, {', '.join(each)}"


def _rules(group: Item) -> bytes:
    """The rules of a group, but for those that refer to other things by their IDs."""
    rules = (
        {field: rule.get(field) for field in _RULE}
        for rule in group.get("security_group_rules") or ()
        if not rule.get("remote_group_id")
    )
    return b"".join(sorted(orjson.dumps(rule) for rule in rules))
