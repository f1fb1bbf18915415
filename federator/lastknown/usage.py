"""What a project had used between two moments, from what Nova last told of its servers. Pure.

Nova counts a server by when it was launched and when it ended, a running one to the end of what is asked for
and not beyond now. So one answer, with all servers that ran since a moment, tells what Nova would have said
then of every range that begins later.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from federator.lastknown.filters import CannotTell

DAYS = 32
"""What is known reaches so far back: clients ask for four weeks, or since the first of the month."""

_FORMATS = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S.%f")
_SHOWN = "%Y-%m-%dT%H:%M:%S.%f"
_TOTALS = {
    "total_hours": None,
    "total_vcpus_usage": "vcpus",
    "total_memory_mb_usage": "memory_mb",
    "total_local_gb_usage": "local_gb",
}

Usage = dict[str, Any]


def known_from(seen: int) -> datetime:
    """Since when servers count that were read then (seconds since 1970)."""
    day = datetime.fromtimestamp(seen, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=DAYS)


def used(known: Mapping[str, Any], seen: int, query: str) -> Usage:
    """The usage that a query asks for, out of that which was told then of all time since `known_from`.

    Raises CannotTell for a range that begins earlier, or that Nova would refuse.
    """
    asked, now = parse_qs(query), datetime.fromtimestamp(seen, UTC)
    start, end = (_moment(asked.get(name, [""])[0], now, name) for name in ("start", "end"))
    if start < known_from(seen):
        raise CannotTell("start")
    if start > end and asked.get("end"):
        raise CannotTell("end")
    end = min(end, now)
    servers = [
        {**server, "hours": _hours(server, start, end)}
        for server in known.get("server_usages") or []
        if _ran(server, start, end)
    ]
    if not servers:
        # As Nova says it.
        return {}
    totals = {
        total: sum(server["hours"] * (server[of] if of else 1) for server in servers)
        for total, of in _TOTALS.items()
    }
    shown = {"start": start.strftime(_SHOWN), "stop": end.strftime(_SHOWN)}
    return {**known, **totals, **shown, "server_usages": servers}


def _ran(server: Mapping[str, Any], start: datetime, end: datetime) -> bool:
    launched, ended = _life(server, end)
    return launched < end and ended > start


def _hours(server: Mapping[str, Any], start: datetime, end: datetime) -> float:
    launched, ended = _life(server, end)
    return (min(end, ended) - max(start, launched)).total_seconds() / 3600


def _life(server: Mapping[str, Any], end: datetime) -> tuple[datetime, datetime]:
    """From when to when a server ran; one that has not ended runs as long as is asked for."""
    launched, ended = server["started_at"], server.get("ended_at")
    return _moment(launched, end, "server"), _moment(ended or "", end, "server")


def _moment(text: str, default: datetime, name: str) -> datetime:
    """A moment in one of the forms that Nova takes. Raises CannotTell, with the name of what it is."""
    if not text:
        return default
    for form in _FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise CannotTell(name)
