"""The house rules that a machine can check."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
SHIPPED = ("federator", "adapters", "idmap", "sync", "dashboard")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

# Where packages come from is the business of the machine that fetches them.
REGISTRY = re.compile(
    r"\b(pypi|pythonhosted|npmjs|yarnpkg|crates|rubygems|docker|quay|ghcr|gcr)\.(org|com|io)\b"
    r"|\bproxy\.golang\.org\b"
)
MACHINE = re.compile(
    r"(?:(?<![\w.}/-])|file://)/(work|root|home/\w+|Users/\w+|opt/(pypi|wheels)[\w-]*)(?=/|\b)"
)


def tracked() -> list[Path]:
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


def python_files() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in tracked() if path.suffix == ".py")


def test_the_floors_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_package_is_under_contract() -> None:
    there = {name for name in (*SHIPPED, "lab") if any((ROOT / name).glob("*.py"))}
    assert set(PYPROJECT["tool"]["importlinter"]["root_packages"]) == there
    assert set(PYPROJECT["tool"]["mypy"]["files"]) == there


def test_the_lab_is_not_shipped() -> None:
    assert PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == list(SHIPPED)


@pytest.mark.parametrize("file", python_files())
def test_a_file_opens_with_what_it_is_for(file: str) -> None:
    source = (ROOT / file).read_text()
    assert not source.strip() or ast.get_docstring(ast.parse(source))


@pytest.mark.parametrize("rule", [REGISTRY, MACHINE], ids=["registry", "machine"])
def test_nothing_names_a_registry_or_a_path_of_one_machine(rule: re.Pattern[str]) -> None:
    found = []
    for path in tracked():
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(ROOT)}:{n}: {line.strip()}"
            for n, line in enumerate(lines, 1)
            if rule.search(line)
        ]
    assert not found, "\n".join(found)


def test_there_is_no_lock_file_that_records_an_index() -> None:
    assert not [path for path in tracked() if path.name == "uv.lock"]


@pytest.mark.parametrize(
    "line",
    [
        "see pypi{dot}org",
        "cd {slash}work/main",
        "url=file://{slash}opt/pypi/simple",
        "'{slash}home/me/x'",
    ],
)
def test_the_rules_about_names_find_what_they_are_for(line: str) -> None:
    line = line.format(dot=".", slash="/")
    assert REGISTRY.search(line) or MACHINE.search(line)


@pytest.mark.parametrize(
    ("wanted", "pins"),
    [
        (PYPROJECT["project"]["dependencies"], "runtime.txt"),
        (PYPROJECT["project"]["dependencies"], "dev.txt"),
        (PYPROJECT["dependency-groups"]["dev"], "dev.txt"),
        (PYPROJECT["project"]["optional-dependencies"]["embedded-redis"], "dev.txt"),
        ((ROOT / "requirements/tools.in").read_text().splitlines(), "tools.txt"),
    ],
    ids=["runtime", "runtime-in-dev", "dev", "embedded-redis", "tools"],
)
def test_what_is_declared_is_pinned(wanted: list[str], pins: str) -> None:
    text = (ROOT / "requirements" / pins).read_text()
    pinned = {
        canonicalize_name(name): version
        for name, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)
    }
    for line in wanted:
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            version = pinned.get(canonicalize_name(requirement.name), "none")
            assert version in requirement.specifier, f"{line}: {version}; cure: make pins"


def test_every_pin_has_a_hash() -> None:
    for pins in (ROOT / "requirements").glob("*.txt"):
        for block in re.split(r"^(?=\w)", pins.read_text(), flags=re.MULTILINE)[1:]:
            assert "--hash=sha256:" in block, f"{pins.name}: {block.splitlines()[0]}"


def test_every_file_of_tests_has_a_name_of_its_own() -> None:
    """pytest imports them by that name: of two that share one the second is an error."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
