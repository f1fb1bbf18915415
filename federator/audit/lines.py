"""Where audit events go: one JSON line each, to a file or to stderr.

Several processes may write to one file: a line is written at once, behind whatever is there. If the file was
moved away (logrotate), the next line begins a new one.
"""

import os
import sys
from pathlib import Path
from typing import Any

import orjson

from adapters.errors import SettingsError

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_MODE = 0o640
_STDERR = 2


class AuditLines:
    """Writes events. `path` is the file; None for stderr."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file = _STDERR
        self._whole = True

    def open(self) -> None:
        """Open the file. Raises SettingsError."""
        try:
            self._follow()
        except OSError as error:
            raise SettingsError(
                f"{self._path}: cannot be written ({error.strerror}); correct audit_file"
            ) from None

    def write(self, event: dict[str, Any]) -> None:
        """Write one event. Raises OSError, and TypeError if it is not JSON."""
        line = orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)
        if self._path is None:
            sys.stderr.flush()
        else:
            self._follow()
        # What was left of a line that found no room must not spoil the next one.
        line = line if self._whole else b"\n" + line
        written = os.write(self._file, line)
        self._whole = written == len(line)
        if not self._whole:
            raise OSError(f"only {written} of {len(line)} bytes could be written")

    def close(self) -> None:
        """Close the file."""
        if self._file != _STDERR:
            os.close(self._file)
            self._file = _STDERR

    def _follow(self) -> None:
        """See that what is open is what stands at the path."""
        if self._path is None or (self._file != _STDERR and self._same(self._path)):
            return
        new = os.open(self._path, _FLAGS, _MODE)
        self.close()
        self._file = new

    def _same(self, path: Path) -> bool:
        try:
            return _stat(path) == _stat(self._file)
        except FileNotFoundError:
            return False


def _stat(what: Path | int) -> tuple[int, int]:
    found = os.stat(what)
    return found.st_dev, found.st_ino
