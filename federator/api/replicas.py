"""What spans sites, as our own API shows it: how each replica is, what went wrong, when it is tried again."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.identity import Identity
from federator.api import rules, shapes
from federator.api.policy import Policy
from federator.faults import BadRequest, NotFound, Unavailable
from idmap.desired import READ, Desired, DesiredStore, State, Status
from idmap.front import IdMap

UNKNOWN = "unknown"
"""How a replica is at a site that could not be read since Redis was lost."""
LONGEST = 1000
"""So many objects are shown at once."""
_FILTERS = frozenset({"kind", "site", "state", "limit", "marker"})


@dataclass(frozen=True, slots=True)
class Replicas:
    """Answers what is asked below ``/replicas``."""

    store: DesiredStore
    ids: IdMap
    policy: Policy
    sites: Collection[str]

    async def one(self, any_id: str, identity: Identity) -> shapes.Json:
        """One object, by its global ID, the ID of a replica, or a site's own. Raises NotFound, Unavailable."""
        unknown = NotFound(f"Nothing that spans sites has the ID {any_id}.")
        lookup = await self.ids.locate([any_id])
        pin, place = lookup.pinned.get(any_id), lookup.found.get(any_id)
        global_id = pin.global_id if pin is not None else any_id
        if place is not None:
            global_id = self.ids.pins.global_of(None, place.site, place.local_id) or global_id
        entry = (await self.store.get([global_id])).get(global_id)
        if entry is None:
            if any(kind == READ for _, kind in await self.ids.missing_stamps()):
                raise Unavailable(f"Whether {any_id} spans sites cannot be known just now.")
            raise unknown
        if not self.policy.allows(rules.GET_REPLICAS, identity, entry.project):
            raise unknown
        statuses = {
            site: (await self.store.statuses(site, [global_id])).get(global_id)
            for site in self.sites
        }
        return {"object": self._shown(entry, statuses, identity, await self._led())}

    async def all(self, query: Mapping[str, str], identity: Identity) -> shapes.Json:
        """Those that match all of the query, in the order of their IDs. Raises BadRequest."""
        self.policy.require(rules.LIST_REPLICAS, identity)
        if odd := sorted(query.keys() - _FILTERS):
            raise BadRequest(f"{odd[0]}: there is no such filter.")
        limit = _limit(query.get("limit", str(LONGEST)))
        entries = await self.store.all()
        statuses = {site: await self.store.statuses(site) for site in self.sites}
        led = await self._led()
        found: list[shapes.Json] = []
        for entry in entries:
            if entry.global_id <= query.get("marker", "") or len(found) == limit:
                continue
            mine = {site: all_.get(entry.global_id) for site, all_ in statuses.items()}
            shown = self._shown(entry, mine, identity, led)
            if _matches(shown, query):
                found.append(shown)
        return {"objects": found}

    async def _led(self) -> frozenset[str]:
        return frozenset([site for site in self.sites if await self.store.led(site)])

    def _shown(
        self,
        entry: Desired,
        statuses: Mapping[str, Status | None],
        identity: Identity,
        led: Collection[str],
    ) -> shapes.Json:
        internals = self.policy.allows(rules.GET_LOCAL_IDS, identity)
        pin = self.ids.pins.pin(None, entry.global_id)
        places = pin.places if pin is not None else {}
        return {
            "id": entry.global_id,
            "kind": entry.kind,
            "name": entry.spec.get("name"),
            "project_id": entry.project,
            "anchor": entry.anchor,
            "generation": entry.generation,
            "deleting": entry.deleted,
            "changing_since": _time(entry.changing),
            "quarantined": entry.quarantined or None,
            "replicas": [
                {
                    "site": site,
                    **_replica(entry, site, statuses.get(site), places.get(site)),
                    "daemon": site in led,
                    **({"local_id": places.get(site)} if internals else {}),
                }
                for site in self._concerned(entry, statuses, places)
            ],
        }

    def _concerned(
        self, entry: Desired, statuses: Mapping[str, Status | None], places: Mapping[str, str]
    ) -> Iterator[str]:
        """Sites where it is to be, or is, or may be."""
        wanted = frozenset[str]() if entry.deleted else entry.sites
        for site in self.sites:
            if site in wanted | entry.unread or site in places or statuses.get(site) is not None:
                yield site


def _replica(entry: Desired, site: str, status: Status | None, local_id: str | None) -> shapes.Json:
    if site in entry.unread:
        state = UNKNOWN
    elif status is not None:
        drained = site in entry.drained and status.state is State.READY
        state = str(State.DRAINED if drained else status.state)
    else:
        # In quarantine nobody says how it is; it is as it was found.
        state = str(State.READY if entry.quarantined and local_id else State.PENDING)
    said = status or Status(State.PENDING)
    return {
        "state": state,
        "generation": said.generation,
        "error": said.error or None,
        "attempts": said.attempts,
        "next_try": _time(said.next_try),
        "since": _time(said.since),
    }


def _matches(shown: shapes.Json, query: Mapping[str, str]) -> bool:
    if query.get("kind", shown["kind"]) != shown["kind"]:
        return False
    return any(
        query.get("site", each["site"]) == each["site"]
        and query.get("state", each["state"]) == each["state"]
        for each in shown["replicas"]
    ) or not (query.keys() & {"site", "state"})


def _limit(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= LONGEST:
        raise BadRequest(f"limit: is no number from 1 to {LONGEST}.")
    return int(text)


def _time(seconds: float) -> str | None:
    return shapes.time_of(datetime.fromtimestamp(seconds, UTC)) if seconds else None
