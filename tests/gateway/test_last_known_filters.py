"""Which of the remembered objects a list asks for, as each service would decide it."""

from typing import Any

import pytest

from adapters.registry import all_services
from federator.lastknown.filters import CannotTell, asked_for

SERVER = {
    "id": "s1",
    "name": "Web-1",
    "status": "ACTIVE",
    "tenant_id": "p1",
    "flavor": {"id": "f1"},
    "image": {"id": "i1"},
    "updated": "2026-03-02T09:08:07Z",
    "OS-EXT-AZ:availability_zone": "tokyo",
    "addresses": {"net": [{"version": 4, "addr": "10.0.0.17"}, {"version": 6, "addr": "fd00::17"}]},
}
PORT = {
    "id": "o1",
    "name": "uplink",
    "project_id": "p1",
    "admin_state_up": True,
    "network_id": "n1",
    "fixed_ips": [{"subnet_id": "u1", "ip_address": "10.0.0.17"}],
    "security_groups": ["g1", "g2"],
}
IMAGE = {
    "id": "i1",
    "name": "cirros",
    "status": "active",
    "owner": "p1",
    "visibility": "public",
    "size": 1000,
    "protected": False,
    "created_at": "2026-03-02T09:08:07Z",
}
VOLUME = {
    "id": "v1",
    "name": "data",
    "status": "in-use",
    "os-vol-tenant-attr:tenant_id": "p1",
    "bootable": "false",
    "updated_at": "2026-03-02T09:08:07.000000",
}
FLAVOR = {"id": "1", "name": "m1.tiny", "ram": 512, "disk": 1, "os-flavor-access:is_public": True}
THINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "server": ("compute", SERVER),
    "flavor": ("compute", FLAVOR),
    "port": ("network", PORT),
    "image": ("image", IMAGE),
    "volume": ("block-storage", VOLUME),
}


def _matches(kind: str, query: str) -> bool:
    service, item = THINGS[kind]
    declared = all_services()[service]
    return asked_for(declared, declared.resource(kind), query)(item)


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("server", ""),
        ("server", "limit=5&marker=x&sort_key=name&sort_dir=asc&all_tenants=1"),
        ("server", "name=web"),
        ("server", "name=%5Eweb-%5Cd%24"),
        ("server", "status=ACTIVE"),
        ("server", "project_id=p1"),
        ("server", "tenant_id=p1"),
        ("server", "flavor=f1&image=i1"),
        ("server", "ip=10.0.0"),
        ("server", "ip6=fd00"),
        ("server", "changes-since=2026-03-02T00:00:00Z"),
        ("server", "changes-before=2026-03-03T00:00:00Z"),
        ("server", "deleted=False"),
        ("server", "availability_zone=tokyo"),
        ("flavor", "is_public=None"),
        ("flavor", "is_public=True&minRam=512&minDisk=1"),
        ("port", "name=uplink"),
        ("port", "name=other&name=uplink"),
        ("port", "admin_state_up=True"),
        ("port", "admin_state_up=true"),
        ("port", "fixed_ips=ip_address%3D10.0.0.17&fixed_ips=subnet_id%3Du1"),
        ("port", "security_groups=g2"),
        ("port", "tenant_id=p1&fields=id&fields=name"),
        ("image", "visibility=all"),
        ("image", "visibility=public&owner=p1"),
        ("image", "name=in:debian,cirros"),
        ("image", "name=in:%22debian%22,%22cirros%22"),
        ("image", "size_min=1000&size_max=1000"),
        ("image", "created_at=gte:2026-03-02T09:08:07Z"),
        ("image", "protected=False"),
        ("volume", "name=data&status=in-use&project_id=p1"),
        ("volume", "name~=at"),
        ("volume", "updated_at=lt:2026-03-03T00:00:00"),
        ("volume", "bootable=False"),
    ],
)
def test_what_is_asked_for_is_found(kind: str, query: str) -> None:
    assert _matches(kind, query)


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("server", "name=database"),
        ("server", "status=ERROR"),
        ("server", "project_id=p2"),
        ("server", "flavor=f2"),
        ("server", "ip=192.168"),
        ("server", "changes-since=2026-04-01T00:00:00Z"),
        ("server", "deleted=True"),
        ("flavor", "is_public=False"),
        ("flavor", "minRam=1024"),
        ("port", "name=UPLINK"),
        ("port", "admin_state_up=False"),
        ("port", "fixed_ips=ip_address%3D10.0.0.17&fixed_ips=subnet_id%3Du2"),
        ("port", "security_groups=g3"),
        ("image", "visibility=private"),
        ("image", "name=in:debian,ubuntu"),
        ("image", "size_max=999"),
        ("image", "created_at=gt:2026-03-02T09:08:07Z"),
        ("volume", "status=available"),
        ("volume", "name~=x"),
    ],
)
def test_what_is_not_asked_for_is_not_found(kind: str, query: str) -> None:
    assert not _matches(kind, query)


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("server", "tags=blue"),
        ("server", "host=compute-1"),
        ("server", "name=%5B"),
        ("flavor", "minRam=much"),
        ("image", "size_min=-"),
        ("port", "tags-any=blue"),
        ("port", "fixed_ips=ip_address_substr%3D10"),
        ("image", "tag=blue"),
        ("image", "hw_disk_bus=scsi"),
        ("volume", "metadata=%7B%7D"),
        ("volume", "glance_metadata=%7B%7D"),
    ],
)
def test_what_cannot_be_decided_is_not_guessed(kind: str, query: str) -> None:
    with pytest.raises(CannotTell):
        _matches(kind, query)
