"""Which of the remembered objects a list asks for. Pure.

A site that is away cannot apply the filters of a list, so we do, as its service would. What cannot be decided
on the fields that are remembered is not guessed: who looks for a thing to make it if it is not there must not
be told that it is not there.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from adapters.spec import Resource, Service
from federator.paging import filters_by_name, filters_of

Item = Mapping[str, Any]
Test = Callable[[Item], bool]

_NO_FILTERS = frozenset(
    {
        "all_tenants", "all_projects", "sort", "sort_key", "sort_dir", "fields", "offset", "with_count",
        "member_status", "bookmark",
    }
)  # fmt: skip
_COMPUTE = {
    "uuid": "id", "flavor": "flavor.id", "image": "image.id", "project_id": "tenant_id",
    "availability_zone": "OS-EXT-AZ:availability_zone", "is_public": "os-flavor-access:is_public",
    "display_name": "name",
}  # fmt: skip
_OWNERS = frozenset({"project_id", "tenant_id", "owner"})
_COMPARED = re.compile(r"(eq|neq|gt|gte|lt|lte):(.*)")
_FALSE = frozenset({"", "0", "f", "false", "off", "n", "no"})


class CannotTell(Exception):
    """Whether an object is asked for depends on something that is not remembered."""


def asked_for(service: Service, resource: Resource, query: str) -> Test:
    """What tells whether a list with this query shows an item, which is in global form.

    Raises CannotTell with the name of the parameter.
    """
    tests = []
    for group in filters_by_name(filters_of(query)):
        pairs = parse_qsl(group, keep_blank_values=True)
        if pairs and pairs[0][0] not in _NO_FILTERS:
            tests.append(_test(service, resource, pairs[0][0], [value for _, value in pairs]))
    return lambda item: all(test(item) for test in tests)


def _test(service: Service, resource: Resource, name: str, values: list[str]) -> Test:
    match service.type:
        case "compute":
            return _compute(resource, name, values[-1])
        case "network":
            return _network(resource, name, values)
        case "image":
            return _image(resource, name, values[-1])
        case "block-storage":
            return _volume(resource, name, values[-1])
    raise CannotTell(name)


def _compute(resource: Resource, name: str, value: str) -> Test:
    if name == "deleted":
        return _constant(value.lower() in _FALSE)
    if name in ("changes-since", "changes-before"):
        since = name == "changes-since"
        return lambda item: (str(item.get("updated")) >= value) is since
    if name in ("minRam", "minDisk"):
        field, least = {"minRam": "ram", "minDisk": "disk"}[name], _number(name, value)
        return lambda item: item.get(field, 0) >= least
    if name in ("ip", "ip6"):
        found = _pattern(name, value)
        version = 4 if name == "ip" else 6
        return lambda item: any(
            each.get("version") == version and found.search(str(each.get("addr")))
            for network in (item.get("addresses") or {}).values()
            for each in network
        )
    if name == "is_public" and value.lower() == "none":
        return _constant(True)
    field = _COMPUTE.get(name, name)
    if field == "name":
        found = _pattern(name, value)
        return lambda item: bool(found.search(str(item.get("name"))))
    return _equals(resource, field, [value], name)


def _network(resource: Resource, name: str, values: list[str]) -> Test:
    if name == "fixed_ips":
        wanted = [value.partition("=")[::2] for value in values]
        if any(field not in ("ip_address", "subnet_id") for field, _ in wanted):
            raise CannotTell(name)
        return lambda item: all(
            any(str(each.get(field)) == value for each in item.get("fixed_ips") or [])
            for field, value in wanted
        )
    return _equals(resource, name, values)


def _image(resource: Resource, name: str, value: str) -> Test:
    if name == "visibility" and value == "all":
        return _constant(True)
    if name in ("size_min", "size_max"):
        low, bound = name == "size_min", _number(name, value)
        return lambda item: (
            (item.get("size") or 0) >= bound if low else (item.get("size") or 0) <= bound
        )
    if name in ("created_at", "updated_at"):
        return _compared(name, value)
    if value.startswith("in:"):
        return _equals(resource, name, [each.strip('"') for each in value[3:].split(",")])
    return _equals(resource, name, [value])


def _volume(resource: Resource, name: str, value: str) -> Test:
    if name in ("created_at", "updated_at"):
        return _compared(name, value)
    if name in ("name~", "display_name~"):
        return lambda item: value in str(item.get("name"))
    return _equals(resource, "name" if name == "display_name" else name, [value], name)


def _equals(resource: Resource, field: str, values: list[str], name: str = "") -> Test:
    """The field has one of these values, as text; a list has one of them as an element."""
    outer, _, inner = field.partition(".")
    if field in _OWNERS and resource.owner:
        outer, inner = resource.owner, ""
    if outer not in (*resource.kept, resource.id_field, "id"):
        raise CannotTell(name or field)
    wanted = {_text(value) for value in values}

    def test(item: Item) -> bool:
        value = item.get(outer)
        if inner and isinstance(value, dict):
            value = value.get(inner)
        if isinstance(value, list):
            return any(_text(each) in wanted for each in value)
        return _text(value) in wanted

    return test


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = "" if value is None else str(value)
    return text.lower() if text in ("True", "False", "TRUE", "FALSE") else text


def _compared(field: str, value: str) -> Test:
    found = _COMPARED.fullmatch(value)
    operator, wanted = found.groups() if found else ("eq", value)
    wanted = _moment(unquote_plus(wanted))
    tests: Mapping[str, Callable[[str], bool]] = {
        "eq": lambda moment: moment == wanted,
        "neq": lambda moment: moment != wanted,
        "gt": lambda moment: moment > wanted,
        "gte": lambda moment: moment >= wanted,
        "lt": lambda moment: moment < wanted,
        "lte": lambda moment: moment <= wanted,
    }
    return lambda item: tests[operator](_moment(str(item.get(field))))


def _moment(text: str) -> str:
    """To the second: services differ in what they write behind that."""
    return text[:19].replace(" ", "T")


def _number(name: str, value: str) -> int:
    if not value.isdecimal() or len(value) > 18:
        raise CannotTell(name)
    return int(value)


def _pattern(name: str, value: str) -> re.Pattern[str]:
    """Nova takes names and addresses for regular expressions, and its database has no regard to case."""
    try:
        return re.compile(value, re.IGNORECASE)
    except re.error:
        raise CannotTell(name) from None


def _constant(outcome: bool) -> Test:
    return lambda item: outcome
