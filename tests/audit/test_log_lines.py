"""A line of the log is what structlog's own processors would make of it."""

import re
import sys

import pytest
import structlog
from structlog import processors

from federator.loglines import line

CHAIN = [
    processors.add_log_level,
    processors.TimeStamper(fmt="iso", utc=True),
    processors.format_exc_info,
    processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
]
WHEN = re.compile(r"^timestamp='\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z' ")


def _error() -> BaseException:
    try:
        raise ValueError("a\nb")
    except ValueError as error:
        return error


@pytest.mark.parametrize(
    ("level", "event"),
    [
        ("info", {"event": "request", "path": "/a'b\n", "status": 200, "ms": 0.1, "who": None}),
        ("warning", {"event": "site missing", "site": "tökyo", "sites": ["a", "b"]}),
        ("exception", {"event": "unexpected", "exc_info": _error()}),
        ("error", {"event": "no error", "exc_info": False}),
        ("info", {"event": "\udcff"}),
    ],
)
def test_a_line_is_what_a_chain_of_processors_makes_of_it(level, event):
    told = dict(event)
    for processor in CHAIN:
        told = processor(None, level, told)
    ours = line(None, level, dict(event))

    assert WHEN.match(ours)
    assert WHEN.sub("", ours) == WHEN.sub("", told)


def test_it_is_one_line_whatever_is_told(capsys):
    structlog.WriteLogger(sys.stdout).info(line(None, "info", {"event": "a\nb", "c": "\r\n\0"}))

    assert capsys.readouterr().out.count("\n") == 1
