"""Every file in adapters/services that says SERVICE is a service. There is no list to edit."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from adapters import services
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
