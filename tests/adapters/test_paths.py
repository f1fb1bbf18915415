"""Which resource a path belongs to, and its IDs."""

from typing import Any

import pytest

from adapters.paths import match, rewrite_path
from adapters.registry import all_services
from adapters.spec import Resource, Service

COMPUTE = all_services()["compute"]
NETWORK = all_services()["network"]
STORAGE = all_services()["block-storage"]
UUID = "0b5c3f0e-5d0a-4f5e-9a51-6f1d1c9a7a11"


@pytest.mark.parametrize(
    ("service", "path", "kind", "ids", "object_id", "tail"),
    [
        (COMPUTE, "/servers", "server", [], None, ""),
        (COMPUTE, "/servers/", "server", [], None, ""),
        (COMPUTE, "/servers/detail", "server", [], None, "detail"),
        (COMPUTE, "/servers/a", "server", ["server"], "a", ""),
        (COMPUTE, "/servers/a/action", "server", ["server"], "a", "action"),
        (COMPUTE, f"/servers/a/new/{UUID}/x", "server", ["server", "any"], "a", f"new/{UUID}/x"),
        (COMPUTE, "/os-keypairs/my%2Fkey", "keypair", ["keypair"], "my/key", ""),
        (COMPUTE, "/os-quota-sets/p/detail", "compute_quota_set", ["project"], None, "detail"),
        (COMPUTE, "/os-quota-sets/p", "compute_quota_set", ["project"], None, ""),
        (
            COMPUTE,
            "/servers/a/os-interface/b",
            "interfaceAttachment",
            ["server", "port"],
            "b",
            "",
        ),
        (NETWORK, "/quotas/p", "quota", ["project"], "p", ""),
        (NETWORK, "/quotas/p/default", "quota_default", ["project"], None, ""),
        (NETWORK, "/routers/a/add_router_interface", "add_router_interface", ["router"], None, ""),
        (NETWORK, "/agents/a/l3-routers/b", "router_of_agent", ["agent", "router"], "b", ""),
        (STORAGE, "/groups/action", "group", [], None, "action"),
        (STORAGE, "/backups/import_record", "backup_import", [], None, ""),
    ],
)
def test_matches(
    service: Service, path: str, kind: str, ids: list[str], object_id: str | None, tail: str
) -> None:
    found = match(service, path)
    assert found is not None
    assert found.resource.kind == kind
    assert [each for _, each in found.ids] == ids
    assert (found.object_id, found.tail) == (object_id, tail)


@pytest.mark.parametrize("path", ["", "/", "/unknown", "/qos", "/scheduler-stats/unknown"])
def test_nothing_declared(path: str) -> None:
    assert match(NETWORK, path) is None


def upper(kind: str, value: Any) -> Any:
    return f"{kind}:{value}"


def test_only_ids_change() -> None:
    assert rewrite_path(COMPUTE, "/servers/a%20b/tags/a%2Fb", upper) == (
        "/servers/server%3Aa%20b/tags/server_tag%3Aa%2Fb"
    )
    assert rewrite_path(COMPUTE, "/servers/detail", upper) == "/servers/detail"


def test_an_unknown_path_has_the_ids_that_look_like_ids() -> None:
    assert rewrite_path(COMPUTE, f"/unknown/a/{UUID}", upper) == f"/unknown/a/any%3A{UUID}"


def test_bytes_stay_where_nothing_changes() -> None:
    path = "/os-keypairs/a%2fb/%7e"
    assert rewrite_path(COMPUTE, path, lambda kind, value: value) is path


def test_two_kinds_cannot_share_a_place() -> None:
    service = Service(
        type="odd",
        prefix="/odd",
        version="",
        resources=(
            Resource(path="/things", key="thing", keys="things"),
            Resource(path="/things/{other}/parts", key="part", keys="parts"),
        ),
    )
    with pytest.raises(ValueError, match="thing"):
        match(service, "/things")
