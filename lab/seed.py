"""What every site offers its tenants, if it has the service: flavors, images, a volume type, a network.

Flavors have the same IDs at all sites and images the same bytes, everything else is the site's own.
"""

from __future__ import annotations

from hashlib import sha256

from lab.catalogue import SiteFile
from lab.cloud import Cloud
from lab.render import TEMPLATES, fill
from lab.rest import Rest
from lab.shared import Shared

# id: (name, MiB of memory, GiB of disk); a disk of 0 would hide that images are checked against it
FLAVORS = {"1": ("m1.nano", 64, 1), "2": ("m1.tiny", 512, 1), "3": ("m1.small", 2048, 20)}
IMAGES = {"cirros": 64 * 1024, "debian": 128 * 1024}  # bytes
VOLUME_TYPE = "fake"


def seed(cloud: Cloud, site: SiteFile, shared: Shared) -> None:
    rest = Rest(cloud)
    if "nova-api" in cloud.services:
        _flavors(rest.service("compute"))
    if "cinder-api" in cloud.services:
        volume_type = {"name": VOLUME_TYPE, "extra_specs": {"volume_backend_name": "fake"}}
        volumes = rest.service(cloud.release.volume_service_type)
        volumes.post("/types", {"volume_type": volume_type})
    if "glance" in cloud.services:
        _images(rest.service("image"))
    if "neutron" in cloud.services:
        agents = (TEMPLATES / "neutron-agents.sql").read_text()
        shared.sql(fill(agents, cloud.values), f"{cloud.name}_neutron")
        _external_network(rest.service("network"), site.external_cidr)


def _flavors(compute: Rest) -> None:
    for flavor_id, (name, ram, disk) in FLAVORS.items():
        flavor = {"id": flavor_id, "name": name, "ram": ram, "disk": disk, "vcpus": 1}
        compute.post("/flavors", {"flavor": flavor})


def _images(image: Rest) -> None:
    for name, size in IMAGES.items():
        properties = {"name": name, "visibility": "public"}
        formats = {"disk_format": "raw", "container_format": "bare"}
        image_id = image.post("/v2/images", {**properties, **formats})["id"]
        image.upload(f"/v2/images/{image_id}/file", _content(name, size))


def _external_network(network: Rest, cidr: str) -> None:
    public = {
        "name": "public",
        "router:external": True,
        "provider:network_type": "flat",
        "provider:physical_network": "physnet1",
    }
    network_id = network.post("/v2.0/networks", {"network": public})["id"]
    subnet = {"name": "public", "network_id": network_id, "ip_version": 4, "enable_dhcp": False}
    network.post("/v2.0/subnets", {"subnet": {**subnet, "cidr": cidr}})


def _content(name: str, size: int) -> bytes:
    """Bytes that are the same everywhere and do not compress to nothing."""
    block = sha256(name.encode()).digest()
    content = bytearray()
    while len(content) < size:
        content += block
        block = sha256(block).digest()
    return bytes(content[:size])
