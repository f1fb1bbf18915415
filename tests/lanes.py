"""Two lanes for the whole suite (`pytest -n 2`): what runs beside what, and in which order.

Most tests of the lab make domains, gateways and things of their own, and can stand others beside them. Those
marked `alone` cannot, because they stop or freeze a site. They come first, beside the tests that need no site;
then both lanes do the rest, the longest folders first. The lab's tests of a folder stay on one lane, so that
what they share is set up once. A lock at the lab keeps the promise whoever is late, and between several runs.
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Generator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

LONG = ("sharing", "adversarial", "e2e", "session", "lists", "stories")
"""Folders that take minutes at the lab, the longest first: whoever starts them last ends last."""
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
    config.pluginmanager.register(Lock(), "lab-lock")
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
    items.sort(key=_turn)
    if told["workerid"] == FIRST_WORKER:
        groups = {item.nodeid: group(item) for item in items}
        Path(told["groups"]).write_text(json.dumps(groups))


def group(item: pytest.Item) -> str:
    """What stays together on one lane: those that are alone, the lab's of a folder, others of a file."""
    if item.get_closest_marker("alone"):
        return "alone"
    return item.path.parent.name if item.get_closest_marker("lab") else str(item.path)


def _turn(item: pytest.Item) -> tuple[int, str]:
    name = group(item)
    if not item.get_closest_marker("lab"):
        return 1, name
    order = ("alone", "no lab", *LONG)
    return (order.index(name) if name in order else len(order)), name


class Lock:
    """Held at the lab for as long as tests of one kind follow each other."""

    def __init__(self) -> None:
        self._file: int | None = None
        self._held: int | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Around all else, so that no test's time limit counts while it waits."""
        wanted = None
        if item.get_closest_marker("lab"):
            wanted = fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH
        if wanted != self._held:
            self._take(wanted)
        return (yield)

    def pytest_unconfigure(self) -> None:
        self._take(None)

    def _take(self, kind: int | None) -> None:
        # Never from one kind to the other in one step: two who do that wait for each other.
        if self._file is not None:
            os.close(self._file)
            self._file = self._held = None
        folder = Path(os.environ.get("LAB_DIR", ".lab"))
        if kind is not None and folder.is_dir():
            self._file = os.open(folder / "tests.lock", os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(self._file, kind)
            self._held = kind
