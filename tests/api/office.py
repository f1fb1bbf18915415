"""A gateway with an audit file, a policy of its own and a listener for monitoring; people with real passwords.

None of their secrets is part of any name, so whoever finds one in a log has found a secret.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.adversarial.gateways import SITES, GatewayProcess, RedisServer
from tests.e2e.api import Api, cloud
from tests.e2e.people import People, new_people
from tests.e2e.running import free_port
from tests.e2e.waiting import until


@dataclass
class Office:
    """What runs, who works here, and every secret that was ever used."""

    lab: Path
    gateway: GatewayProcess
    people: People
    monitor: str
    audit_file: Path
    policy_file: Path
    home: Api
    secrets: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return self.gateway.url

    def hire(self, name: str, role: str) -> "Clerk":
        """A new user with one role on the project."""
        password = self.secret()
        domain, project = self.people.domain_id, self.people.project_id
        new = {"name": f"{name}-{uuid.uuid4().hex[:6]}", "domain_id": domain, "password": password}
        user = self.home.do("POST", "identity", "/users", {"user": new})["user"]
        found = self.home.get("identity", f"/roles?name={role}")["roles"][0]["id"]
        self.home.do("PUT", "identity", f"/projects/{project}/users/{user['id']}/roles/{found}")
        return Clerk(self, user["name"], user["id"], password)

    def admin(self) -> str:
        """A token of home's admin."""
        auth = yaml.safe_load(self.lab.read_text())["clouds"]["home"]["auth"]
        self.secrets.add(auth["password"])
        domain = {"id": "default"}
        user = {"name": auth["username"], "domain": domain, "password": auth["password"]}
        project = {"name": auth["project_name"], "domain": domain}
        return self.log_in({"methods": ["password"], "password": {"user": user}}, project)

    def log_in(self, identity: dict[str, Any], project: dict[str, Any] | None) -> str:
        """A token."""
        auth: dict[str, Any] = {"identity": identity}
        if project is not None:
            auth["scope"] = {"project": project}
        answer = requests.post(
            f"{self.url}/identity/v3/auth/tokens", json={"auth": auth}, timeout=60
        )
        assert answer.status_code == 201, answer.text
        token = answer.headers["X-Subject-Token"]
        self.secrets.add(token)
        return token

    def secret(self) -> str:
        """A new password."""
        secret = f"pw{uuid.uuid4().hex}"
        self.secrets.add(secret)
        return secret

    def ask(
        self, method: str, path: str, token: str = "", body: object = None, **headers: str
    ) -> requests.Response:
        """Whatever the gateway answers."""
        if token:
            headers["X-Auth-Token"] = token
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(method, self.url + path, headers=sent, json=body, timeout=120)

    def event_of(self, answer: requests.Response) -> dict[str, Any]:
        """The audit event of the request that had this answer."""
        request_id = answer.headers["X-Openstack-Request-Id"]
        found = until(
            lambda: [event for event in self.events() if event["id"] == request_id],
            "the request is in the audit",
        )
        (event,) = found
        return event

    def events(self) -> list[dict[str, Any]]:
        """All audit events."""
        return [json.loads(line) for line in self.audit_file.read_text().splitlines()]


@dataclass(frozen=True)
class Clerk:
    """A user of the office's project."""

    office: Office
    name: str
    user_id: str
    password: str

    def token(self) -> str:
        """A new login."""
        people = self.office.people
        domain = {"name": people.domain}
        user = {"name": self.name, "domain": domain, "password": self.password}
        project = {"name": people.project, "domain": domain}
        identity = {"methods": ["password"], "password": {"user": user}}
        return self.office.log_in(identity, project)


@pytest.fixture(scope="session")
def office(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The office. When it closes, none of its secrets stands in anything that it has written."""
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("office")
        redis = RedisServer(folder)
        redis.start()
        stack.callback(redis.kill)
        monitor = f"127.0.0.1:{free_port()}"
        policy = folder / "policy.yaml"
        policy.write_text("")
        gateway = GatewayProcess(
            lab,
            folder,
            redis.url,
            monitor=monitor,
            audit_file="audit.log",
            policy_file="policy.yaml",
        )
        stack.callback(gateway.kill)
        gateway.start()
        people = stack.enter_context(new_people(lab, SITES))
        home = cloud(lab, "home")
        stack.callback(home.close)
        office = Office(
            lab, gateway, people, f"http://{monitor}", folder / "audit.log", policy, home
        )
        yield office
        gateway.stop()
        assert not gateway.complaints()
        written = gateway.log.read_text() + office.audit_file.read_text()
        assert not [secret for secret in office.secrets if secret in written]
