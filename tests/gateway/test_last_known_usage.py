"""What a project had used at a site that is away: as its Nova would have said when it last told."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federator.lastknown.filters import CannotTell
from federator.lastknown.usage import known_from, used

SEEN = int(datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp())
# Without their times, as a Nova of 2026.2 gave them.
SERVER = {"name": "web", "flavor": "m1.nano", "memory_mb": 64, "local_gb": 1, "vcpus": 2}
RUNS = {**SERVER, "started_at": "2026-11-28T10:00:00.000000", "ended_at": None, "state": "active"}
ENDED = {
    **SERVER,
    "started_at": "2026-11-20T00:00:00.000000",
    "ended_at": "2026-11-20T06:00:00.000000",
    "state": "terminated",
}
KNOWN = {"tenant_id": "a", "server_usages": [RUNS, ENDED], "total_hours": 1.0, "start": "x"}


@pytest.mark.parametrize(
    ("query", "hours"),
    [
        ("start=2026-11-01T00:00:00&end=2026-11-28T12:00:00", [2, 6]),
        ("start=2026-11-01T00:00:00", [2, 6]),
        # Of what came after it was read nothing is known.
        ("start=2026-11-01T00:00:00&end=2026-11-29T00:00:00", [2, 6]),
        ("start=2026-11-28T13:00:00", []),
        ("start=2026-11-28T13:00:00&end=2026-11-28T14:00:00", []),
        ("start=2026-11-28T11:30:00.500000&end=2026-11-28T11:30:36.500000", [0.01]),
        ("start=2026-11-20%2003:00:00.0&end=2026-11-20T04:00:00", [1]),
        ("start=2026-11-21T00:00:00&end=2026-11-22T00:00:00", []),
        ("start=2026-11-20T06:00:00&end=2026-11-28T10:00:00", []),
        ("", []),
    ],
)
def test_a_server_counts_while_it_ran(query: str, hours: list[float]) -> None:
    usage = used(KNOWN, SEEN, query)
    assert [each["hours"] for each in usage.get("server_usages", [])] == pytest.approx(hours)
    if hours:
        assert usage["tenant_id"] == "a"
        assert usage["total_hours"] == pytest.approx(sum(hours))
        assert usage["total_vcpus_usage"] == pytest.approx(2 * sum(hours))
        assert usage["total_memory_mb_usage"] == pytest.approx(64 * sum(hours))
        assert usage["total_local_gb_usage"] == pytest.approx(sum(hours))


def test_the_range_is_shown_as_nova_shows_it() -> None:
    usage = used(KNOWN, SEEN, "start=2026-11-01T00:00:00")
    assert usage["start"] == "2026-11-01T00:00:00.000000"
    assert usage["stop"] == "2026-11-28T12:00:00.000000"


def test_nothing_used_is_nothing() -> None:
    assert used({}, SEEN, "start=2026-11-01T00:00:00") == {}


@pytest.mark.parametrize(
    "query",
    [
        # What ended before is not among what is known.
        "start=2026-10-26T23:59:59",
        "start=yesterday",
        "start=2026-11-02T00:00:00&end=2026-11-01T00:00:00",
    ],
)
def test_what_nobody_knows_is_not_told(query: str) -> None:
    with pytest.raises(CannotTell):
        used(KNOWN, SEEN, query)


def test_four_weeks_and_a_month_from_its_first_day_are_known() -> None:
    assert known_from(SEEN) == datetime(2026, 10, 27, tzinfo=UTC)


@given(st.lists(st.integers(0, 60 * 24 * 30 - 1), min_size=2, max_size=6, unique=True).map(sorted))
def test_ranges_side_by_side_add_up(minutes: list[int]) -> None:
    moments = [f"2026-11-{1 + m // 1440:02}T{m // 60 % 24:02}:{m % 60:02}:00" for m in minutes]

    def hours(start: str, end: str) -> Any:
        return used(KNOWN, SEEN, f"start={start}&end={end}").get("total_hours", 0)

    parts = [hours(*pair) for pair in pairwise(moments)]
    assert sum(parts) == pytest.approx(hours(moments[0], moments[-1]))
