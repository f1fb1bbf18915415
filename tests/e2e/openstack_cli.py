"""Runs a command, mostly the unmodified ``openstack``, many times a minute. See `command_server`."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

COMMAND_SECONDS = 240


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said."""

    command: str
    status: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"$ {self.command}\n{self.out}{self.err}(exit status {self.status})"


class CommandServer:
    """The process that forks for each command. Use as a context manager."""

    def __init__(self, folder: Path, command: str = "openstack") -> None:
        self._command = command
        self._socket = folder / "socket"
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "CommandServer":
        program = Path(__file__).with_name("command_server.py")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, program, self._command, self._socket], stdout=log, stderr=log
            )
        deadline = time.monotonic() + 120
        while not self._socket.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self._command} did not load:\n{self._log.read_text()}")
            time.sleep(0.05)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def run(self, argv: list[str], env: dict[str, str], folder: Path) -> Said:
        """One command, to its end."""
        with tempfile.TemporaryDirectory() as scratch, socket.socket(socket.AF_UNIX) as server:
            out, err = Path(scratch, "out"), Path(scratch, "err")
            order = {
                "argv": argv,
                "env": env,
                "folder": str(folder),
                "stdout": str(out),
                "stderr": str(err),
            }
            server.settimeout(COMMAND_SECONDS)
            server.connect(str(self._socket))
            server.sendall(json.dumps(order).encode() + b"\n")
            status = server.makefile("rb").readline()
            command = " ".join([self._command, *argv])
            code = int(status) if status else -1
            return Said(command, code, out.read_text(), err.read_text())


class Openstack:
    """The ``openstack`` command of one user: ``openstack("server", "list")``."""

    def __init__(self, server: CommandServer, folder: Path, cloud: str) -> None:
        self._server = server
        self._folder = folder
        self._cloud = cloud

    @property
    def env(self) -> dict[str, str]:
        """What the command finds in its environment."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        clouds = str(self._folder / "clouds.yaml")
        return {**kept, "OS_CLIENT_CONFIG_FILE": clouds, "OS_CLOUD": self._cloud}

    def __call__(self, *words: str) -> str:
        """What a command that works prints."""
        said = self.run(*words)
        assert said.status == 0, f"{said}"
        return said.out

    def run(self, *words: str) -> Said:
        """A command that may fail."""
        return self._server.run(list(words), self.env, self._folder)

    def refused(self, *words: str) -> str:
        """What a command that has to fail says."""
        said = self.run(*words)
        assert said.status != 0, f"{said}"
        return said.out + said.err

    def show(self, *words: str) -> dict[str, Any]:
        """What a command prints of one thing."""
        printed = json.loads(self(*words, "-f", "json"))
        assert isinstance(printed, dict), printed
        return printed

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """What a command prints as a table."""
        printed = json.loads(self(*words, "-f", "json"))
        assert isinstance(printed, list), printed
        return printed

    def ids(self, *words: str) -> list[str]:
        """The column ID of a table."""
        return [str(row["ID"]) for row in self.rows(*words)]
