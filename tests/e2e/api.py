"""Raw calls to an OpenStack cloud: to the sites themselves, or to the gateway where no command does it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
import yaml
from keystoneauth1 import loading, session


class Api:
    """One login at one cloud. Paths are below the endpoints of its catalogue."""

    def __init__(self, auth: Mapping[str, Any], region: str | None = None) -> None:
        plugin = loading.get_plugin_loader("password").load_from_options(**auth)
        self._http = requests.Session()
        self._session = session.Session(plugin, session=self._http, timeout=120)
        self._region = region

    @property
    def project_id(self) -> str:
        return str(self._session.get_project_id())

    @property
    def user_id(self) -> str:
        return str(self._session.get_user_id())

    @property
    def token(self) -> str:
        return str(self._session.get_token())

    def catalog(self) -> dict[str, str]:
        """Service type -> public URL."""
        access = self._session.auth.get_access(self._session)
        urls: dict[str, str] = {}
        for service in access.service_catalog.catalog:
            for endpoint in service["endpoints"]:
                if endpoint["interface"] == "public":
                    urls[service["type"]] = endpoint["url"]
        return urls

    def call(
        self,
        method: str,
        service: str,
        path: str,
        body: object = None,
        *,
        site: str = "",
        microversion: str = "",
        data: bytes | None = None,
    ) -> requests.Response:
        """The answer, whatever its status."""
        headers = {"Accept": "application/json"}
        if site:
            headers["X-Federation-Site"] = site
        if microversion:
            headers["OpenStack-API-Version"] = (
                f"{service.replace('block-storage', 'volume')} {microversion}"
            )
        if data is not None:
            headers["Content-Type"] = "application/octet-stream"
        extra: dict[str, Any] = {"data": data} if data is not None else {}
        if body is not None:
            extra["json"] = body
        return self._session.request(
            path,
            method,
            endpoint_filter={"service_type": service, "region_name": self._region},
            headers=headers,
            raise_exc=False,
            **extra,
        )

    def do(self, method: str, service: str, path: str, *args: Any, **options: Any) -> Any:
        """The body of an answer that has to be a success."""
        response = self.call(method, service, path, *args, **options)
        assert response.ok, f"{method} {service} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def get(self, service: str, path: str, **options: Any) -> Any:
        """What GET answers."""
        return self.do("GET", service, path, **options)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def cloud(clouds_yaml: Path, name: str) -> Api:
    """The login of an entry in a clouds.yaml."""
    entry = yaml.safe_load(clouds_yaml.read_text())["clouds"][name]
    return Api(entry["auth"], entry.get("region_name"))
