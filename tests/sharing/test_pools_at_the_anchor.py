"""What a tenant may want for the pools of a subnet at several sites, and how it is refused. No site needed."""

from typing import Any

import pytest

from federator.faults import Fault
from federator.sharing.pools import new_pools
from sync.kinds.subnet import MOST_POOLS, POOLS

OLD = [{"start": "10.0.0.2", "end": "10.0.0.254"}]
SPEC = {"cidr": "10.0.0.0/24", "gateway_ip": "10.0.0.1", POOLS: OLD}


def pool(start: Any, end: Any) -> dict[str, Any]:
    return {"start": start, "end": end}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"subnet": {"allocation_pools": [pool("10.0.0.9", "10.0.0.20")]}},
            [pool("10.0.0.9", "10.0.0.20")],
        ),
        ({"subnet": {"allocation_pools": []}}, []),
        ({"subnet": {"name": "other"}}, None),
        ({"subnet": {"gateway_ip": None}}, None),
        ({"subnet": {"gateway_ip": "nonsense"}}, None),
        ({"subnet": "nonsense"}, None),
        (None, None),
        ({"network": {"name": "other"}}, None),
        (
            {
                "subnet": {
                    "gateway_ip": "10.0.0.5",
                    "allocation_pools": [pool("10.0.0.6", "10.0.0.7")],
                }
            },
            [pool("10.0.0.6", "10.0.0.7")],
        ),
    ],
)
def test_what_is_wanted(body: Any, expected: Any) -> None:
    assert new_pools(body, SPEC) == expected


def test_a_subnet_that_has_no_book_is_its_sites_own_affair() -> None:
    assert new_pools({"subnet": {"allocation_pools": []}}, {"cidr": "fd00::/64"}) is None


@pytest.mark.parametrize(
    ("fields", "status", "title"),
    [
        ({"allocation_pools": "x"}, 400, "HTTPBadRequest"),
        ({"allocation_pools": ["x"]}, 400, "HTTPBadRequest"),
        ({"allocation_pools": None}, 400, "HTTPBadRequest"),
        ({"allocation_pools": [pool(None, 7)]}, 400, "InvalidAllocationPool"),
        ({"allocation_pools": [pool("10.0.0.0", "10.0.0.7")]}, 400, "OutOfBoundsAllocationPool"),
        (
            {"allocation_pools": [pool("10.0.0.1", "10.0.0.7")]},
            409,
            "GatewayConflictWithAllocationPools",
        ),
        ({"gateway_ip": "10.0.0.7"}, 409, "GatewayConflictWithAllocationPools"),
        ({"allocation_pools": [pool("10.0.0.9", "10.0.0.9")] * (MOST_POOLS + 1)}, 409, ""),
    ],
)
def test_what_is_refused(fields: Any, status: int, title: str) -> None:
    with pytest.raises(Fault) as refused:
        new_pools({"subnet": fields}, SPEC)
    assert (refused.value.status, refused.value.title) == (status, title)
