"""IDs in query strings, and everything else in them as it came."""

from typing import Any

import pytest

from adapters.queries import ids_in_query, rewrite_query
from adapters.registry import all_services
from adapters.translate import Shape, shape


def form(service_type: str, kind: str) -> Shape:
    service = all_services()[service_type]
    return shape(service, service.resource(kind))


def upper(kind: str, value: Any) -> Any:
    return str(value).upper()


IMAGE = ("image", "image")
PORT = ("network", "port")
PROVIDER = ("placement", "resource_provider")


@pytest.mark.parametrize(
    ("where", "raw", "new"),
    [
        (IMAGE, "id=in%3Aa%2Cb&name=in:a,b", "id=in%3AA%2CB&name=in:a,b"),
        (IMAGE, "id=in:a,b&id=c", "id=in:A,B&id=C"),
        (IMAGE, 'id=in:"a","b"', "id=in:%22A%22,%22B%22"),
        (IMAGE, "limit=2&marker=a&sort=name%3Aasc", "limit=2&marker=A&sort=name%3Aasc"),
        (PORT, "network_id=a&network_id=b", "network_id=A&network_id=B"),
        (PORT, "fixed_ips=subnet_id=a", "fixed_ips=subnet_id=A"),
        (PORT, "fixed_ips=subnet_id%3Da", "fixed_ips=subnet_id%3DA"),
        (PORT, "fixed_ips=ip_address%3D10.0.0.1", "fixed_ips=ip_address%3D10.0.0.1"),
        (PORT, "security_groups=a&device_id=b", "security_groups=A&device_id=B"),
        (PORT, "fields=id&fields=name", "fields=id&fields=name"),
        (PORT, "description=a%2fb+c&tags=id", "description=a%2fb+c&tags=id"),
        (("compute", "server"), "flavor=a&image=b&name=c", "flavor=A&image=B&name=c"),
        (("compute", "migration"), "instance_uuid=a", "instance_uuid=A"),
        (("compute", "tenant_usage"), "marker=a", "marker=A"),
        (PROVIDER, "member_of=in:a,b&member_of=!c", "member_of=in:A,B&member_of=!C"),
        (PROVIDER, "in_tree_NUMA=a&resources=VCPU:1", "in_tree_NUMA=A&resources=VCPU:1"),
        (PROVIDER, "uuid=a", "uuid=A"),
        (IMAGE, "id=&&marker&x", "id=&&marker&x"),
        (IMAGE, "", ""),
    ],
)
def test_ids_change_and_nothing_else(where: tuple[str, str], raw: str, new: str) -> None:
    assert rewrite_query(form(*where), raw, upper) == new


def test_ids_and_their_kinds() -> None:
    found = ids_in_query(form(*PORT), "device_id=a&fixed_ips=subnet_id%3Db&project_id=c&name=d")
    assert found == [("any", "a"), ("subnet", "b"), ("project", "c")]


def test_a_query_that_needs_no_change_keeps_its_bytes() -> None:
    raw = "network_id=%61&x=%7e~"
    assert rewrite_query(form(*PORT), raw, lambda kind, value: value) is raw
