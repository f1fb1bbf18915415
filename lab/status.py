"""A table of every process of the lab: is it up, what memory does it take, where does it listen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.catalogue import HOME, sites
from lab.lab import Lab
from lab.layout import CLOUD_PORTS, SHARED_PORTS
from lab.shared import OWNER as SHARED


@dataclass(frozen=True)
class Row:
    owner: str
    service: str
    state: str
    processes: int
    memory_mib: int
    url: str


def rows(lab: Lab) -> Iterator[Row]:
    for record, members in lab.processes.members(lab.processes.records()).items():
        up = lab.processes.running(record.owner, record.name)
        state = "frozen" if up and all(m.state == "T" for m in members) else "up" if up else "down"
        memory = sum(_memory_kib(member.pid) for member in members) // 1024
        url = _url(lab, record.owner, record.name)
        yield Row(record.owner, record.name, state, len(members), memory, url)


def table(lab: Lab) -> str:
    order = {name: place for place, name in enumerate([SHARED, HOME, *sites()])}
    found = sorted(rows(lab), key=lambda row: (order.get(row.owner, 99), row.service))
    if not found:
        return f"nothing runs in {lab.layout.root}"
    lines = [f"{'':10}{'service':18}{'state':8}{'procs':>5}{'MiB':>7}  url"]
    for row in found:
        numbers = f"{row.processes:>5}{row.memory_mib:>7}"
        lines.append(f"{row.owner:10}{row.service:18}{row.state:8}{numbers}  {row.url}".rstrip())
    total = sum(row.memory_mib for row in found)
    lines.append(f"{'':10}{'together':26}{sum(r.processes for r in found):>5}{total:>7}")
    return "\n".join(lines)


def _url(lab: Lab, owner: str, name: str) -> str:
    if owner == SHARED:
        port = lab.layout.shared_port(name) if name in SHARED_PORTS else 0
        return f"127.0.0.1:{port}" if port else ""
    if name not in CLOUD_PORTS:
        return ""
    address = f"127.0.0.1:{lab.cloud(owner).port(name)}"
    return address if name == "memcached" else f"http://{address}"


def _memory_kib(pid: int) -> int:
    """The proportional share, so that what processes share is counted once."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0
