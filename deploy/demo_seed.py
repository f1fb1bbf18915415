"""What the tour shows: a network, a server and a volume at each site, made through the gateway.

What an earlier demo made is found again and left as it is.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import openstack
from demo_parts import Client, DemoFailed, patience, say
from openstack.connection import Connection
from openstack.exceptions import SDKException

CIDRS = ("10.10.1.0/24", "10.10.2.0/24")


def seed(client: Client, sites: Sequence[str]) -> None:
    """Everything at all sites, at the same time. Raises DemoFailed."""
    with patience("seed", "making things at the sites"), ThreadPoolExecutor() as pool:
        jobs = {
            site: pool.submit(_seed_one, client, site, cidr)
            for site, cidr in zip(sites, CIDRS, strict=True)
        }
        for site, job in jobs.items():
            try:
                say("seed", f"{site}: {', '.join(job.result())}")
            except SDKException as error:
                raise DemoFailed(f"seed at {site}: {' '.join(str(error).split())}") from None


def _seed_one(client: Client, site: str, cidr: str) -> list[str]:
    file, cloud = client.environment.values()
    loader = openstack.config.OpenStackConfig(config_files=[file], load_envvars=False)
    with Connection(config=loader.get_one(cloud)) as cloud_:
        return list(_things(cloud_, site, cidr))


def _things(cloud: Connection, site: str, cidr: str) -> Iterator[str]:
    """One line for each thing that is there in the end."""
    name = f"{site}-net"
    network = cloud.network.find_network(name)
    yield f"network {name} {'was there' if network else 'made'}"
    # Nothing in this request says where, but for the zone: that of a site is the site's name.
    network = network or cloud.network.create_network(name=name, availability_zone_hints=[site])
    if not network.subnet_ids:
        # It follows its network.
        cloud.network.create_subnet(
            network_id=network.id, name=f"{site}-subnet", ip_version=4, cidr=cidr
        )

    name = f"{site}-web"
    server = cloud.compute.find_server(name)
    if server and server.status == "ERROR":
        cloud.compute.delete_server(server)
        cloud.compute.wait_for_delete(server)
        server = None
    yield f"server {name} {'was there' if server else 'made'}"
    if not server:
        server = cloud.compute.create_server(
            name=name,
            image_id=cloud.image.find_image("cirros", ignore_missing=False).id,
            flavor_id=cloud.compute.find_flavor("m1.tiny", ignore_missing=False).id,
            networks=[{"uuid": network.id}],
        )
        cloud.compute.wait_for_server(server, wait=180)

    name = f"{site}-data"
    volume = cloud.block_storage.find_volume(name)
    yield f"volume {name} {'was there' if volume else 'made'}"
    if not volume:
        volume = cloud.block_storage.create_volume(name=name, size=1, availability_zone=site)
        cloud.block_storage.wait_for_status(volume, wait=120)
