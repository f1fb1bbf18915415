"""Two lanes for the whole suite (`pytest -n 2`): what runs beside what.

One lane does all that needs the lab, as some of these tests stop or freeze a site and none may run beside them.
The other one does the tests that need no site, file by file, and is done long before.
"""

import json
import os
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

FIRST_WORKER = "gw0"
GROUPS = pytest.StashKey[Path]()
"""Where a worker writes what stays together: those who hand out the tests know no more than their names."""


class Lanes(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out groups in their order."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    @cached_property
    def _groups(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.config.stash[GROUPS].read_text())
        return found

    def _split_scope(self, nodeid: str) -> str:
        return self._groups[nodeid]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Lanes:
    return Lanes(config, log)


def pytest_configure_node(node: Any) -> None:
    node.workerinput["groups"] = str(node.config.stash[GROUPS])


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        descriptor, path = tempfile.mkstemp()
        os.close(descriptor)
        config.stash[GROUPS] = Path(path)


def pytest_unconfigure(config: pytest.Config) -> None:
    if GROUPS in config.stash:
        config.stash[GROUPS].unlink(missing_ok=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Pytest's own order, by what tests share, stays inside each group."""
    told = getattr(config, "workerinput", None)
    if told is None:
        return
    items.sort(key=lambda item: item.get_closest_marker("lab") is None)
    if told["workerid"] == FIRST_WORKER:
        groups = {item.nodeid: group(item) for item in items}
        Path(told["groups"]).write_text(json.dumps(groups))


def group(item: pytest.Item) -> str:
    """What stays together on one lane."""
    return "lab" if item.get_closest_marker("lab") else str(item.path)
