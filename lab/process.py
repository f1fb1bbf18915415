"""Long-running processes: started in a group of their own, remembered in a file, stopped by that record.

A record holds the leader's start time as well, so a number the kernel has given to somebody else
in the meantime is never signalled. Everything started also carries LAB_OWNED_BY in its environment,
by which `strays` finds what has left its group.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.layout import LabError, Layout
from lab.progress import tail

MARK = "LAB_OWNED_BY"
ENV = "/usr/bin/env"
Argv = Sequence[str | Path]


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
        self, owner: str, name: str, argv: Argv, env: Mapping[str, str] | None = None
    ) -> Record:
        log = str(self._layout.log(owner, name))
        # Not subprocess: its objects complain when they are dropped while their process lives on.
        pid = os.posix_spawn(
            ENV,
            [ENV, f"--chdir={self._runs()}", *map(str, argv)],
            {**self.environment(), **(env or {})},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        born = _member(pid)
        record = Record(owner, name, pid, born.born if born else 0)
        self._path(owner, name).write_text(json.dumps(asdict(record)))
        return record

    def records(self, owner: str | None = None) -> list[Record]:
        found = (Record(**json.loads(path.read_text())) for path in self._runs().glob("*.json"))
        return sorted((r for r in found if owner in (None, r.owner)), key=lambda r: r.full_name)

    def running(self, owner: str, name: str) -> bool:
        path = self._path(owner, name)
        return path.exists() and self._leader(Record(**json.loads(path.read_text()))) is not None

    def members(self, records: Iterable[Record]) -> dict[Record, list[Member]]:
        """The living processes of every group; none when the number belongs to a stranger by now."""
        groups: dict[int, list[Member]] = {}
        for member in everything_running():
            groups.setdefault(member.group, []).append(member)
        found = {record: groups.get(record.pid, []) for record in records}
        return {
            record: group if all(m.born >= record.born for m in group) else []
            for record, group in found.items()
        }

    def must_live(self, owner: str, name: str) -> None:
        if not self.running(owner, name):
            log = self._layout.log(owner, name)
            raise LabError(f"{owner}: {name} has died, {log}:\n{tail(log)}")

    def send_signal(self, owner: str, number: signal.Signals) -> None:
        self._send(self.records(owner), number)

    def stop(self, records: Iterable[Record], patience: float = 5) -> None:
        """Ask all of them, wait for all of them, then kill what is left."""
        doomed = list(records)
        self._send(doomed, signal.SIGTERM)
        self._send(doomed, signal.SIGCONT)  # a frozen one would not hear the other
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and any(self.members(doomed).values()):
            time.sleep(0.1)
        self._send(doomed, signal.SIGKILL)
        for record in doomed:
            with suppress(ChildProcessError):  # bury it, if it was started by this very program
                os.waitpid(record.pid, 0)
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
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def _send(self, records: Iterable[Record], number: signal.Signals) -> None:
        for record, living in self.members(records).items():
            if living:
                with suppress(ProcessLookupError):
                    os.killpg(record.pid, number)

    def _leader(self, record: Record) -> Member | None:
        member = _member(record.pid)
        return member if member and member.born == record.born and member.state != "Z" else None

    def _runs(self) -> Path:
        return self._layout.folder("run")

    def _path(self, owner: str, name: str) -> Path:
        return self._runs() / f"{owner}.{name}.json"
