"""The pool of VLAN IDs is reserved at sites that offer it, and what is set up there already is left alone."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from sync.cloud import Refused
from sync.driver import Ground
from sync.reserve import EXTENSION, reserve

POOL = range(2000, 2100)
GROUND = Ground("trunk", extensions=frozenset({EXTENSION}))


@dataclass
class Neutron:
    """As much of one as has ranges: a list, and no two that overlap."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    refuses: int = 0
    asked: list[str] = field(default_factory=list)

    async def call(
        self, method: str, path: str, json: Any = None, *, revision: int | None = None
    ) -> Any:
        self.asked.append(f"{method} {path}")
        if self.refuses:
            raise Refused(self.refuses, "no")
        if method == "GET":
            return {"network_segment_ranges": list(self.rows)}
        self.rows.append(json["network_segment_range"])
        return json


@pytest.mark.parametrize(
    ("rows", "made"),
    [
        ([], True),
        ([(100, 1999), (2100, 3999)], True),
        ([(100, 3999)], False),
        ([(2000, 2099)], False),
        ([(2099, 2500)], False),
        ([(1000, 2000)], False),
        ([(2050, 2050)], False),
    ],
)
async def test_only_what_overlaps_nothing(rows: list[tuple[int, int]], made: bool) -> None:
    neutron = Neutron([{"minimum": first, "maximum": last} for first, last in rows])
    assert await reserve("paris", neutron, GROUND, POOL, "s" * 32) is made
    if made:
        new = neutron.rows[-1]
        assert (new["minimum"], new["maximum"]) == (2000, 2099)
        assert (new["shared"], new["project_id"]) == (False, "s" * 32)
        assert (new["network_type"], new["physical_network"]) == ("vlan", "trunk")
    # Once it is there it is there.
    assert not await reserve("paris", neutron, GROUND, POOL, "s" * 32)
    assert len(neutron.rows) == len(rows) + made


@pytest.mark.parametrize(
    ("ground", "pool"),
    [
        (Ground("trunk"), POOL),
        (Ground("", extensions=GROUND.extensions), POOL),
        (GROUND, range(0)),
    ],
)
async def test_nothing_is_asked_where_there_is_nothing_to_reserve(
    ground: Ground, pool: range
) -> None:
    neutron = Neutron()
    assert not await reserve("paris", neutron, ground, pool, "s" * 32)
    assert not neutron.asked


@pytest.mark.parametrize("status", [403, 404, 409])
async def test_a_site_that_refuses_keeps_nothing_up(status: int) -> None:
    assert not await reserve("paris", Neutron(refuses=status), GROUND, POOL, "s" * 32)
