"""Waits for what a site does later."""

import time
from collections.abc import Callable
from typing import TypeVar

LONGEST_SECONDS = 120

T = TypeVar("T")


def until(look: Callable[[], T], what: str) -> T:
    """What `look` returns once that is true."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.3)
    raise AssertionError(f"not within {LONGEST_SECONDS} s: {what}")
