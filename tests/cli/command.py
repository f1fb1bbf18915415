"""The command as somebody types it: ``federator ...``, its settings file and what it says."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

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
    done = subprocess.run(
        [COMMAND, *map(str, words)], capture_output=True, text=True, timeout=120, env=env, cwd=cwd
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Said(done.returncode, done.stdout, done.stderr)


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
