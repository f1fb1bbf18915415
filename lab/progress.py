"""One line per step with the seconds since the start, and a command whose log explains a failure."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.layout import LabError

_lock = threading.Lock()
_start = time.monotonic()


def say(owner: str, what: str) -> None:
    with _lock:
        print(f"[{time.monotonic() - _start:5.1f}s] {owner}: {what}", flush=True)


def tail(log: Path, lines: int = 12) -> str:
    if not log.exists():
        return "(no log)"
    last = log.read_text(errors="replace").splitlines()[-lines:]
    return "\n".join("    " + line for line in last)


def run(
    argv: Sequence[str | Path],
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    cure: str = "",
    stdout: Path | None = None,
    stdin: str | None = None,
) -> None:
    """Run to the end, everything it prints goes to `log`; a failure shows the end of that log."""
    words = [str(word) for word in argv]
    with log.open("a") as stream:
        stream.write(f"\n$ {' '.join(words)}\n")
        stream.flush()
        output = stdout.open("w") if stdout else stream
        done = subprocess.run(
            words, env=env, cwd=cwd, text=True, input=stdin or "", stdout=output, stderr=stream
        )
        if stdout:
            output.close()
    if done.returncode:
        advice = f"\n  cure: {cure}" if cure else ""
        raise LabError(f"{words[0]} failed ({done.returncode}), {log}:\n{tail(log)}{advice}")
