"""A subnet: its pools are not alike anywhere (`sync.ipam`); it cannot be without its network."""

from adapters.registry import all_services
from sync.kind import Kind

_SUBNET = all_services()["network"].resource("subnet")

KIND = Kind(
    "subnet",
    _SUBNET,
    _SUBNET.synced,
    _SUBNET.born,
    after=("network",),
    users="fixed_ips=subnet_id%3D",
)
