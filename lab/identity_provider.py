"""The OpenID provider of the lab: oidc-provider from npm, its key, its users, and the process.

The JavaScript is in openid/; it is installed once into the lab's folder and stays there on `reset`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

from lab.layout import SOURCE, LabError, Layout, write_private
from lab.process import Processes
from lab.progress import run, say
from lab.wait import listening, until

OWNER, NAME = "shared", "openid"
KEY_ID = "lab"  # the `kid` in openid/provider.mjs
IDP = "corp"  # what Keystones call it
PROGRAM = SOURCE / "openid"
REALM = PROGRAM / "realm.json"
# oidc-provider runs on this Node.js or newer; Debian 12 has 18, and then one comes from npm as well.
OLDEST, NODE = (20, 12), "node@22.23.3"


class IdentityProvider:
    def __init__(self, layout: Layout, processes: Processes) -> None:
        self._layout = layout
        self._processes = processes
        self._state = layout.data(OWNER) / NAME
        self._installed = layout.root / NAME

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self._layout.shared_port(NAME)}"

    @property
    def certificate(self) -> Path:
        return self._state / "signing.crt"

    @property
    def realm(self) -> Path:
        """Users and rights of the running provider; read at every question, `up` puts it back."""
        return self._state / "realm.json"

    def up(self) -> None:
        self._install()
        self._make_key()
        write_private(self.realm, REALM.read_text())
        if self._processes.running(OWNER, NAME):
            return
        port = self._layout.shared_port(NAME)
        own = self._installed / "node_modules" / "node" / "bin" / "node"
        node = own if own.exists() else _find("node")
        program = self._installed / "provider.mjs"
        self._processes.start(OWNER, NAME, [node, program, str(port), self._state])
        until(
            NAME,
            lambda: listening(port),
            lambda: self._processes.must_live(OWNER, NAME),
            seconds=30,
        )
        say(OWNER, f"OpenID provider answers: {self.issuer}")

    def _install(self) -> None:
        stamp = self._installed / "lab-pins"
        if stamp.exists() and stamp.read_text() == _fingerprint():
            return
        self._processes.stop(r for r in self._processes.records(OWNER) if r.name == NAME)
        say(OWNER, "installs the OpenID provider from npm")
        shutil.rmtree(self._installed, ignore_errors=True)
        shutil.copytree(PROGRAM, self._installed)
        self._npm("ci")
        if _version(_find("node")) < OLDEST:
            self._npm("install", "--no-save", NODE)
        stamp.write_text(_fingerprint())

    def _npm(self, *words: str) -> None:
        log = self._layout.log(OWNER, "npm")
        cure = "look at the log; is npm's registry reachable?"
        command = [_find("npm"), *words, "--no-audit", "--no-fund"]
        run(command, log, env=os.environ, cwd=self._installed, cure=cure)

    def _make_key(self) -> None:
        """The key of its tokens, and as a certificate what Apache checks them with."""
        if self.certificate.exists():
            return
        self._state.mkdir(parents=True, exist_ok=True)
        request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650"]
        files: list[str | Path] = ["-keyout", self._state / "signing.key", "-out", self.certificate]
        run([*request, "-subj", "/CN=openid", *files], self._layout.log(OWNER, "openid-key"))


def groups() -> set[str]:
    """What tokens of the provider can name: a group for every domain, project and role anybody has."""
    realm = json.loads(REALM.read_text())
    projects = [
        owner["projects"] for owner in (*realm["users"].values(), *realm["services"].values())
    ]
    return {
        f"fed:{domain}:{project}:{role}"
        for of_somebody in projects
        for domain, in_domain in of_somebody.items()
        for project, roles in in_domain.items()
        for role in roles
    }


def _fingerprint() -> str:
    """Of what is installed."""
    made_from = [*sorted(PROGRAM.glob("*.mjs")), PROGRAM / "package-lock.json"]
    return sha256(b"".join(path.read_bytes() for path in made_from)).hexdigest()


def _version(node: str) -> tuple[int, ...]:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(number) for number in said.strip().lstrip("v").split("."))


def _find(program: str) -> str:
    found = shutil.which(program)
    if not found:
        raise LabError(f"{program} is missing\n  cure: install Node.js, with npm")
    return found
