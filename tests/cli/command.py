"""The command as somebody types it: ``federator ...``, its settings file and what it says."""

import atexit
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.openstack_cli import CommandServer

COMMAND = str(Path(sys.executable).with_name("federator"))


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line it complained with."""
        lines = self.err.splitlines()
        assert self.code != 0, self
        assert len(lines) == 1, self.err
        assert self.out == "", self.out
        return lines[0]


def federator(*words: object, env: dict[str, str] | None = None, cwd: Path | None = None) -> Said:
    """Run the command to its end."""
    said = _loaded().run([*map(str, words)], env or dict(os.environ), cwd or Path.cwd())
    assert "Traceback" not in said.err, said.err
    return Said(said.status, said.out, said.err)


@cache
def _loaded() -> CommandServer:
    """The command, imported once for all tests of this process."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    return stack.enter_context(CommandServer(Path(folder), "federator"))


@contextmanager
def started(*words: object) -> Iterator["subprocess.Popen[str]"]:
    """The command, left running; whatever happens, it does not outlive the test."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [COMMAND, *map(str, words)], stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def settings_file(path: Path, settings: Any) -> Path:
    """A settings file; a text is written as it is."""
    path.write_text(settings if isinstance(settings, str) else yaml.safe_dump(settings))
    return path


def clouds_without(lab: Path, path: Path, site: str, port: int) -> Path:
    """The lab's clouds.yaml in which nothing listens where one site's Keystone should be."""
    clouds = yaml.safe_load(lab.read_text())
    clouds["clouds"][site]["auth"]["auth_url"] = f"http://127.0.0.1:{port}/v3"
    path.write_text(yaml.safe_dump(clouds))
    return path
