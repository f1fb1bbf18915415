"""The REST APIs of one cloud, called as one of its accounts."""

from __future__ import annotations

from typing import Any

from keystoneauth1 import session
from keystoneauth1.adapter import Adapter
from keystoneauth1.exceptions import Conflict, NotFound
from keystoneauth1.identity import v3

from lab.cloud import Cloud

RETRIES: dict[str, Any] = {"connect_retries": 3, "connect_retry_delay": 0.5}


class Rest:
    """`get`, `post` and so on return the one value inside the answer's outermost object."""

    def __init__(self, cloud: Cloud, service: str = "identity", account: str = "admin") -> None:
        auth = v3.Password(
            cloud.auth_url,
            username=account,
            password=cloud.password(account),
            user_domain_id="default",
            project_name="admin" if account == "admin" else "service",
            project_domain_id="default",
        )
        self._cloud = cloud
        self._session = session.Session(auth=auth, timeout=120)
        self._adapter = self._for(service)

    def service(self, service: str) -> Rest:
        """The same account and token at another service."""
        other = object.__new__(Rest)
        other._cloud, other._session = self._cloud, self._session
        other._adapter = other._for(service)
        return other

    def get(self, path: str, **query: str) -> Any:
        return self._value(self._adapter.get(path, params=query))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._value(self._adapter.post(path, json=body))

    def put(self, path: str, body: dict[str, Any] | None = None) -> None:
        self._adapter.put(path, json=body) if body else self._adapter.put(path)

    def upload(self, path: str, content: bytes) -> None:
        headers = {"Content-Type": "application/octet-stream"}
        self._adapter.put(path, data=content, headers=headers)

    def put_or_patch(self, path: str, body: dict[str, Any]) -> None:
        """Keystone's federation objects are made by PUT, which refuses what is there already."""
        try:
            self._adapter.put(path, json=body)
        except Conflict:
            self._adapter.patch(path, json=body)

    def put_unless_there(self, path: str, body: dict[str, Any]) -> None:
        try:
            self._adapter.get(path)
        except NotFound:
            self._adapter.put(path, json=body)

    def ensure_named(
        self, path: str, kind: str, name: str, more: dict[str, Any] | None = None, **where: str
    ) -> dict[str, Any]:
        """What has this name there; else it is made, with `more` of its own."""
        found: dict[str, Any] | None = self.find(path, name, **where)
        made: dict[str, Any] = found or self.post(
            path, {kind: {"name": name, **where, **(more or {})}}
        )
        return made

    def find(self, path: str, name: str, **query: str) -> Any:
        found = self.get(path, name=name, **query)
        return next((item for item in found if item["name"] == name), None)

    def _for(self, service: str) -> Adapter:
        if service == "identity":
            return Adapter(self._session, endpoint_override=self._cloud.auth_url, **RETRIES)
        return Adapter(
            self._session,
            service_type=service,
            region_name=self._cloud.name,
            interface="public",
            **RETRIES,
        )

    @staticmethod
    def _value(response: Any) -> Any:
        content = response.json()
        values = [value for key, value in content.items() if key not in ("links", "truncated")]
        return values[0] if len(values) == 1 else content
