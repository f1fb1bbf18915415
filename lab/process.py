"""Long-running processes: started in a group of their own, remembered in a file, stopped by that record.

A record holds the leader's start time as well, so a number the kernel has given to somebody else
in the meantime is never signalled. Everything started also carries LAB_OWNED_BY in its environment,
by which `strays` finds what has left its group.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.layout import LabError, Layout
from lab.progress import tail

MARK = "LAB_OWNED_BY"


@dataclass(frozen=True)
class Record:
    """One started process; `pid` is also the number of its group."""

    owner: str
    name: str
    pid: int
    born: int

    @property
    def full_name(self) -> str:
        return f"{self.owner}.{self.name}"


@dataclass(frozen=True)
class Member:
    pid: int
    group: int
    state: str
    born: int


def _member(pid: int) -> Member | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return Member(pid, int(fields[2]), fields[0], int(fields[19]))


def everything_running() -> list[Member]:
    found = (_member(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [member for member in found if member and member.state != "Z"]


class Processes:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def environment(self) -> dict[str, str]:
        """What a process of the lab sees: nothing of the caller's proxies, locale or Python settings."""
        return {
            MARK: str(self._layout.root),
            "HOME": str(self._layout.folder("run")),
            "LANG": "C.UTF-8",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHONWARNINGS": "ignore",
            "MALLOC_ARENA_MAX": "2",
        }

    def start(
        self, owner: str, name: str, argv: Sequence[str | Path], env: Mapping[str, str] | None = None
    ) -> Record:
        with self._layout.log(owner, name).open("ab") as log:
            child = subprocess.Popen(
                [str(word) for word in argv],
                env={**self.environment(), **(env or {})},
                cwd=self._layout.folder("run"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        born = _member(child.pid)
        record = Record(owner, name, child.pid, born.born if born else 0)
        self._path(owner, name).write_text(json.dumps(asdict(record)))
        return record

    def records(self, owner: str | None = None) -> list[Record]:
        found = (Record(**json.loads(path.read_text())) for path in self._runs().glob("*.json"))
        return sorted((r for r in found if owner in (None, r.owner)), key=lambda r: r.full_name)

    def running(self, owner: str, name: str) -> bool:
        path = self._path(owner, name)
        return path.exists() and self._leader(Record(**json.loads(path.read_text()))) is not None

    def members(self, record: Record) -> list[Member]:
        """The living processes of the group; none when the number belongs to a stranger by now."""
        group = [m for m in everything_running() if m.group == record.pid]
        oldest = min((m.born for m in group), default=0)
        return group if oldest >= record.born else []

    def must_live(self, owner: str, name: str) -> None:
        if not self.running(owner, name):
            log = self._layout.log(owner, name)
            raise LabError(f"{owner}: {name} has died, {log}:\n{tail(log)}")

    def signal(self, owner: str, number: signal.Signals) -> None:
        for record in self.records(owner):
            self._send(record, number)

    def stop(self, records: Iterable[Record], patience: float = 12) -> None:
        """Ask all of them, wait for all of them, then kill what is left."""
        doomed = list(records)
        for record in doomed:
            self._send(record, signal.SIGTERM)
            self._send(record, signal.SIGCONT)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and any(self.members(record) for record in doomed):
            time.sleep(0.1)
        for record in doomed:
            self._send(record, signal.SIGKILL)
            self._path(record.owner, record.name).unlink(missing_ok=True)

    def strays(self) -> list[int]:
        """Processes of this lab that no record knows, found by their environment."""
        mark = f"{MARK}={self._layout.root}".encode()
        known = {record.pid for record in self.records()}
        found = []
        for member in everything_running():
            try:
                environment = Path(f"/proc/{member.pid}/environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if mark in environment and member.group not in known and member.pid != os.getpid():
                found.append(member.pid)
        return found

    @staticmethod
    def kill(pid: int) -> None:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def _send(self, record: Record, number: signal.Signals) -> None:
        if self.members(record):
            try:
                os.killpg(record.pid, number)
            except ProcessLookupError:
                pass

    def _leader(self, record: Record) -> Member | None:
        member = _member(record.pid)
        return member if member and member.born == record.born and member.state != "Z" else None

    def _runs(self) -> Path:
        return self._layout.folder("run")

    def _path(self, owner: str, name: str) -> Path:
        return self._runs() / f"{owner}.{name}.json"
