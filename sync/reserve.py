"""The VLAN IDs of networks that span sites are kept from a site's own networks, where its Neutron keeps ranges.

A range that is not shared is its project's only (here the account's own); networks that are made with a VLAN
ID, as replicas are, may have any (`neutron.plugins.ml2.drivers.helpers`). Neutron takes no ranges that overlap.
So what an operator has set up already stays as it is: the doctor says what it means for the pool.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import structlog

from sync.cloud import Refused
from sync.driver import Ground
from sync.kind import Hand

log = structlog.get_logger(__name__)

EXTENSION = "network-segment-range"
NAME = "federator"
"""What the range is called at the sites."""


def is_free(pool: range, rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether no range there has any of these VLAN IDs."""
    return all(int(row["maximum"]) < pool.start or int(row["minimum"]) >= pool.stop for row in rows)


async def reserve(site: str, hand: Hand, ground: Ground, pool: range, project: str) -> bool:
    """Keep the pool for the project of the account, at a site that offers it and has nothing there yet.

    Whether a range was made. Raises SiteUnreachable; a site that refuses is only said to.
    """
    physical = ground.physical_network
    if not pool or not physical or EXTENSION not in ground.extensions:
        return False
    path = "/v2.0/network_segment_ranges"
    # Without `fields` every free ID would be listed.
    query = f"network_type=vlan&physical_network={quote(physical)}&fields=minimum&fields=maximum"
    try:
        found = await hand.call("GET", f"{path}?{query}")
        if not is_free(pool, found["network_segment_ranges"]):
            return False
        new = {
            "name": NAME,
            "network_type": "vlan",
            "physical_network": physical,
            "minimum": pool.start,
            "maximum": pool.stop - 1,
            "shared": False,
            "project_id": project,
        }
        await hand.call("POST", "/v2.0/network_segment_ranges", {"network_segment_range": new})
    except Refused as error:
        log.warning("VLAN IDs are not reserved", site=site, why=str(error))
        return False
    log.info("VLAN IDs are reserved", site=site, first=pool.start, last=pool.stop - 1)
    return True
