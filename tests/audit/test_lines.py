"""Audit events in a file: whole lines, of several writers, through rotations and full disks."""

import json
import resource
import signal
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import SettingsError
from federator.audit.lines import AuditLines


def lines_at(path: Path | None) -> AuditLines:
    lines = AuditLines(path)
    lines.open()
    return lines


def read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_several_write_to_one_file(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    writers = [lines_at(path) for _ in range(3)]
    for number in range(9):
        writers[number % 3].write({"number": number})
    assert read(path) == [{"number": number} for number in range(9)]
    assert path.stat().st_mode & 0o007 == 0, "it is not for everybody"
    for writer in writers:
        writer.close()


@pytest.mark.parametrize("put_back", [False, True])
def test_a_file_that_was_moved_away_is_begun_anew(tmp_path: Path, put_back: bool) -> None:
    path, old = tmp_path / "audit.log", tmp_path / "audit.log.1"
    lines = lines_at(path)
    lines.write({"number": 1})
    path.rename(old)
    if put_back:
        path.touch()
    lines.write({"number": 2})
    lines.close()
    assert (read(old), read(path)) == ([{"number": 1}], [{"number": 2}])


def test_a_full_disk_is_said() -> None:
    lines = lines_at(Path("/dev/full"))
    with pytest.raises(OSError, match="No space left"):
        lines.write({"number": 1})
    lines.close()


def test_half_a_line_does_not_spoil_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    lines = lines_at(path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, before[1]))
    try:
        with pytest.raises(OSError, match="only 20 of"):
            lines.write({"text": "x" * 100})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    lines.write({"number": 2})
    lines.close()
    half, whole = path.read_text().splitlines()
    assert len(half) == 20
    assert json.loads(whole) == {"number": 2}


def test_without_a_file_it_is_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    lines = lines_at(None)
    lines.write({"number": 1})
    lines.close()
    assert json.loads(capfd.readouterr().err) == {"number": 1}


def test_a_file_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="audit_file"):
        lines_at(tmp_path / "nowhere" / "audit.log")
