"""What the command says of itself and of a wrong setting: one line, and never a traceback."""

import os
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import COMMAND, federator, settings_file

AUTH = {"username": "federator", "password": "x", "project_name": "p", "user_domain_id": "default"}
CLOUDS = {
    name: {"auth": {**AUTH, "auth_url": f"http://127.0.0.1:9/{name}/v3"}}
    for name in ("home", "paris", "tokyo")
}
GOOD = {"sites": ["paris", "tokyo"]}


def refused(folder: Path, settings: Any, clouds: Any = None) -> str:
    """What ``federator serve`` complains of, with these settings and this clouds.yaml."""
    settings_file(folder / "clouds.yaml", {"clouds": CLOUDS} if clouds is None else clouds)
    config = settings_file(folder / "federator.yaml", settings)
    complaint = federator("serve", "--config", config).complaint
    assert complaint.startswith("federator: ")
    return complaint


def cloud(site: str, **changes: Any) -> dict[str, Any]:
    """A clouds.yaml in which the entry of one site is another."""
    return {"clouds": {**CLOUDS, site: {**CLOUDS[site], **changes}}}


def test_help_names_the_commands() -> None:
    said = federator("--help")
    assert said.code == 0
    assert "One OpenStack endpoint over many OpenStack sites." in said.out
    assert {"serve", "idmap"} <= set(said.out.split())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["serve"], "--config"),
        (["idmap"], "rebuild"),
        (["idmap", "show"], "Show where an ID lives"),
        (["idmap", "rebuild"], "Restore the map from the sites"),
    ],
    ids=" ".join,
)
def test_every_command_explains_itself(words: list[str], told: str) -> None:
    said = federator(*words, "--help")
    assert (said.code, said.err) == (0, "")
    assert told in said.out


def test_version() -> None:
    # As it is installed; elsewhere it is loaded once and forked.
    said = subprocess.run([COMMAND, "--version"], capture_output=True, text=True, timeout=120)
    assert (said.returncode, said.stdout) == (0, "federator, version 0.1.0\n")


def test_a_command_that_does_not_exist() -> None:
    said = federator("serv")
    assert said.code == 2
    assert "No such command 'serv'" in said.err


@pytest.mark.parametrize(
    ("settings", "key", "cure"),
    [
        ({**GOOD, "site": "paris"}, "site", "there is no such setting; known are "),
        ({"home": "home"}, "sites", "is missing; add it"),
        ({"sites": "paris"}, "sites", "tuple"),
        ({"sites": ["paris", "paris"]}, "sites", "names a site twice"),
        ({**GOOD, "default_site": "rome"}, "default_site", "'rome' is not one of sites"),
        ({**GOOD, "listen": "8780"}, "listen", "'8780' is not HOST:PORT"),
        ({**GOOD, "monitor": "8781"}, "monitor", "'8781' is not HOST:PORT"),
        ({**GOOD, "monitor": "127.0.0.1:8780"}, "monitor", "is the same address as listen"),
        ({**GOOD, "public_url": "ftp://here"}, "public_url", "'http' or 'https'"),
        ({**GOOD, "redis": "localhost"}, "redis", "'localhost' is no URL of redis, rediss, unix"),
        ({**GOOD, "redis": "redis://localhost:port/0"}, "redis", "port"),
        ({**GOOD, "write_timeout_seconds": 0}, "write_timeout_seconds", "greater than 0"),
        ({**GOOD, "read_timeout_seconds": "soon"}, "read_timeout_seconds", "valid number"),
        ({**GOOD, "revalidate_seconds": 86400}, "revalidate_seconds", "less than or equal to 3600"),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, dict) else "",
)
def test_a_wrong_setting_is_named(tmp_path: Path, settings: Any, key: str, cure: str) -> None:
    complaint = refused(tmp_path, settings)
    assert f"{tmp_path}/federator.yaml: {key}" in complaint
    assert cure in complaint


@pytest.mark.parametrize("text", ["", "sites: [paris"])
def test_a_settings_file_that_is_no_mapping(tmp_path: Path, text: str) -> None:
    assert f"{tmp_path}/federator.yaml: " in refused(tmp_path, text)


def test_a_settings_file_that_is_not_there(tmp_path: Path) -> None:
    complaint = federator("serve", "--config", tmp_path / "none.yaml").complaint
    assert f"{tmp_path}/none.yaml: cannot be read (No such file or directory)" in complaint
    assert "--config" in complaint


def test_without_config_it_is_federator_yaml_here(tmp_path: Path) -> None:
    assert "federator.yaml: cannot be read" in federator("serve", cwd=tmp_path).complaint


def test_the_settings_file_can_be_named_by_the_environment(tmp_path: Path) -> None:
    env = {**os.environ, "FEDERATOR_CONFIG": str(tmp_path / "other.yaml")}
    assert f"{tmp_path}/other.yaml: " in federator("serve", env=env).complaint


@pytest.mark.parametrize(
    ("settings", "clouds", "key", "cure"),
    [
        ({**GOOD, "sites": ["rome"]}, None, "clouds.rome", "is missing; add it (there are: home"),
        ({**GOOD, "home": "rome"}, None, "clouds.rome", "is missing; add it"),
        (GOOD, {"clouds": {**CLOUDS, "paris": {}}}, "clouds.paris", "auth_url"),
        (GOOD, cloud("paris", federation=5), "clouds.paris.federation", "is not a mapping"),
        (
            GOOD,
            cloud("paris", federation={"colour": 5}),
            "clouds.paris.federation.colour",
            "there is no such setting; known are strategy, namespace",
        ),
        (
            GOOD,
            cloud("tokyo", federation={"projects": {"a": "b"}}),
            "clouds.tokyo.federation.projects",
            "'a' is not DOMAIN/PROJECT",
        ),
        (
            GOOD,
            cloud("tokyo", federation={"service_provider": "paris"}),
            "clouds.tokyo.federation.service_provider",
            "is that of paris too",
        ),
        (GOOD, cloud("tokyo", auth_type="magic"), "clouds.tokyo", "magic"),
        (GOOD, "clouds: [", "", "cannot be read as clouds.yaml"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_cloud_is_named(
    tmp_path: Path, settings: Any, clouds: Any, key: str, cure: str
) -> None:
    complaint = refused(tmp_path, settings, clouds)
    assert f"{tmp_path}/clouds.yaml: {key}" in complaint
    assert cure in complaint


def test_a_clouds_yaml_that_is_not_there(tmp_path: Path) -> None:
    complaint = refused(tmp_path, {**GOOD, "clouds": "other.yaml"})
    assert f"{tmp_path}/other.yaml: there is no such file" in complaint


def test_the_other_commands_say_the_same(tmp_path: Path) -> None:
    config = settings_file(tmp_path / "federator.yaml", {"sites": []})
    for words in (["idmap", "rebuild"], ["idmap", "show", "1"]):
        assert f"{config}: sites" in federator(*words, "--config", config).complaint


def test_without_redis_the_map_cannot_be_looked_into(tmp_path: Path) -> None:
    settings_file(tmp_path / "clouds.yaml", {"clouds": CLOUDS})
    config = settings_file(
        tmp_path / "federator.yaml", {**GOOD, "redis": f"unix://{tmp_path}/none"}
    )
    for words in (["idmap", "rebuild"], ["idmap", "show", "1"]):
        complaint = federator(*words, "--config", config).complaint
        assert f"{tmp_path}/none" in complaint


def test_a_broken_policy_file_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text('"federation:list_sites": "role:admin or"\n')
    complaint = refused(tmp_path, {**GOOD, "policy_file": "policy.yaml"})
    assert f"{tmp_path}/policy.yaml: federation:list_sites: 'role:admin or' is not" in complaint


def test_an_audit_file_that_cannot_be_written_is_named_in_one_line(tmp_path: Path) -> None:
    complaint = refused(tmp_path, {**GOOD, "audit_file": "nowhere/audit.log"})
    assert f"{tmp_path}/nowhere/audit.log: cannot be written" in complaint
    assert "correct audit_file" in complaint


def test_a_port_that_somebody_has(tmp_path: Path) -> None:
    settings_file(tmp_path / "clouds.yaml", {"clouds": CLOUDS})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        settings = {**GOOD, "listen": address, "redis": f"unix://{tmp_path}/none"}
        config = settings_file(tmp_path / "federator.yaml", settings)
        said = federator("serve", "--config", config)
    assert said.code != 0
    (complaint,) = (line for line in said.err.splitlines() if line.startswith("federator: "))
    assert address.rpartition(":")[2] in complaint
    assert "address already in use" in complaint.lower()
