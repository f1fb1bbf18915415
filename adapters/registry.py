"""Every file in adapters/services that says SERVICE is a service, and every one in adapters/quirks that says
QUIRK is a quirk. There is no list to edit.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from adapters import quirks, services
from adapters.quirk import Quirk
from adapters.spec import KINDS_OF_NO_SERVICE, Ids, Service


@cache
def all_services() -> dict[str, Service]:
    """Service type -> its declaration.

    Raises ValueError if two files declare the same type, prefix or kind.
    """
    found: dict[str, Service] = {}
    owners: dict[str, str] = dict.fromkeys(KINDS_OF_NO_SERVICE, "the words themselves")
    for info in pkgutil.iter_modules(services.__path__, services.__name__ + "."):
        service: Service = importlib.import_module(info.name).SERVICE
        if any(
            other.type == service.type or other.prefix == service.prefix for other in found.values()
        ):
            raise ValueError(f"two service files declare {service.type!r} or {service.prefix!r}")
        for resource in service.resources:
            owner = owners.setdefault(resource.kind, f"{service.type} {resource.path}")
            if owner != f"{service.type} {resource.path}":
                raise ValueError(f"{owner} and {service.type} {resource.path}: {resource.kind!r}")
        found[service.type] = service
    return found


@cache
def id_rules() -> Mapping[str, Ids]:
    """Kind -> what its IDs look like, for every kind of every service."""
    return MappingProxyType(
        {
            resource.kind: resource.ids
            for service in all_services().values()
            for resource in service.resources
        }
    )


@cache
def all_quirks() -> Mapping[str, tuple[Quirk, ...]]:
    """Service type -> the quirks of its sites.

    Raises ValueError if two files stand for the same microversion or extension.
    """
    found: dict[str, list[Quirk]] = {}
    for info in pkgutil.iter_modules(quirks.__path__, quirks.__name__ + "."):
        quirk: Quirk = importlib.import_module(info.name).QUIRK
        others = found.setdefault(quirk.service, [])
        if any((each.since, each.alias) == (quirk.since, quirk.alias) for each in others):
            raise ValueError(f"{info.name} stands for what another quirk stands for")
        others.append(quirk)
    return MappingProxyType({service: tuple(each) for service, each in found.items()})
