"""What is found: the shared kinds, in order of dependence, and the ways to stretch a network.

A kind is every resource whose declaration says what is alike of it; a file in `sync.kinds` takes its place
where there is more to say. There is no list to edit.
"""

import importlib
import pkgutil
from functools import cache
from graphlib import TopologicalSorter

from adapters.registry import all_services
from sync import drivers, kinds
from sync.driver import Driver
from sync.kind import Kind


@cache
def all_kinds() -> tuple[Kind, ...]:
    """What has to be there first comes first. Raises ValueError if two files are about one kind."""
    found = {
        resource.kind: Kind(resource.kind, resource, resource.synced, resource.born)
        for service in all_services().values()
        for resource in service.resources
        if resource.shared
    }
    special: dict[str, str] = {}
    for info in pkgutil.iter_modules(kinds.__path__, kinds.__name__ + "."):
        kind: Kind = importlib.import_module(info.name).KIND
        if special.setdefault(kind.name, info.name) != info.name:
            raise ValueError(f"{special[kind.name]} and {info.name}: {kind.name!r}")
        found[kind.name] = kind
    order = TopologicalSorter({name: sorted(found[name].after) for name in sorted(found)})
    return tuple(found[name] for name in order.static_order())


def kind_of(name: str) -> Kind:
    """Raises KeyError."""
    for kind in all_kinds():
        if kind.name == name:
            return kind
    raise KeyError(name)


@cache
def all_drivers() -> tuple[Driver, ...]:
    """In the order in which they are tried."""
    found = [
        importlib.import_module(info.name).DRIVER
        for info in pkgutil.iter_modules(drivers.__path__, drivers.__name__ + ".")
    ]
    return tuple(sorted(found, key=lambda driver: driver.rank))
