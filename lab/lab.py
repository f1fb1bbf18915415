"""The story of the lab: up, down, status, reset; and what tests do to single sites and services."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import (
    catalogue,
    clouds_file,
    cut,
    databases,
    federation,
    home,
    keystone,
    packages,
    ready,
    seed,
    venvs,
)
from lab.apache import Apache
from lab.catalogue import HOME
from lab.cloud import Cloud
from lab.copies import ServerCopy, removal, statements
from lab.identity_provider import IdentityProvider
from lab.layout import LabError, Layout
from lab.process import Processes
from lab.progress import say
from lab.shared import OWNER as SHARED
from lab.shared import Shared

DEFAULT_SITES = ("paris", "tokyo")


class Lab:
    def __init__(self, folder: Path | None = None, port_base: int | None = None) -> None:
        self.layout = Layout.find(folder, port_base)
        self.processes = Processes(self.layout)
        self._shared = Shared(self.layout, self.processes)
        self.identity_provider = IdentityProvider(self.layout, self.processes)
        self._apache = Apache(self.layout, self.processes, self.identity_provider)
        self._one_at_a_time = threading.Lock()

    # ---- the four verbs

    def up(self, sites: Iterable[str] = DEFAULT_SITES) -> None:
        home_cloud, *site_clouds = clouds = [self.cloud(name) for name in (HOME, *sites)]
        self._refuse_other_ports()
        packages.install_missing()
        # What runs keeps the virtualenv it was started from; new pins are taken up after `down`.
        in_use = {
            r.owner for r in self.processes.records() if self.processes.running(r.owner, r.name)
        }
        releases = {self.cloud(name).release for name in in_use if name != SHARED}
        venvs.build_missing(self.layout, {cloud.release for cloud in clouds} - releases)
        self._shared.up()
        self.identity_provider.up()
        self._apache.forget_stopped(clouds)
        home_cloud.write_configuration()
        if not (home_cloud.data / "idp_metadata.xml").exists():
            home_cloud.data.mkdir(parents=True, exist_ok=True)
            federation.make_identity_provider(home_cloud)  # Apache cannot start without
        own = [site for site in site_clouds if site.identity == site.name]
        with ThreadPoolExecutor() as pool:
            running = [pool.submit(self._up_home, home_cloud)]
            running += [pool.submit(self._up_site, site) for site in own]
            for cloud in running:
                cloud.result()
        for site in site_clouds:
            if site in own:
                federation.trust_home(home_cloud, site)
                federation.trust_openid(site, self.identity_provider.issuer)
            else:
                self._up_site(site)
        say("lab", f"up; accounts in {clouds_file.write(self.layout, self.bootstrapped())}")

    def down(self, sites: Iterable[str] | None = None) -> None:
        """Stop the named sites, or everything."""
        if sites is not None:
            for name in sites:
                self.stop_site(name)
            return
        records = self.processes.records()
        clouds = [record for record in records if record.owner != SHARED]
        self.processes.stop(clouds)
        self.processes.stop((r for r in records if r.owner == SHARED), patience=20)
        for pid in self.processes.strays():
            say("lab", f"kills process {pid}, which had left its group")
            self.processes.kill(pid)
        say("lab", f"down, {len(records)} services stopped")

    def reset(self, sites: Iterable[str] | None = None) -> None:
        """Stop and forget what was made; packages and virtualenvs stay."""
        if sites is None:
            self.down()
            for folder in ("data", "etc", "log"):
                shutil.rmtree(self.layout.root / folder, ignore_errors=True)
            say("lab", "data removed")
            return
        for name in sites:
            self.stop_site(name)
            cloud = self.cloud(name)
            if self.processes.running(SHARED, "mariadb"):
                self._shared.drop_databases([f"{name}_{database}" for database in cloud.databases])
            shutil.rmtree(cloud.data, ignore_errors=True)
            say(name, "data removed")

    def bootstrapped(self) -> list[Cloud]:
        names = [HOME, *catalogue.sites()]
        return [cloud for cloud in map(self.cloud, names) if self._mark(cloud).exists()]

    # ---- for tests

    def cloud(self, name: str) -> Cloud:
        if name == HOME:
            return Cloud(HOME, catalogue.home().release, 0, ("keystone",), self.layout)
        site = catalogue.site(name)
        return Cloud(name, site.release, site.port_offset, site.own_services, self.layout)

    def stop_service(self, cloud: str, service: str) -> None:
        self.processes.stop(r for r in self.processes.records(cloud) if r.name == service)

    def start_service(self, cloud: str, service: str) -> None:
        self._start(self.cloud(cloud), [service])

    def stop_site(self, name: str) -> None:
        self._apache.remove(self.cloud(name))
        self.processes.stop(self.processes.records(name))
        say(name, "stopped")

    def start_site(self, name: str) -> None:
        self._up_site(self.cloud(name))

    def freeze_site(self, name: str) -> None:
        """Its ports still accept connections, but nothing answers any more."""
        self.processes.send_signal(name, signal.SIGSTOP)

    def thaw_site(self, name: str) -> None:
        self.processes.send_signal(name, signal.SIGCONT)

    def cut_off_site(self, name: str) -> None:
        """Its services run, but no packet reaches them."""
        cut.cut_off(self.cloud(name))

    def reconnect_site(self, name: str) -> None:
        cut.reconnect(self.cloud(name))

    def copy_server(self, site: str, server: str, copies: Sequence[ServerCopy]) -> None:
        """Many more servers like this one of the site, at once."""
        self._shared.sql(statements(site, server, copies))

    def remove_copies(self, site: str, copies: Iterable[str]) -> None:
        """Take the copies with these IDs back."""
        self._shared.sql(removal(site, copies))

    # ---- how one cloud is started

    def _up_home(self, cloud: Cloud) -> None:
        mark = self._mark(cloud)
        fresh = not mark.exists()
        if fresh:
            self._begin_anew(cloud)
            keystone.bootstrap(cloud)
        with self._one_at_a_time:
            self._apache.add(cloud)
        started = self._start(cloud, cloud.services)
        ready.wait_for_keystone(cloud, self.processes)
        if fresh or mark.read_text() != home.fingerprint():
            home.seed(cloud, catalogue.home())
            federation.trust_openid_at_home(cloud, self.identity_provider.issuer)
            mark.write_text(home.fingerprint())
        say(cloud.name, f"{'up' if started else 'was up'}: {cloud.auth_url}")

    def _up_site(self, cloud: Cloud) -> None:
        cloud.write_configuration()
        fresh = not self._mark(cloud).exists()
        since = time.time() - 1
        if fresh:
            self._begin_anew(cloud)
            self._make_folders(cloud)
            databases.make_all(cloud)
            say(cloud.name, "databases made")
        if "keystone" in cloud.services:
            with self._one_at_a_time:
                self._apache.add(cloud)
        if fresh:  # the other services do not start without their accounts
            self._start(cloud, {"keystone"} & set(cloud.services))
            ready.wait_for_keystone(cloud, self.processes)
            keystone.make_accounts(cloud)
            say(cloud.name, "Keystone has catalogue and accounts")
        started = self._start(cloud, cloud.services)
        ready.wait_for_keystone(cloud, self.processes)
        ready.wait_for_apis(cloud, self.processes)
        if fresh:
            seed.seed(cloud, catalogue.site(cloud.name), self._shared)
        ready.wait_for_workers(cloud, self.processes, since, ready.WORKERS & set(started))
        if fresh:
            if "nova-api" in cloud.services:
                databases.discover_compute_hosts(cloud)
            self._mark(cloud).touch()
        say(cloud.name, f"{'up' if started else 'was up'}: {cloud.auth_url}")

    def _start(self, cloud: Cloud, services: Iterable[str]) -> list[str]:
        if not self.processes.running(cloud.name, "memcached"):
            port = str(cloud.port("memcached"))
            options = ["-u", "root", "-l", "127.0.0.1", "-p", port, "-m", "32", "-t", "1"]
            self.processes.start(cloud.name, "memcached", ["memcached", *options])
        missing = [name for name in services if not self.processes.running(cloud.name, name)]
        for name in missing:
            self.processes.start(cloud.name, name, cloud.command(name), cloud.environment())
        return missing

    def _begin_anew(self, cloud: Cloud) -> None:
        """A first start that was broken off may have left services, cached answers and tables."""
        say(cloud.name, "makes its databases")
        self.processes.stop(self.processes.records(cloud.name))
        self._shared.create_databases([f"{cloud.name}_{name}" for name in cloud.databases])

    def _make_folders(self, cloud: Cloud) -> None:
        shutil.rmtree(cloud.data, ignore_errors=True)
        for name in ("nova", "neutron", "cinder", "locks", "glance/images", "glance/staging"):
            (cloud.data / name).mkdir(parents=True)
        (cloud.data / "nova" / "compute_id").write_text(str(cloud.compute_id))

    def _mark(self, cloud: Cloud) -> Path:
        """Only there when the first start went through; else the next one begins again."""
        return cloud.data / "bootstrapped"

    def _refuse_other_ports(self) -> None:
        """The ports are in the catalogues, so a lab keeps the ones it was made with."""
        path = self.layout.folder("data") / "port_base"
        if not path.exists():
            path.write_text(str(self.layout.port_base))
        if path.read_text() != str(self.layout.port_base):
            raise LabError(
                f"this lab was made with ports from {path.read_text()} on, now asked for"
                f" {self.layout.port_base}\n  cure: LAB_PORT_BASE={path.read_text()}, or python -m lab reset"
            )
