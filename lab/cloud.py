"""One cloud of the lab, home or a site: its names, ports, passwords, and how its services are launched."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lab.catalogue import HOME, Release
from lab.layout import CLOUD_PORTS, Layout
from lab.render import TEMPLATES, fill, fill_file

ADDRESS = "127.0.0.1"
# configuration file: the templates it is put together from
Files = dict[str, tuple[str, ...]]
# service: its databases
DATABASES = {
    "keystone": ("keystone",),
    "nova-api": ("nova_api", "nova", "nova_cell0"),
    "placement": ("placement",),
    "neutron": ("neutron",),
    "glance": ("glance",),
    "cinder-api": ("cinder",),
}
# service: its configuration files
FILES: dict[str, Files] = {
    "keystone": {"keystone/keystone.conf": ("keystone.conf", "keystone-site.conf")},
    "nova-api": {"nova/nova.conf": ("nova.conf",), "nova/nova-cpu.conf": ("nova-cpu.conf",)},
    "placement": {"placement/placement.conf": ("placement.conf",)},
    "neutron": {"neutron/neutron.conf": ("neutron.conf",)},
    "glance": {"glance/glance-api.conf": ("glance-api.conf",)},
    "cinder-api": {"cinder/cinder.conf": ("cinder.conf",)},
}
HOME_FILES: Files = {"keystone/keystone.conf": ("keystone.conf", "keystone-home.conf")}
# The WSGI module of Nova reads this one beside nova.conf, wherever [wsgi] says it is.
COPIED_FILES = {"nova-api": "nova/api-paste.ini"}
# Protocols of federation are methods too: home's users come from the OpenID provider, a site's also from home.
AUTH_METHODS = {
    True: "password,token,mapped,openid,totp,application_credential",
    False: "password,token,mapped,saml2,openid,application_credential",
}


@dataclass(frozen=True)
class Cloud:
    name: str
    release: Release
    port_offset: int
    services: tuple[str, ...]
    layout: Layout

    @property
    def is_home(self) -> bool:
        return self.name == HOME

    @property
    def identity(self) -> str:
        """The cloud whose Keystone this one uses: its own or, if it has none, home's."""
        return self.name if "keystone" in self.services else HOME

    @property
    def base_url(self) -> str:
        """Of the Keystone, without /v3."""
        return f"http://{ADDRESS}:{self.port('keystone')}"

    @property
    def auth_url(self) -> str:
        return f"{self.base_url}/v3"

    @property
    def etc(self) -> Path:
        return self.layout.etc(self.name)

    @property
    def data(self) -> Path:
        return self.layout.data(self.name)

    @property
    def databases(self) -> list[str]:
        return [name for service in self.services for name in DATABASES.get(service, ())]

    @property
    def keystone_socket(self) -> Path:
        return self.layout.socket(f"{self.name}-keystone")

    @property
    def compute_id(self) -> uuid.UUID:
        """The fake hypervisor makes its node's ID from the host name; nova-compute wants it in a file."""
        return uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.name}-host")

    def port(self, service: str) -> int:
        # Home has few services, so its memcached fits between the shared ones.
        offset = 12 if self.is_home and service == "memcached" else CLOUD_PORTS[service]
        own = 0 if service == "keystone" and self.identity == HOME else self.port_offset
        return self.layout.port_base + own + offset

    def password(self, account: str) -> str:
        return self.layout.secret(f"{self.identity}-{account}")

    def database_url(self, database: str) -> str:
        address = f"{ADDRESS}:{self.layout.shared_port('mariadb')}"
        # Old PyMySQL does not know utf8mb3, so the connection says utf8mb4.
        return (
            f"mysql+pymysql://lab:{self.layout.secret('mariadb')}@{address}"
            f"/{self.name}_{database}?charset=utf8mb4"
        )

    @cached_property
    def values(self) -> dict[str, object]:
        """What the templates may ask for."""
        rabbit = f"{ADDRESS}:{self.layout.shared_port('rabbitmq')}/{self.name}"
        return {
            "SITE": self.name,
            "ETC": self.etc,
            "STATE": self.data,
            "VENV": self.layout.venv(self.release.name),
            "AUTH_URL": self.auth_url,
            "AUTH_URL_BASE": self.base_url,
            "AUTH_METHODS": AUTH_METHODS[self.is_home],
            "SERVICE_PASSWORD": self.password("service"),
            "TRANSPORT_URL": f"rabbit://lab:{self.layout.secret('rabbitmq')}@{rabbit}",
            "VOLUME_SERVICE_TYPE": self.release.volume_service_type,
            "DASHBOARD": f"http://{ADDRESS}:{self.layout.shared_port('dashboard')}/auth/websso/",
            **{f"DB_{name.upper()}": self.database_url(name) for name in self.databases},
            **{f"PORT_{n.upper().replace('-', '_')}": self.port(n) for n in CLOUD_PORTS},
        }

    def write_configuration(self) -> None:
        for target, parts in self._files().items():
            draft = self.etc / f"{target}.template"
            draft.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text("".join(self._template(part).read_text() for part in parts))
            fill_file(draft, self.etc / target, self.values)
            draft.unlink()
        for service, name in COPIED_FILES.items():
            if service in self.services:
                shutil.copy(self.layout.venv(self.release.name) / "etc" / name, self.etc / name)

    def _files(self) -> Files:
        if self.is_home:
            return HOME_FILES
        found = (FILES.get(service, {}) for service in self.services)
        return {target: parts for files in found for target, parts in files.items()}

    def _template(self, name: str) -> Path:
        """A release may bring its own version of a template."""
        own = self.release.folder / "templates" / name
        return own if own.exists() else TEMPLATES / name

    def program(self, name: str) -> Path:
        return self.layout.venv(self.release.name) / "bin" / name

    def environment(self) -> dict[str, str]:
        """WSGI modules have no command line and find their configuration here."""
        etc = self.etc
        return {
            "PATH": f"{self.program('x').parent}:/usr/sbin:/usr/bin:/sbin:/bin",
            "OS_KEYSTONE_CONFIG_FILES": f"{etc}/keystone/keystone.conf",
            "OS_PLACEMENT_CONFIG_DIR": f"{etc}/placement",
            "OS_NOVA_CONFIG_DIR": f"{etc}/nova",
            "OS_NEUTRON_CONFIG_DIR": f"{etc}/neutron",
            "OS_NEUTRON_CONFIG_FILES": "neutron.conf",
            "OS_GLANCE_CONFIG_DIR": f"{etc}/glance",
        }

    def command(self, service: str) -> list[str | Path]:
        launch = self.release.services[service]
        if launch.command:
            program, *arguments = launch.command
            return [self.program(program), *(fill(word, self.values) for word in arguments)]
        argv: list[str | Path] = [self.program("uwsgi"), "--ini", TEMPLATES / "uwsgi.ini"]
        argv += ["--module", launch.wsgi, "--processes", str(launch.processes)]
        argv += ["--threads", str(launch.threads)]
        if launch.processes > 1:
            argv += ["--master"]  # a process of its own, so only where it has something to do
        if launch.lazy_apps:
            argv += ["--lazy-apps"]
        if launch.pyargv:
            argv += ["--pyargv", fill(launch.pyargv, self.values)]
        if service == "keystone":
            # Else a refusal that comes before the end of the question is a 502 of Apache's.
            argv += ["--post-buffering", "65536"]
        return [*argv, "--http-socket", self._listens_at(service)]

    def _listens_at(self, service: str) -> str:
        if service == "keystone":
            return str(self.keystone_socket)  # only Apache may talk to it, see deploy
        return f"{ADDRESS}:{self.port(service)}"
