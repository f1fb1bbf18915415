"""What looks like an ID to openstacksdk, every service file has an opinion on: a ref, or opaque."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType

import pytest
from _pytest.mark import ParameterSet
from openstack.resource import Resource as SdkResource

from adapters.registry import all_services
from adapters.shape import Node, body_node, item_node
from adapters.spec import Resource, Service

ID_LIKE = re.compile(
    r"(^|[_:a-z])(id|uuid)s?$|Ref$|Ids?$|_volid$|^(owner|project|tenant|instance)$"
)

NOT_DECLARED = re.compile(r"/lbaas/")
"""Paths of SDK classes without a declaration: Octavia's predecessor is gone."""

SAME_PATH = {
    "/scheduler-stats/get_pools?detail=True": "/scheduler-stats/get_pools",
    "/auto-allocated-topology": "/auto-allocated-topology/{}",
    "/auto-allocated-topology/{}?fields=dry-run": "/auto-allocated-topology/{}",
    "/schemas": "/schemas/metadefs",
    "/volumes/summary": "/volumes",
    "/allocations": "/allocations/{}",
}
"""Where the SDK's path of a thing is not that of the API, or not only that."""

SDK_ONLY = {
    "id",  # every class has one, whether the API shows it or not
    "location",
    "consumer_id",  # in the API it is the key of the object in which this stands
}


def sdk_package(service: Service) -> ModuleType | None:
    """The SDK's newest package for a service, if it has one."""
    name = f"openstack.{service.type.replace('-', '_')}"
    try:
        versions = pkgutil.iter_modules(importlib.import_module(name).__path__)
    except ModuleNotFoundError:
        return None
    newest = max(info.name for info in versions if re.fullmatch(r"v\d+", info.name))
    return importlib.import_module(f"{name}.{newest}")


def sdk_classes(package: ModuleType) -> Iterator[type[SdkResource]]:
    for info in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        for value in vars(importlib.import_module(info.name)).values():
            if (
                isinstance(value, type)
                and issubclass(value, SdkResource)
                and value.__module__ == info.name
                and value.base_path
            ):
                yield value


def id_fields(cls: type[SdkResource], prefix: str = "", depth: int = 0) -> Iterator[str]:
    """Field paths that look like IDs, in the class and in the classes of its fields.

    Inside others, whole resources are shown by little more than their IDs.
    """
    if prefix and cls.base_path:
        yield prefix + "id"
        return
    for base in cls.__mro__:
        for value in vars(base).values():
            name = getattr(value, "name", None)
            if type(value).__name__ != "Body" or not isinstance(name, str):
                continue
            if ID_LIKE.search(name) and name not in SDK_ONLY:
                yield prefix + name
            for inner in (getattr(value, "type", None), getattr(value, "list_type", None)):
                if isinstance(inner, type) and issubclass(inner, SdkResource) and depth < 2:
                    mark = "[]" if inner is getattr(value, "list_type", None) else ""
                    yield from id_fields(inner, f"{prefix}{name}{mark}.", depth + 1)


def anonymous(path: str) -> str:
    return re.sub(r"%\(\w+\)s|\{\w+\}", "{}", path)


def cases() -> Iterator[ParameterSet]:
    for service in all_services().values():
        package = sdk_package(service)
        if package is None:
            continue
        by_path = {anonymous(resource.path): resource for resource in service.resources}
        for cls in sdk_classes(package):
            if not NOT_DECLARED.search(cls.base_path):
                path = anonymous(cls.base_path)
                found = by_path.get(SAME_PATH.get(path, path))
                yield pytest.param(service, found, cls, id=f"{service.type}:{cls.__name__}")


def declared(node: Node, prefix: str = "") -> Iterator[str]:
    """Every field path under which something is declared."""
    for name, child in node.fields.items():
        here = f"{prefix}{name}"
        if child.kind or child.keys or (child.each is not None and child.each.kind):
            yield here
        yield from declared(child, here + ".")
        if child.each is not None:
            yield from declared(child.each, here + "[].")


@pytest.mark.parametrize(("service", "resource", "cls"), list(cases()))
def test_every_id_the_sdk_knows_is_a_reference_or_opaque(
    service: Service, resource: Resource | None, cls: type[SdkResource]
) -> None:
    assert resource is not None, f"{cls.base_path} is declared nowhere"
    ours = {
        *declared(item_node(service, resource, request=False)),
        *declared(item_node(service, resource, request=True)),
        *declared(body_node(service, resource, request=False)),
    }
    looks_like_one = set(id_fields(cls))
    unknown = {
        path
        for path in looks_like_one - ours - resource.opaque
        if path.split(".")[0].removesuffix("[]") not in resource.opaque
    }
    assert unknown == set()
