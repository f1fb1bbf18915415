"""Every file in adapters/services that says SERVICE is a service. There is no list to edit."""

import importlib
import pkgutil
from functools import cache

from adapters import services
from adapters.spec import Service


@cache
def all_services() -> dict[str, Service]:
    """Service type -> its declaration. Raises ValueError if two files declare the same type or prefix."""
    found: dict[str, Service] = {}
    for info in pkgutil.iter_modules(services.__path__, services.__name__ + "."):
        service: Service = importlib.import_module(info.name).SERVICE
        if any(other.type == service.type or other.prefix == service.prefix for other in found.values()):
            raise ValueError(f"two service files declare {service.type!r} or {service.prefix!r}")
        found[service.type] = service
    return found
