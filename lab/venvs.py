"""One virtualenv per release, filled by uv from the release's complete list of pins."""

from __future__ import annotations

import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from lab.catalogue import Release
from lab.layout import SOURCE, LabError, Layout
from lab.progress import run, say

PLUGINS = SOURCE / "plugins"


def build_missing(layout: Layout, releases: set[Release]) -> None:
    wanted = [release for release in releases if not _is_current(layout, release)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda release: _build(layout, release), wanted))


def _build(layout: Layout, release: Release) -> None:
    venv, log = layout.venv(release.name), layout.log("venvs", release.name)
    say(release.name, f"installs OpenStack {release.name} from PyPI")
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    uv, cure = _find_uv(), "look at the log; is PyPI reachable?"
    shutil.rmtree(venv, ignore_errors=True)
    run([uv, "venv", "--python", sys.executable, venv], log, env=env, cure=cure)
    plugins = layout.folder("build", release.name) / "plugins"
    shutil.copytree(PLUGINS, plugins, dirs_exist_ok=True)  # a build leaves files behind
    # The list is complete, so nothing is resolved; bytecode, because every start imports it all.
    what: list[str | Path] = ["-r", release.pins, plugins]
    if release.build_constraints:
        what += ["--build-constraints", release.build_constraints]
    how = ["--no-deps", "--compile-bytecode", "--python", str(venv / "bin/python")]
    run([uv, "pip", "install", *how, *what], log, env=env, cure=cure)
    _stamp(layout, release).write_text(_fingerprint(release))
    say(release.name, "installed")


def _is_current(layout: Layout, release: Release) -> bool:
    stamp = _stamp(layout, release)
    return stamp.exists() and stamp.read_text() == _fingerprint(release)


def _stamp(layout: Layout, release: Release) -> Path:
    return layout.venv(release.name) / "lab-pins"


def _fingerprint(release: Release) -> str:
    """What a virtualenv was made from; it is made again when that has changed."""
    made_from = [release.pins, *sorted(PLUGINS.rglob("*.py")), PLUGINS / "pyproject.toml"]
    content = b"".join(path.read_bytes() for path in made_from)
    return sha256(content + sys.version.encode()).hexdigest()


def _find_uv() -> str:
    """uv of the interpreter's own environment before one on PATH."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if not found:
        raise LabError("uv is missing\n  cure: pip install uv")
    return found
