"""Reading the sites from clouds.yaml, and what is said when it is wrong."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.errors import SettingsError
from adapters.sites import load_home, load_sites
from idmap.ids import site_namespace

EXCHANGE = ("endpoint", "client_id", "client_secret")
AUTH = {"auth_url": "http://keystone/v3", "username": "federator", "project_name": "service"}


def write(folder: Path, *, secure: dict[str, Any] | None = None, **clouds: Any) -> Path:
    path = folder / "clouds.yaml"
    path.write_text(yaml.safe_dump({"clouds": clouds}))
    if secure:
        (folder / "secure.yaml").write_text(yaml.safe_dump({"clouds": secure}))
    return path


def cloud(**federation: Any) -> dict[str, Any]:
    return {"auth": {**AUTH, "password": "pw"}, "federation": federation}


def test_sites_come_in_the_order_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, paris=cloud(), tokyo=cloud(), rome=cloud())
    assert list(load_sites(path, ["tokyo", "paris"])) == ["tokyo", "paris"]


def test_passwords_may_stand_in_secure_yaml(tmp_path: Path) -> None:
    secret = {"paris": {"auth": {"password": "from secure.yaml"}}}
    path = write(tmp_path, paris={"auth": AUTH}, secure=secret)
    site = load_sites(path, ["paris"])["paris"]
    assert site.auth["password"] == "from secure.yaml"
    assert "from secure.yaml" not in repr(site)


def test_so_may_the_secret_of_the_gateways_client_at_a_provider(tmp_path: Path) -> None:
    secret = {"paris": {"federation": {"token_exchange": {"client_secret": "from secure.yaml"}}}}
    client = {"endpoint": "https://login/token", "client_id": "federator"}
    path = write(tmp_path, paris=cloud(strategy="oidc", token_exchange=client), secure=secret)
    exchange = load_sites(path, ["paris"])["paris"].federation.token_exchange
    assert exchange is not None
    assert exchange.client_secret.get_secret_value() == "from secure.yaml"
    assert "from secure.yaml" not in repr(exchange)


def test_the_environment_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_AUTH_URL", "http://elsewhere")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", "/dev/null")
    assert load_home(write(tmp_path, home=cloud()), "home").auth_url == AUTH["auth_url"]


def test_overrides_are_found_under_any_alias_of_a_service(tmp_path: Path) -> None:
    entry = cloud() | {
        "compute_endpoint_override": "http://r/compute",
        "volumev3_endpoint_override": "http://r/volume/%(project_id)s",
        "object_store_endpoint_override": "http://r/swift",
    }
    overrides = load_sites(write(tmp_path, paris=entry), ["paris"])["paris"].overrides
    assert overrides == {
        "compute": "http://r/compute",
        "block-storage": "http://r/volume/%(project_id)s",
        "object-store": "http://r/swift",
    }


def test_what_is_not_stated_follows_from_the_name(tmp_path: Path) -> None:
    site = load_sites(write(tmp_path, paris={"auth": AUTH}), ["paris"])["paris"]
    assert site.key.namespace == site_namespace("paris")
    assert site.service_provider == "paris"
    assert site.federation.admin is False
    assert site.federation.group_domain == "federation"


def test_names_of_projects_are_taken_as_written(tmp_path: Path) -> None:
    projects = {"my-domain/my-project": "their-domain/a/b-c"}
    path = write(tmp_path, paris=cloud(projects=projects))
    assert load_sites(path, ["paris"])["paris"].federation.projects == projects


def test_certificates_are_read_as_the_sdk_reads_them(tmp_path: Path) -> None:
    path = write(tmp_path, a=cloud() | {"verify": False}, b=cloud() | {"cacert": "/ca.pem"})
    assert load_home(path, "a").verify is False
    assert load_home(path, "b").verify == "/ca.pem"


@pytest.mark.parametrize(
    ("clouds", "named"),
    [
        ({"paris": cloud()}, ("clouds.tokyo", "add it", "paris")),
        ({"tokyo": {"auth": {}}}, ("clouds.tokyo", "auth_url")),
        ({"tokyo": cloud() | {"auth_type": "magic"}}, ("clouds.tokyo", "magic")),
        ({"tokyo": cloud(colour=1)}, ("federation.colour", "no such setting", "namespace")),
        ({"tokyo": cloud(number=0)}, ("federation.number", "greater than or equal to 1")),
        ({"tokyo": cloud(number=1000)}, ("federation.number", "less than 1000")),
        ({"tokyo": cloud(namespace="x")}, ("federation.namespace", "UUID")),
        ({"tokyo": cloud(projects={"alpha": "a/b"})}, ("federation.projects", "DOMAIN/PROJECT")),
        (
            {"tokyo": cloud(token_exchange={"client_id": "x"})},
            ("token_exchange.endpoint", "required"),
        ),
        (
            {"tokyo": cloud(token_exchange=dict.fromkeys(EXCHANGE, "x") | {"colour": "red"})},
            ("token_exchange.colour", "no such setting", "audience"),
        ),
        ({"tokyo": cloud(strategy="magic")}, ("federation.strategy", "k2k, mapped, oidc, shared")),
        ({"tokyo": cloud() | {"federation": [1]}}, ("clouds.tokyo.federation", "mapping")),
        ({"tokyo": None}, ("clouds.tokyo",)),
        (
            {"paris": cloud(number=7), "tokyo": cloud(number=7)},
            ("'paris'", "'tokyo'", "number", "federation"),
        ),
        (
            {"paris": cloud(), "tokyo": cloud(service_provider="paris")},
            ("clouds.tokyo.federation.service_provider", "paris"),
        ),
    ],
)
def test_a_wrong_setting_is_one_line_with_file_key_and_cure(
    tmp_path: Path, clouds: dict[str, Any], named: tuple[str, ...]
) -> None:
    path = write(tmp_path, **clouds)
    with pytest.raises(SettingsError) as caught:
        load_sites(path, [name for name in ("paris", "tokyo") if name in clouds or name == "tokyo"])
    text = str(caught.value)
    assert "\n" not in text
    for part in (str(path), *named):
        assert part in text


@pytest.mark.parametrize("text", ["clouds: [", "just text", "- a list", "clouds: 7"])
def test_a_file_that_is_no_clouds_yaml_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clouds.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"clouds\.yaml"):
        load_home(path, "home")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no such file"):
        load_home(tmp_path / "clouds.yaml", "home")
