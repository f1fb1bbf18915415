"""What all clouds of the lab share: MariaDB, and RabbitMQ with the epmd it needs.

memcached is not shared: Keystone's cache keys do not say whose they are, so every cloud has its own.
"""

from __future__ import annotations

import base64
import getpass
import hashlib
import json
import os

from lab.catalogue import sites
from lab.layout import Layout
from lab.process import Processes
from lab.progress import run, say
from lab.render import TEMPLATES, fill_file
from lab.wait import listening, until

OWNER = "shared"


class Shared:
    def __init__(self, layout: Layout, processes: Processes) -> None:
        self._layout = layout
        self._processes = processes
        self._data = layout.data(OWNER)
        self._etc = layout.etc(OWNER)
        self._socket = layout.socket("mariadb")

    def up(self) -> None:
        self._data.mkdir(parents=True, exist_ok=True)
        values = {
            "STATE": self._data,
            "MARIADB_SOCKET": self._socket,
            "UNIX_USER": getpass.getuser(),
            **{f"PORT_{n.upper()}": self._layout.shared_port(n) for n in ("mariadb", "rabbitmq")},
        }
        for name in ("mariadb.cnf", "rabbitmq.conf"):
            fill_file(TEMPLATES / name, self._etc / name, values)
        fresh = [self._start_rabbitmq(), self._start_mariadb()]
        self._wait("mariadb")
        if fresh[1]:
            self._grant()
        self._wait("rabbitmq")
        if any(fresh):
            say(OWNER, "MariaDB and RabbitMQ answer")

    def sql(self, statements: str, database: str = "") -> None:
        client = ["mariadb", "--no-defaults", f"--socket={self._socket}", "--user=root"]
        if database:
            client.append(database)
        run(client, self._layout.log(OWNER, "sql"), stdin=statements)

    def create_databases(self, names: list[str]) -> None:
        """Empty ones: what was left half made is dropped."""
        self.sql("".join(f"DROP DATABASE IF EXISTS {n}; CREATE DATABASE {n};\n" for n in names))

    def drop_databases(self, names: list[str]) -> None:
        self.sql("".join(f"DROP DATABASE IF EXISTS {name};\n" for name in names))

    def _start_mariadb(self) -> bool:
        if self._processes.running(OWNER, "mariadb"):
            return False
        if not (self._data / "mariadb" / "mysql").exists():
            install = ["mariadb-install-db", f"--defaults-file={self._etc / 'mariadb.cnf'}"]
            install += ["--auth-root-authentication-method=normal", "--skip-test-db"]
            run(install, self._layout.log(OWNER, "mariadb-install"))
        server = ["mariadbd", f"--defaults-file={self._etc / 'mariadb.cnf'}"]
        self._processes.start(OWNER, "mariadb", server)
        return True

    def _grant(self) -> None:
        password = self._layout.secret("mariadb")
        self.sql(
            f"CREATE USER IF NOT EXISTS lab@'%' IDENTIFIED BY '{password}';"
            "GRANT ALL ON *.* TO lab@'%';"
        )

    def _start_rabbitmq(self) -> bool:
        """epmd first and by ourselves: RabbitMQ would leave one behind that nobody stops."""
        if self._processes.running(OWNER, "rabbitmq"):
            return False
        epmd_port = str(self._layout.shared_port("epmd"))
        if not self._processes.running(OWNER, "epmd"):
            epmd = ["epmd", "-address", "127.0.0.1", "-port", epmd_port]
            self._processes.start(OWNER, "epmd", epmd)
        state = self._layout.folder("data", OWNER, "rabbitmq")
        (self._data / "definitions.json").write_text(json.dumps(self._definitions()))
        (state / "plugins").write_text("[].\n")
        (state / "env.conf").write_text("")  # else the machine's own /etc/rabbitmq would be read
        env = {
            "RABBITMQ_CONF_ENV_FILE": f"{state}/env.conf",
            "RABBITMQ_CONFIG_FILE": f"{self._etc}/rabbitmq.conf",
            "RABBITMQ_MNESIA_BASE": f"{state}/mnesia",
            "RABBITMQ_LOG_BASE": str(self._layout.folder("log", OWNER)),
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{state}/plugins",
            "RABBITMQ_NODENAME": "lab@localhost",
            "RABBITMQ_DIST_PORT": str(self._layout.shared_port("erlang")),
            "ERL_EPMD_PORT": epmd_port,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # One scheduler that sleeps when idle; the default spins on every core.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none",
        }
        self._processes.start(OWNER, "rabbitmq", ["/usr/lib/rabbitmq/bin/rabbitmq-server"], env)
        return True

    def _definitions(self) -> dict[str, object]:
        """Loaded at every start: a vhost for every site there is a file of."""
        salt = os.urandom(4)
        digest = hashlib.sha256(salt + self._layout.secret("rabbitmq").encode()).digest()
        grants = [
            {"user": "lab", "vhost": name, "configure": ".*", "write": ".*", "read": ".*"}
            for name in sites()
        ]
        user = {
            "name": "lab",
            "password_hash": base64.b64encode(salt + digest).decode(),
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": "administrator",
        }
        vhosts = [{"name": name} for name in sites()]
        return {"users": [user], "vhosts": vhosts, "permissions": grants}

    def _wait(self, name: str) -> None:
        until(
            name,
            lambda: listening(self._layout.shared_port(name)),
            lambda: self._processes.must_live(OWNER, name),
            seconds=90,
        )
