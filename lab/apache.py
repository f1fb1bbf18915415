"""The one Apache before the sites' Keystones: the virtual hosts an operator would write, filled in.

A site's virtual host exists while the site is started, so a stopped site refuses connections.
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from lab.catalogue import HOME
from lab.cloud import ADDRESS, Cloud
from lab.layout import CHECKOUT, Layout
from lab.process import Processes
from lab.progress import run
from lab.render import TEMPLATES, fill_file
from lab.wait import listening, until

OWNER, NAME = "shared", "apache"
VIRTUAL_HOST = CHECKOUT / "deploy" / "k2k" / "apache-site.conf"
MODULES = Path("/usr/lib/apache2/modules")


class Apache:
    def __init__(self, layout: Layout, processes: Processes) -> None:
        self._layout = layout
        self._processes = processes
        self._state = layout.data(OWNER) / "apache"
        self._configuration = layout.etc(OWNER) / "httpd.conf"

    def add(self, site: Cloud) -> None:
        self._make_mellon_keys(site)
        values = {
            "SITE": site.name,
            "LISTEN": f"{ADDRESS}:{site.port('keystone')}",
            "PUBLIC_URL": site.base_url,
            "BACKEND": f"unix:{site.keystone_socket}|http://localhost",
            "MELLON": site.data / "mellon",
            "IDP_METADATA": self._layout.data(HOME) / "idp_metadata.xml",
            "IDP": HOME,
            "SECURE_COOKIE": "Off",
        }
        before = self._host(site).read_text() if self._host(site).exists() else ""
        fill_file(VIRTUAL_HOST, self._host(site), values)
        if not self._processes.running(OWNER, NAME):
            self._start()
        elif self._host(site).read_text() != before:
            self._reload()
        until(
            f"Apache for {site.name}",
            lambda: listening(site.port("keystone")),
            lambda: self._processes.must_live(OWNER, NAME),
            seconds=30,
        )

    def remove(self, site: Cloud) -> None:
        if self._host(site).exists():
            self._host(site).unlink()
            self._reload()

    def _start(self) -> None:
        for folder in (self._state / "sites", self._state / "mellonpost"):
            folder.mkdir(parents=True, exist_ok=True)
        values = {
            "STATE": self._state,
            "LOG": self._layout.folder("log", OWNER),
            "APACHE_MODULES": MODULES,
            "PORT_APACHE": self._layout.shared_port("apache"),
        }
        fill_file(TEMPLATES / "httpd.conf", self._configuration, values)
        command: list[str | Path] = ["apache2", "-f", self._configuration, "-DFOREGROUND"]
        if os.geteuid() == 0:
            # Apache refuses to serve as root, and the checkout may be where no other user can read.
            command = [
                *("setpriv", "--reuid=www-data", "--regid=www-data", "--init-groups"),
                *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
                *command,
            ]
        self._processes.start(OWNER, NAME, command)

    def _reload(self) -> None:
        for record in self._processes.records(OWNER):
            if record.name == NAME and self._processes.running(OWNER, NAME):
                os.kill(record.pid, signal.SIGUSR1)  # graceful: requests under way are finished

    def _make_mellon_keys(self, site: Cloud) -> None:
        folder = site.data / "mellon"
        if (folder / "mellon.xml").exists():
            return
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        endpoint = f"{site.auth_url}/mellon"
        log = self._layout.log(site.name, "mellon")
        run(["mellon_create_metadata", f"{endpoint}/metadata", endpoint], log, cwd=folder)
        for suffix in ("key", "cert", "xml"):
            for made in folder.glob(f"*.{suffix}"):
                made.rename(folder / f"mellon.{suffix}")

    def _host(self, site: Cloud) -> Path:
        return self._state / "sites" / f"{site.name}.conf"
