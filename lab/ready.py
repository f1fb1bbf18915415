"""When a site can be used: its APIs answer and its workers have reported since they were started.

A server asked for before that stays in BUILD for ever or goes to ERROR.
"""

from __future__ import annotations

from datetime import UTC, datetime

from keystoneauth1.exceptions import ClientException

from lab.cloud import Cloud
from lab.process import Processes
from lab.rest import Rest
from lab.wait import answers, until

WORKERS = {"nova-conductor", "nova-scheduler", "nova-compute", "cinder-scheduler", "cinder-volume"}
APIS = ("placement", "neutron", "glance", "cinder-api", "nova-api")


def wait_for_keystone(cloud: Cloud, processes: Processes) -> None:
    _wait_for_api(cloud, "keystone", processes)


def wait_for_apis(cloud: Cloud, processes: Processes) -> None:
    for service in APIS:
        if service in cloud.services:
            _wait_for_api(cloud, service, processes)


def wait_for_workers(cloud: Cloud, processes: Processes, since: float, names: set[str]) -> None:
    if not names:
        return
    rest = Rest(cloud)
    compute = rest.service("compute")
    volume = rest.service(cloud.release.volume_service_type)
    missing = set(names)

    def all_have_reported() -> bool:
        try:
            services = [*compute.get("/os-services"), *volume.get("/os-services")]
        except ClientException:
            return False
        missing.difference_update(s["binary"] for s in services if _reported_since(s, since))
        return not missing

    def alive() -> None:
        for name in names:
            processes.must_live(cloud.name, name)

    until(f"{cloud.name}: {', '.join(sorted(names))}", all_have_reported, alive, seconds=180)


def _wait_for_api(cloud: Cloud, service: str, processes: Processes) -> None:
    owner = cloud.identity if service == "keystone" else cloud.name
    url = cloud.auth_url if service == "keystone" else f"http://127.0.0.1:{cloud.port(service)}/"
    until(
        f"{cloud.name}: {service}",
        ready=lambda: answers(url),
        alive=lambda: processes.must_live(owner, service),
        seconds=180,
    )


def _reported_since(service: dict[str, str], since: float) -> bool:
    if service["state"] != "up" or not service["updated_at"]:
        return False
    reported = datetime.fromisoformat(service["updated_at"].split(".")[0])
    return reported.replace(tzinfo=UTC).timestamp() >= since
