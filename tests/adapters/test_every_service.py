"""Promises that every service file keeps; a new file is covered the moment it exists."""

from collections.abc import Callable, Iterator
from itertools import count
from random import Random
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.names import Inward, Outward, Site
from adapters.paths import match, rewrite_path
from adapters.queries import ids_in_query, rewrite_query
from adapters.registry import all_services, id_rules
from adapters.shape import Node, item_node
from adapters.spec import (
    ANY,
    KINDS_OF_NO_SERVICE,
    LINK,
    PROJECT,
    USER,
    ZONE,
    By,
    Ids,
    Merge,
    Resource,
    Service,
)
from adapters.translate import ids_in, rewrite, rewrite_body, shape
from idmap.ids import is_uuid, site_namespace
from idmap.pins import PinTable

SITE = Site("tokyo", site_namespace("tokyo"), 7)
OTHER = Site("oslo", site_namespace("oslo"), 8)

SERVICES = list(all_services().values())
RESOURCES = [
    pytest.param(service, resource, id=f"{service.type}:{resource.kind}")
    for service in SERVICES
    for resource in service.resources
]
NUMBERS = count(1)
"""So that no two objects of a test share a UUID by chance."""

few = settings(max_examples=5, deadline=None)
"""There are hundreds of resources, and the same few places in each."""

every_service = pytest.mark.parametrize(
    "service", [pytest.param(service, id=service.type) for service in SERVICES]
)
every_resource = pytest.mark.parametrize(("service", "resource"), RESOURCES)


def kinds_named(resource: Resource) -> Iterator[str]:
    refs = [resource.refs, resource.request_refs, resource.filters]
    refs += [*resource.siblings.values(), *resource.actions.values()]
    for kind in (kind for each in refs for kind in each.values()):
        yield from kind.kinds.values() if isinstance(kind, By) else [kind]
    yield from (part[1:-1] for part in resource.path.split("/") if part.startswith("{"))
    yield resource.id_kind


@every_resource
def test_references_point_at_declared_kinds(service: Service, resource: Resource) -> None:
    assert set(kinds_named(resource)) <= set(id_rules()) | KINDS_OF_NO_SERVICE


@every_resource
def test_embedded_objects_are_of_the_same_service(service: Service, resource: Resource) -> None:
    for kind in resource.embeds.values():
        assert service.resource(kind)


@every_resource
def test_what_is_opaque_is_no_reference(service: Service, resource: Resource) -> None:
    assert not resource.opaque & set(resource.refs)


@every_resource
def test_an_index_lists_the_resource(service: Service, resource: Resource) -> None:
    if resource.index:
        found = match(service, resource.index.partition("?")[0])
        assert found is not None
        assert found.resource is resource
        assert found.object_id is None
        assert not resource.document


@every_resource
def test_what_can_be_looked_up_is_indexed(service: Service, resource: Resource) -> None:
    """A kind of its own, at the top of a service, needs a way back after a loss of the map."""
    if (
        resource.id_kind == resource.kind
        and resource.id_field
        and not resource.document
        and resource.ids in (Ids.UUID, Ids.CHOSEN)
        and resource.merge is Merge.CONCAT
        and "{" not in resource.path
        and not resource.path.startswith(("/os-virtual", "/qos-specs"))
    ):
        assert resource.index


@every_resource
def test_orders_are_fields_with_directions(service: Service, resource: Resource) -> None:
    for key in resource.order:
        field, _, direction = key.partition(":")
        assert field
        assert direction in ("asc", "desc")


@every_resource
def test_paths_lead_to_their_resource(service: Service, resource: Resource) -> None:
    path = "/".join("x" if part.startswith("{") else part for part in resource.path.split("/"))
    found = match(service, path)
    assert found is not None
    assert found.resource is resource
    assert found.object_id is None
    for detail in resource.details:
        assert (found := match(service, f"{path}/{detail}")) is not None
        assert (found.resource, found.object_id, found.tail) == (resource, None, detail)
    if not resource.document:
        assert (found := match(service, f"{path}/an%20id/action")) is not None
        assert (found.resource, found.object_id, found.tail) == (resource, "an id", "action")
        assert found.ids[-1] == (path.count("/"), resource.id_kind)


@every_resource
def test_an_object_is_addressed_by_the_id_it_is_shown_with(
    service: Service, resource: Resource
) -> None:
    """List at the site, show outside, ask for it by that: the path at the site is the object's own."""
    if resource.document or not resource.id_field:
        return
    local = example_id(resource.id_kind)
    out = outward()
    shown = rewrite(shape(service, resource), {resource.id_field: local}, out.change)
    path = "/".join("x" if part.startswith("{") else part for part in resource.path.split("/"))
    there = rewrite_path(service, f"{path}/{shown[resource.id_field]}", inward(out).change)
    assert there == f"{path}/{local}"
    query = rewrite_query(
        shape(service, resource), f"marker={shown[resource.id_field]}", inward(out).change
    )
    if resource.filters.get("marker", resource.id_kind) == resource.id_kind:
        assert query == f"marker={local}"


@every_resource
def test_ids_in_queries_are_of_declared_kinds(service: Service, resource: Resource) -> None:
    names = [*resource.refs, *resource.filters, "id", "marker"]
    raw = "&".join(f"{name}=in:{uuid4()},{uuid4()}" for name in names)
    for kind, value in ids_in_query(shape(service, resource), raw):
        assert kind in id_rules().keys() | KINDS_OF_NO_SERVICE
        assert is_uuid(value)


def outward() -> Outward:
    return Outward(SITE, PinTable(), ids=id_rules())


def inward(out: Outward) -> Inward:
    """The way back of everything that `out` has seen."""
    table = {str(out.change(kind, local)): local for kind in (PROJECT, ANY) for local in out.seen}
    return Inward(SITE, table, ids=id_rules())


def example_id(kind: str) -> str | int:
    if kind == ZONE:
        return "nova"
    match id_rules().get(kind, Ids.UUID):
        case Ids.NUMBER:
            return 12
        case Ids.NAME:
            return "a-name"
    return uuid4().hex if kind in (PROJECT, USER) else str(uuid4())


def random_id(kind: str, random: Random) -> str | int:
    uuid = UUID(int=next(NUMBERS) << 96, version=4)
    if kind == LINK:
        return "http://site/an/url"
    if kind == ZONE:
        return random.choice(["nova", "internal", "az-2", "nova:host-1", "az-2:host-1:node"])
    if kind in (PROJECT, USER):
        return uuid.hex
    match id_rules().get(kind, Ids.UUID):
        case Ids.NUMBER:
            return random.randint(1, 10**9) if random.random() < 0.5 else str(uuid)
        case Ids.NAME:
            return random.choice(["a-name", str(uuid)])
        case Ids.CHOSEN:
            return random.choice(["1", "m1.tiny", str(uuid)])
    return str(uuid)


def free_text(random: Random) -> dict[str, object]:
    """What tenants write themselves, and what we do not know: full of UUIDs, and none is ours."""
    names = ("name", "description", "user_data", "never_heard_of", "never_heard_of_id")
    return {
        **{name: random_id(ANY, random) for name in names},
        "tags": [random_id(ANY, random)],
        "properties": {str(random_id(ANY, random)): random_id(ANY, random)},
    }


def example(node: Node, random: Random) -> object:
    """A body with an ID at every declared place, in one of the forms that may stand there."""
    forms: list[Callable[[], object]] = []
    if isinstance(node.kind, By):
        forms.append(lambda: random_id(ANY, random))
    elif node.kind:
        kind = node.kind
        forms.append(lambda: random_id(kind, random))
    if node.fields:
        fields = {name: example(child, random) for name, child in node.fields.items()}
        forms.append(lambda: {**free_text(random), **fields})
    if node.each is not None:
        each = node.each
        forms.append(lambda: [example(each, random) for _ in range(2)])
    if node.keys or node.values is not None:
        forms.append(
            lambda: {
                str(random_id(node.keys, random)) if node.keys else f"key{at}": (
                    example(node.values, random) if node.values else None
                )
                for at in range(2)
            }
        )
    if not forms or random.random() < 0.1:
        return random.choice([None, ""])
    return random.choice(forms)()


@every_resource
@few
@given(random=st.randoms(use_true_random=False))
def test_what_goes_out_comes_back(service: Service, resource: Resource, random: Random) -> None:
    form = shape(service, resource)
    item = example(item_node(service, resource, request=False), random)
    out = outward()
    shown = rewrite(form, item, out.change)
    assert rewrite(form, shown, inward(out).change) == item
    for (kind, local), (kind_again, seen) in zip(
        ids_in(form, item), ids_in(form, shown), strict=True
    ):
        assert kind == kind_again
        if kind not in (ZONE,) and is_uuid(local) and id_rules().get(kind) is not Ids.NAME:
            assert seen != local


@every_resource
@few
@given(random=st.randoms(use_true_random=False))
def test_two_sites_never_show_the_same_id(
    service: Service, resource: Resource, random: Random
) -> None:
    form = shape(service, resource)
    item = example(item_node(service, resource, request=False), random)
    here = ids_in(form, rewrite(form, item, outward().change))
    there = ids_in(form, rewrite(form, item, Outward(OTHER, PinTable(), ids=id_rules()).change))
    for (kind, mine), (_, other) in zip(here, there, strict=True):
        if is_uuid(mine) and id_rules().get(kind) is not Ids.NAME:
            assert mine != other


@every_resource
@few
@given(random=st.randoms(use_true_random=False))
def test_free_text_and_what_nobody_declared_stay(
    service: Service, resource: Resource, random: Random
) -> None:
    declared = item_node(service, resource, request=True).fields.keys()
    item = {name: value for name, value in free_text(random).items() if name not in declared}
    item["metadata"] = {"a_uuid": str(uuid4()), "id": str(uuid4())}
    form = shape(service, resource)
    if resource.id_field in item:
        del item[resource.id_field]
    assert rewrite(form, item, outward().change) is item
    assert rewrite(form, item, outward().change, request=True) is item
    for body in ({resource.key: item}, {resource.keys: [item]}) if resource.keys else ():
        assert rewrite_body(form, body, outward().change) is body


@every_service
def test_paths_of_a_service_do_not_contradict_each_other(service: Service) -> None:
    assert match(service, "/nothing/of/the/kind") is None
