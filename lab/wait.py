"""Waiting for something to answer, while watching that what should answer is still alive."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import requests

from lab.layout import LabError


def until(what: str, ready: Callable[[], bool], alive: Callable[[], None], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        alive()
        if time.monotonic() > deadline:
            raise LabError(f"{what}: no answer in {seconds:.0f} s; is the machine very busy?")
        time.sleep(0.2)


def listening(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True
    except OSError:
        return False


def answers(url: str) -> bool:
    """Any answer of the service itself counts, also a refusal; a proxy's 5xx does not."""
    try:
        return requests.get(url, timeout=10, allow_redirects=False).status_code < 500
    except requests.RequestException:
        return False
