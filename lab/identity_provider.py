"""The OpenID provider of the lab: oidc-provider from npm, its key, its users, and the process.

The JavaScript is in openid/; it is installed once into the lab's folder and stays there on `reset`.
"""

from __future__ import annotations

import json
import os
import shutil
from hashlib import sha256
from pathlib import Path

from lab.layout import SOURCE, LabError, Layout
from lab.process import Processes
from lab.progress import run, say
from lab.wait import listening, until

OWNER, NAME = "shared", "openid"
KEY_ID = "lab"  # the `kid` in openid/provider.mjs
IDP = "corp"  # what Keystones call it
PROGRAM = SOURCE / "openid"
REALM = PROGRAM / "realm.json"


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
        shutil.copy(REALM, self.realm)
        if self._processes.running(OWNER, NAME):
            return
        port = self._layout.shared_port(NAME)
        program = self._installed / "provider.mjs"
        self._processes.start(OWNER, NAME, [_find("node"), program, str(port), self._state])
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
        say(OWNER, "installs the OpenID provider from npm")
        shutil.rmtree(self._installed, ignore_errors=True)
        shutil.copytree(PROGRAM, self._installed)
        words: list[str | Path] = [_find("npm"), "ci", "--no-audit", "--no-fund"]
        log = self._layout.log(OWNER, "npm")
        run(
            words,
            log,
            env=os.environ,
            cwd=self._installed,
            cure="look at the log; is npm's registry reachable?",
        )
        stamp.write_text(_fingerprint())

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
    """What was installed; the running one keeps what it was started from."""
    made_from = [*sorted(PROGRAM.glob("*.mjs")), PROGRAM / "package-lock.json"]
    return sha256(b"".join(path.read_bytes() for path in made_from)).hexdigest()


def _find(program: str) -> str:
    found = shutil.which(program)
    if not found:
        raise LabError(f"{program} is missing\n  cure: install Node.js 20 or newer, with npm")
    return found
