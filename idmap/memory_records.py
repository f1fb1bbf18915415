"""Records in the memory of one process: the reference for other stores."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from time import monotonic

from idmap.records import CLOCKS_SECONDS, Record


class MemoryRecordStore:
    """See `idmap.records.RecordStore`."""

    def __init__(self, sites: Iterable[str]) -> None:
        self._records: dict[str, defaultdict[str, dict[tuple[str, str], Record]]] = {
            site: defaultdict(dict) for site in sites
        }
        self._readings: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._turns: dict[str, float] = {}

    async def write(self, site: str, kind: str, records: Iterable[Record]) -> None:
        for record in records:
            self._records[site][kind][record.owner, record.local_id] = record

    async def read(self, site: str, kind: str, owners: Collection[str] | None) -> list[Record]:
        newest: dict[str, Record] = {}
        for record in self._records[site][kind].values():
            if owners is None or record.owner in owners:
                known = newest.get(record.local_id)
                if known is None or known.seen < record.seen:
                    newest[record.local_id] = record
        return list(newest.values())

    async def find(
        self, site: str, kind: str, local_id: str, owners: Collection[str] | None
    ) -> Record | None:
        found = await self.read(site, kind, owners)
        return next((record for record in found if record.local_id == local_id), None)

    async def drop(self, site: str, kind: str, owner: str, local_ids: Iterable[str]) -> None:
        for local_id in local_ids:
            self._records[site][kind].pop((owner, local_id), None)

    async def finish(self, site: str, kind: str, began: int) -> None:
        known = self._records[site][kind]
        for key in [key for key, record in known.items() if record.seen < began - CLOCKS_SECONDS]:
            del known[key]
        self._readings[site][kind] = began

    async def readings(self, site: str) -> Mapping[str, int]:
        return dict(self._readings[site])

    async def turn(self, name: str, seconds: float) -> bool:
        now = monotonic()
        if self._turns.get(name, now) > now:
            return False
        self._turns[name] = now + seconds
        return True

    async def close(self) -> None:
        pass
