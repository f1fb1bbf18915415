"""Logins, tokens and the catalogue through the front rooms, with unmodified clients."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from keystoneauth1 import session
from keystoneauth1.exceptions import http as errors
from keystoneauth1.identity import v3

from adapters.endings import Ending
from tests.front.conftest import REGION, Front
from tests.front.people import ALPHA, admin_of, login, token_of


def test_a_token_carries_our_catalogue(front: Front) -> None:
    access = login(front, **ALPHA).auth.get_access(session.Session())  # type: ignore[union-attr]
    urls = access.service_catalog.get_endpoints_data(interface="public")
    assert urls["compute"][0].url == f"{front.url}/compute/v2.1"
    assert urls["volumev3"][0].url == f"{front.url}/volume/v3/{access.project_id}"
    regions = {one.region_name for found in urls.values() for one in found}
    assert regions == {REGION}
    assert "service_providers" not in access._data["token"]


def test_unscoped_then_rescoped_then_by_application_credential(front: Front) -> None:
    unscoped = login(front, unscoped=True)
    access = unscoped.auth.get_access(unscoped)  # type: ignore[union-attr]
    assert not access.scoped
    assert not access.has_service_catalog()

    rescoped = session.Session(v3.Token(f"{front.url}/identity", token=access.auth_token, **ALPHA))
    assert rescoped.get_project_id()
    path = f"/v3/users/{access.user_id}/application_credentials"
    made = login(front, **ALPHA).post(
        f"{front.url}/identity{path}",
        json={"application_credential": {"name": f"front-{uuid4().hex}"}},
    )
    credential = made.json()["application_credential"]
    by_credential = session.Session(
        v3.ApplicationCredential(
            f"{front.url}/identity",
            application_credential_id=credential["id"],
            application_credential_secret=credential["secret"],
        )
    )
    try:
        assert credential["links"]["self"].startswith(f"{front.url}/identity/v3/")
        assert by_credential.get_project_id() == rescoped.get_project_id()
    finally:
        login(front, **ALPHA).delete(f"{front.url}/identity{path}/{credential['id']}")


def test_tokens_are_shown_asked_for_and_revoked(front: Front) -> None:
    token, other = token_of(front), token_of(front)
    url = f"{front.url}/identity/v3/auth/tokens"
    headers = {"X-Auth-Token": token, "X-Subject-Token": other}
    shown = requests.get(url, headers=headers, timeout=60)
    assert shown.headers["X-Subject-Token"] == other
    assert "X-Auth-Token" in shown.headers["Vary"]
    body = shown.json()["token"]
    assert {entry["type"] for entry in body["catalog"]} >= {"identity", "compute", "volumev3"}
    bare = requests.get(url, params="nocatalog", headers=headers, timeout=60).json()["token"]
    assert "catalog" not in bare
    assert "service_providers" not in body | bare
    head = requests.head(url, headers=headers, timeout=60)
    assert (head.status_code, head.content) == (200, b"")
    gone = requests.delete(url, headers=headers, timeout=60)
    assert (gone.status_code, gone.content) == (204, b"")
    assert front.endings[-1] == Ending.of_token(other)
    assert requests.head(url, headers=headers, timeout=60).status_code == 404


def test_the_catalogue_alone_knows_the_project(front: Front) -> None:
    alice = login(front, **ALPHA)
    body = alice.get(f"{front.url}/identity/v3/auth/catalog").json()
    (volume,) = [entry for entry in body["catalog"] if entry["type"] == "volumev3"]
    assert {each["url"] for each in volume["endpoints"]} == {
        f"{front.url}/volume/v3/{alice.get_project_id()}"
    }
    assert body["links"]["self"] == f"{front.url}/identity/v3/auth/catalog"


def test_lists_of_the_catalogue_are_for_whom_home_lets(front: Front, lab: Path) -> None:
    with pytest.raises(errors.Forbidden):
        login(front, **ALPHA).get(f"{front.url}/identity/v3/endpoints")
    admin = admin_of(front, lab)
    base = f"{front.url}/identity/v3"
    services = admin.get(f"{base}/services?type=compute").json()["services"]
    (service,) = services
    found = admin.get(f"{base}/endpoints?service_id={service['id']}").json()["endpoints"]
    assert {each["url"] for each in found} == {f"{front.url}/compute/v2.1"}
    assert admin.get(f"{base}/services/{service['id']}").json() == {"service": service}
    (region,) = admin.get(f"{base}/regions").json()["regions"]
    assert region["id"] == REGION
    with pytest.raises(errors.NotFound, match="Could not find endpoint: x"):
        admin.get(f"{base}/endpoints/x")
    with pytest.raises(errors.Forbidden):
        admin.post(f"{base}/services", json={"service": {"type": "x"}})


def test_links_of_users_projects_and_roles_are_ours(front: Front, lab: Path) -> None:
    admin = admin_of(front, lab)
    for path in ("users", "projects?limit=1", "role_assignments", "domains", "roles", "groups"):
        body = admin.get(f"{front.url}/identity/v3/{path}").json()
        assert body["links"]["self"].startswith(f"{front.url}/identity/v3/"), path


def cli(front: Front, *words: str, **env: str) -> Any:
    options = {
        "OS_AUTH_URL": f"{front.url}/identity",
        "OS_USERNAME": "alice",
        "OS_PASSWORD": "alice-secret",
        "OS_USER_DOMAIN_NAME": "acme",
        "OS_PROJECT_NAME": "alpha",
        "OS_PROJECT_DOMAIN_NAME": "acme",
        "OS_IDENTITY_API_VERSION": "3",
    }
    command = [str(Path(sys.executable).with_name("openstack")), *words, "-f", "json"]
    rest = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
    done = subprocess.run(command, env=rest | options | env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def test_the_openstack_command(front: Front) -> None:
    token = cli(front, "token", "issue")
    assert token["project_id"]
    unscoped = cli(front, "token", "issue", OS_PROJECT_NAME="", OS_PROJECT_DOMAIN_NAME="")
    assert "project_id" not in unscoped
    catalog = cli(front, "catalog", "list")
    assert {
        "identity",
        "compute",
        "network",
        "image",
        "block-storage",
        "volumev3",
        "placement",
    } == {entry["Type"] for entry in catalog}
    projects = cli(front, "project", "list", "--my-projects")
    assert {"alpha", "beta"} <= {each["Name"] for each in projects}
    assert cli(front, "user", "show", token["user_id"])["name"] == "alice"
    versions = {
        (each["Service Type"], each["Version"]): each for each in cli(front, "versions", "show")
    }
    assert versions["compute", "2.1"]["Max Microversion"] == "2.95"
    assert versions["compute", "2.1"]["Endpoint"] == f"{front.url}/compute/v2.1/"
    assert versions["block-storage", "3.0"]["Max Microversion"] == "3.70"
    assert ("placement", "1.0") in versions
    assert ("image", "2.15") in versions
    assert ("network", "2.0") in versions
