"""Where everything of a lab is: folders, ports, secrets. Nothing outside the one folder."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
SOURCE = Path(__file__).resolve().parent

# Offsets from the base port for what all sites share, and from a site's base for its services.
# Nothing of the lab listens at "dashboard": it is where WebSSO at home may send a browser back to.
SHARED_PORTS = {
    "mariadb": 10,
    "rabbitmq": 11,
    "epmd": 13,
    "erlang": 14,
    "apache": 15,
    "openid": 16,
    "dashboard": 17,
}
CLOUD_PORTS = {
    "keystone": 0,
    "nova-api": 1,
    "placement": 2,
    "neutron": 3,
    "glance": 4,
    "cinder-api": 5,
    "memcached": 7,
    "novnc": 9,
}


_secrets = threading.Lock()


class LabError(Exception):
    """Something the user has to know and can cure; the message says how."""


@dataclass(frozen=True)
class Layout:
    root: Path
    port_base: int

    @classmethod
    def find(cls, root: Path | None = None, port_base: int | None = None) -> Layout:
        chosen = root or Path(os.environ.get("LAB_DIR") or CHECKOUT / ".lab")
        base = port_base or int(os.environ.get("LAB_PORT_BASE") or 23000)
        return cls(chosen.resolve(), base)

    def folder(self, *parts: str) -> Path:
        path = self.root.joinpath(*parts)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def data(self, owner: str) -> Path:
        """What `reset` removes: databases, keys, images of one owner (a cloud or "shared")."""
        return self.root / "data" / owner

    def etc(self, owner: str) -> Path:
        return self.root / "etc" / owner

    def log(self, owner: str, name: str) -> Path:
        return self.folder("log", owner) / f"{name}.log"

    def venv(self, release: str) -> Path:
        return self.root / "venvs" / release

    def socket(self, name: str) -> Path:
        return self.folder("run") / f"{name}.sock"

    def shared_port(self, name: str) -> int:
        return self.port_base + SHARED_PORTS[name]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Two commands at once would start everything twice; the second one waits."""
        with (self.folder() / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def secret(self, name: str) -> str:
        """A password that stays the same for the life of the folder."""
        path = self.folder() / "secrets.json"
        with _secrets:
            known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
            if name not in known:
                known[name] = secrets.token_hex(12)
                write_private(path, json.dumps(known, indent=1))
            return known[name]


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    draft.replace(path)
