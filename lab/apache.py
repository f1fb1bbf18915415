"""The one Apache before the Keystones: the virtual hosts an operator would write, filled in.

A site's virtual host exists while the site is started, so a stopped site refuses connections.
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from lab.catalogue import HOME
from lab.cloud import ADDRESS, Cloud
from lab.identity_provider import IDP as OPENID_IDP
from lab.identity_provider import KEY_ID, IdentityProvider
from lab.layout import CHECKOUT, Layout
from lab.process import Processes
from lab.progress import run
from lab.render import TEMPLATES, fill_file
from lab.wait import listening, until

OWNER, NAME = "shared", "apache"
SITE = CHECKOUT / "deploy" / "k2k" / "apache-site.conf"
OPENID = CHECKOUT / "deploy" / "oidc" / "apache-oidc.conf"
HOME_HOST = CHECKOUT / "deploy" / "oidc" / "apache-home.conf"
MODULES = Path("/usr/lib/apache2/modules")


class Apache:
    def __init__(
        self, layout: Layout, processes: Processes, identity_provider: IdentityProvider
    ) -> None:
        self._layout = layout
        self._processes = processes
        self._identity_provider = identity_provider
        self._state = layout.data(OWNER) / "apache"
        self._configuration = layout.etc(OWNER) / "httpd.conf"

    def add(self, cloud: Cloud) -> None:
        host, openid = self._files(cloud)
        before = host.read_text() if host.exists() else ""
        values = self._values(cloud) | {"OIDC": openid, "MORE": openid}
        fill_file(OPENID, openid, values)
        if not cloud.is_home:
            self._make_mellon_keys(cloud)
        fill_file(HOME_HOST if cloud.is_home else SITE, host, values)
        if not self._processes.running(OWNER, NAME):
            self._start()
        elif host.read_text() != before:
            self._reload()
        until(
            f"Apache for {cloud.name}",
            lambda: listening(cloud.port("keystone")),
            lambda: self._processes.must_live(OWNER, NAME),
            seconds=30,
        )

    def forget_stopped(self, wanted: list[Cloud]) -> None:
        """After `down` the virtual hosts are still there, of sites too that are not started now."""
        if not self._processes.running(OWNER, NAME):
            names = {cloud.name for cloud in wanted}
            for host in (self._state / "sites").glob("*.conf"):
                if host.stem not in names:
                    host.unlink()

    def remove(self, site: Cloud) -> None:
        host, _ = self._files(site)
        if host.exists():
            host.unlink()
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

    def _files(self, cloud: Cloud) -> tuple[Path, Path]:
        """Its virtual host, and the part of it that is about the OpenID provider."""
        folder = self._state / "sites"
        return folder / f"{cloud.name}.conf", folder / f"{cloud.name}.openid"

    def _values(self, cloud: Cloud) -> dict[str, object]:
        common: dict[str, object] = {
            "LISTEN": f"{ADDRESS}:{cloud.port('keystone')}",
            "PUBLIC_URL": cloud.base_url,
            "BACKEND": f"unix:{cloud.keystone_socket}|http://localhost",
            "ISSUER": self._identity_provider.issuer,
            "KEY_ID": KEY_ID,
            "CERTIFICATE": self._identity_provider.certificate,
            "AUDIENCE": f"urn:site:{cloud.name}",
            "PASSPHRASE": self._layout.secret(f"{cloud.name}-openid"),
            "OPENID_IDP": OPENID_IDP,
        }
        if cloud.is_home:
            client = {"CLIENT_ID": HOME, "CLIENT_SECRET": f"{HOME}-secret", "PREFIX": "/identity"}
            return common | client
        return common | {
            "SITE": cloud.name,
            "MELLON": cloud.data / "mellon",
            "IDP_METADATA": self._layout.data(HOME) / "idp_metadata.xml",
            "IDP": HOME,
            "SECURE_COOKIE": "Off",
        }
