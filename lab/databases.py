"""A site's databases: the schema of every service, made by the service's own migrations."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import keystone
from lab.cloud import Cloud
from lab.progress import run


def make_all(cloud: Cloud) -> None:
    """The chains run beside each other; within one the order matters."""
    chains = {
        "keystone": keystone.bootstrap,
        "nova-api": _nova,
        "neutron": _neutron,
        "placement": _placement,
        "glance": _glance,
        "cinder-api": _cinder,
    }
    with ThreadPoolExecutor(max_workers=4) as pool:
        running = [pool.submit(chains[name], cloud) for name in chains if name in cloud.services]
        for chain in running:
            chain.result()


def discover_compute_hosts(cloud: Cloud) -> None:
    _manage(cloud, "nova-manage", "nova/nova.conf", "cell_v2 discover_hosts")


def _nova(cloud: Cloud) -> None:
    conf = "nova/nova.conf"
    cell0 = cloud.database_url("nova_cell0")
    _manage(cloud, "nova-manage", conf, "api_db sync")
    _manage(cloud, "nova-manage", conf, f"cell_v2 map_cell0 --database_connection {cell0}")
    _manage(cloud, "nova-manage", conf, "db sync")
    _manage(cloud, "nova-manage", conf, "cell_v2 create_cell --name cell1")


def _neutron(cloud: Cloud) -> None:
    _manage(cloud, "neutron-db-manage", "neutron/neutron.conf", "upgrade heads")


def _placement(cloud: Cloud) -> None:
    _manage(cloud, "placement-manage", "placement/placement.conf", "db sync")


def _glance(cloud: Cloud) -> None:
    _manage(cloud, "glance-manage", "glance/glance-api.conf", "db_sync")


def _cinder(cloud: Cloud) -> None:
    _manage(cloud, "cinder-manage", "cinder/cinder.conf", "db sync")


def _manage(cloud: Cloud, program: str, conf: str, arguments: str) -> None:
    log = cloud.layout.log(cloud.name, f"bootstrap-{program}")
    argv: list[str | Path] = [
        cloud.program(program),
        "--config-file",
        cloud.etc / conf,
        *arguments.split(),
    ]
    run(argv, log, env=cloud.environment())
