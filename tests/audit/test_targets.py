"""What a request acts on and how, in the words of CADF."""

import pytest
from pycadf import cadftaxonomy

from adapters.registry import all_services
from federator.audit.target import Target, target_of

A, B = "11111111-2222-4333-8444-555555555555", "66666666-7777-4888-8999-aaaaaaaaaaaa"
PROJECT = "d0d947d0efa84fa0b44946321e736a62"
SERVICES = tuple(all_services().values())


def seen(method: str, path: str) -> Target:
    target = target_of(SERVICES, method, path, PROJECT)
    assert target is not None
    return target


@pytest.mark.parametrize(
    ("method", "path", "type_uri", "id_", "action"),
    [
        ("GET", "/compute/v2.1/servers", "compute/servers", "", "read/list"),
        ("GET", "/compute/v2.1/servers/detail", "compute/servers", "", "read/list"),
        ("POST", "/compute/v2.1/servers", "compute/servers", "", "create"),
        ("GET", f"/compute/v2.1/servers/{A}", "compute/servers", A, "read"),
        ("HEAD", f"/compute/v2.1/servers/{A}", "compute/servers", A, "read"),
        ("PUT", f"/compute/v2.1/servers/{A}", "compute/servers", A, "update"),
        ("DELETE", f"/compute/v2.1/servers/{A}", "compute/servers", A, "delete"),
        ("POST", f"/compute/v2.1/servers/{A}/action", "compute/servers", A, "update"),
        (
            "DELETE",
            f"/compute/v2.1/servers/{A}/os-volume_attachments/{B}",
            "compute/servers/os-volume_attachments",
            B,
            "delete",
        ),
        ("GET", "/network/v2.0/networks.json", "network/networks", "", "read/list"),
        ("PUT", f"/network/v2.0/routers/{A}/add_router_interface", "", A, "update"),
        ("GET", f"/volume/v3/{PROJECT}/volumes", "storage/block/volumes", "", "read/list"),
        ("PATCH", f"/image/v2/images/{A}", "storage/image/images", A, "update"),
        ("PUT", f"/image/v2/images/{A}/file", "storage/image/images/file", A, "update"),
        ("GET", "/placement/resource_providers", "placement/resource_providers", "", "read/list"),
        ("GET", f"/compute/v2.1/os-nonesuch/{A}", "compute/os-nonesuch", A, "read"),
        ("PURGE", "/compute/v2.1/servers", "compute/servers", "", "unknown"),
        ("GET", "/identity/v3/projects", "security/projects", "", "read/list"),
        ("GET", f"/identity/v3/projects/{PROJECT}", "security/projects", PROJECT, "read"),
        (
            "PUT",
            f"/identity/v3/projects/{PROJECT}/users/u1/roles/r1",
            "security/projects/users/roles",
            "r1",
            "update",
        ),
        ("GET", "/identity/v3/auth/tokens", "security/auth/tokens", "", "read"),
        ("DELETE", "/identity/v3/auth/tokens", "security/auth/tokens", "", "revoke"),
        ("GET", "/federation/v1/sites", "federation/sites", "", "read/list"),
        ("GET", "/federation/v1/sites/paris", "federation/sites", "paris", "read"),
        ("POST", "/federation/v1/sites/paris/pause", "federation/sites", "paris", "update/pause"),
        ("POST", "/federation/v1/sites/a/resume", "federation/sites", "a", "update/resume"),
        ("GET", f"/federation/v1/ids/{A}", "federation/ids", A, "read"),
        ("GET", "/federation/v1/whoami", "federation/whoami", "", "read"),
    ],
)
def test_targets_and_actions(method: str, path: str, type_uri: str, id_: str, action: str) -> None:
    target = seen(method, path)
    if type_uri:
        assert target.type_uri == f"service/{type_uri}"
    assert (target.id, target.action) == (id_, action)
    assert cadftaxonomy.is_valid_resource(target.type_uri)
    assert cadftaxonomy.is_valid_action(target.action)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/identity/v3/auth/tokens"),
        ("POST", "/identity//v3/auth/tokens/"),
        ("GET", "/identity/v3/OS-FEDERATION/identity_providers/corp/protocols/openid/auth"),
        ("POST", "/identity/v3/OS-FEDERATION/identity_providers/corp/protocols/openid/auth"),
        ("GET", "/identity/v3/auth/OS-FEDERATION/websso/openid"),
    ],
)
def test_logins(method: str, path: str) -> None:
    target = seen(method, path)
    assert target.is_login
    assert (target.type_uri, target.action) == (cadftaxonomy.ACCOUNT_USER, "authenticate")


@pytest.mark.parametrize("path", ["/", "/healthcheck", "/metrics", "/identityx", "/computed"])
def test_what_is_no_service_is_nothing(path: str) -> None:
    assert target_of(SERVICES, "GET", path, None) is None


def test_every_service_is_in_the_taxonomy() -> None:
    for service in SERVICES:
        target = seen("GET", f"{service.prefix}{service.version}/{service.resources[0].key}")
        assert cadftaxonomy.is_valid_resource(target.type_uri)
