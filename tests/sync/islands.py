"""Sites whose Neutrons give out the addresses of one subnet, without a network, a clock or a thread.

Whatever runs (daemons' rounds, gateways' claims) is a coroutine that stops before and after every message, so
that a test decides what happens next: somebody else goes on, a message gets lost or comes late, a process
freezes or dies. The Neutrons behave as the real ones were seen to: pools can be put at any time and do not bump
the revision, tags do; If-Match is checked; an address is chosen from the pools some time before its port can be
listed; explicit addresses are not confined by pools.
"""

import random
from collections.abc import Coroutine, Generator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from idmap.ledgers import Kept
from idmap.memory_ledgers import MemoryLedgerStore
from idmap.store import StoreUnavailable
from sync.ipam.balance import hungry
from sync.ipam.form import loaded, pools_of, ranges_of
from sync.ipam.ledger import Ledger
from sync.ipam.life import default_pools, opened
from sync.ipam.ranges import Ranges, common, number, singles, text
from sync.ledgers import change, new_epoch, open_ledger
from sync.patience import Patience
from sync.pools import Unread, keep_pools

SUBNET = "0f0e0d0c-0b0a-4908-8706-050403020100"
ACCOUNT = "a" * 32


class GivenTwice(AssertionError):
    """Two sites have given out one address."""


class Silence(Exception):
    """No answer: whether the call was carried out is not known."""


class Pause:
    """Where somebody else may go on."""

    def __await__(self) -> Generator[None]:
        yield


class Ground:
    """What all sites stand on: who has which address, and what time it is."""

    def __init__(self, cidr: str, seed: int = 0) -> None:
        self.cidr = cidr
        self.version = 6 if ":" in cidr else 4
        self.gateway = number(cidr.partition("/")[0]) + 1
        self.pools = default_pools(cidr, self.gateway)
        self.random = random.Random(seed)
        self.now = 0.0
        self.given = 0
        self.holder: dict[int, str] = {}
        self.spelt: dict[int, str] = {}

    def give(self, address: int, site: str) -> None:
        holder = self.holder.setdefault(address, site)
        if holder != site:
            raise GivenTwice(f"{text(address, self.version)} at {site} and {holder}")
        self.given += 1

    def spell(self, address: int) -> str:
        if address not in self.spelt:
            self.spelt[address] = text(address, self.version)
        return self.spelt[address]


class Neutron:
    """One site's Neutron, as far as the addresses of one subnet go."""

    local_id = "5" * 36

    def __init__(self, ground: Ground, site: str, pools: Ranges, *, obeys: bool = True) -> None:
        self.ground = ground
        self.site = site
        self.pools = pools
        self.obeys = obeys
        """Whether it knows If-Match."""
        self.revision = 0
        self.tags: set[str] = set()
        self.chosen: set[int] = set()
        """Addresses of ports, and of those that are being made."""
        self.ports: dict[int, dict[str, Any]] = {}
        self.stopgaps: dict[int, int] = {}
        """Address -> revision."""

    def choose(self, count: int) -> list[int]:
        """The addresses for so many new ports, if there are so many."""
        free = (
            each
            for start, end in self.pools
            for each in range(start, end + 1)
            if each not in self.chosen
        )
        chosen = list(islice(free, count))
        for address in chosen:
            self.ground.give(address, self.site)
        self.chosen.update(chosen)
        return chosen

    def commit(self, addresses: list[int]) -> None:
        """The ports are there."""
        for address in addresses:
            self.ports[address] = {
                "id": f"{address:036x}",
                "device_owner": "compute:nova",
                "project_id": "p" * 32,
                "fixed_ips": [
                    {"subnet_id": self.local_id, "ip_address": self.ground.spell(address)}
                ],
            }

    def explicit(self, address: int) -> bool:
        """A client asks for this address; False: 409."""
        if address in self.chosen:
            return False
        self.ground.give(address, self.site)
        self.chosen.add(address)
        self.commit([address])
        return True

    def reserved(self, address: int) -> bool:
        """A stopgap asks for this address; False: 409."""
        if address in self.chosen:
            return False
        self.chosen.add(address)
        self.stopgaps[address] = 0
        return True

    def delete(self, address: int) -> None:
        del self.ports[address]
        self.chosen.remove(address)
        del self.ground.holder[address]

    def answer(self, method: str, path: str, json: Any, revision: int | None) -> tuple[int, Any]:
        subnet = f"/v2.0/subnets/{self.local_id}"
        match method, path.partition("?")[0]:
            case "GET", found if found == subnet:
                return 200, {"subnet": self._subnet()}
            case "PUT", found if found == subnet:
                if self.obeys and revision is not None and revision != self.revision:
                    return 412, {}
                self.pools = ranges_of(json["subnet"]["allocation_pools"])
                return 200, {"subnet": self._subnet()}
            case "PUT", found if found.startswith(f"{subnet}/tags/"):
                self.revision += found.rpartition("/")[2] not in self.tags
                self.tags.add(found.rpartition("/")[2])
                return 201, None
            case "DELETE", found if found.startswith(f"{subnet}/tags/"):
                self.revision += 1
                self.tags.discard(found.rpartition("/")[2])
                return 204, None
            case "POST", "/v2.0/ports":
                return (201 if self.reserved(json) else 409), {}
            case "PUT", found if found.startswith("/v2.0/ports/"):
                address = int(found.rpartition("/")[2])
                if address not in self.stopgaps:
                    return 404, {}
                self.stopgaps[address] += 1
                return 200, {}
            case "DELETE", found if found.startswith("/v2.0/ports/"):
                address = int(found.rpartition("/")[2])
                if self.stopgaps.get(address) == revision:
                    del self.stopgaps[address]
                    self.chosen.remove(address)
                return 204, {}
            case "GET", "/v2.0/ports":
                return 200, {"ports": list(self.ports.values())}
            case "GET", "/v2.0/network-ip-availabilities/net":
                told = [{"subnet_id": self.local_id, "used_ips": len(self.ports)}]
                return 200, {"network_ip_availability": {"subnet_ip_availability": told}}
        return 404, {}

    def _subnet(self) -> dict[str, Any]:
        return {
            "id": self.local_id,
            "network_id": "net",
            "cidr": self.ground.cidr,
            "allocation_pools": pools_of(self.pools, self.ground.version),
            "revision_number": self.revision,
            "tags": sorted(self.tags),
        }


class Ledgers(MemoryLedgerStore):
    """The store, as it is seen by somebody who may be stopped at each message; with a memory that can be
    lost."""

    def __init__(self, *, honest: bool = True) -> None:
        super().__init__()
        self.honest = honest
        """Whether it says that it may have lost something."""
        self.past: list[Kept] = []
        self.life = 0
        self.lives: dict[bytes, int] = {}
        self.away = False

    async def read(self, name: str) -> Kept | None:
        await Pause()
        if self.away:
            raise StoreUnavailable("away")
        kept = await super().read(name)
        if kept is None:
            return None
        sure = not self.honest or self.lives[kept.token] == self.life
        return Kept(kept.content, kept.token, sure)

    async def write(self, name: str, content: bytes, before: Kept | None) -> bool:
        await Pause()
        if self.away:
            raise StoreUnavailable("away")
        life = self.life
        written = await super().write(name, content, before)
        if written:
            kept = self._ledgers[name]
            self.lives[kept.token] = life
            self.past = [*self.past[-9:], kept]
        await Pause()
        if self.life != life:
            raise StoreUnavailable("the answer is lost")
        return written

    def restart(self, lost: int) -> None:
        """It comes back without the last writings."""
        self.life += 1
        self.past = self.past[: max(1, len(self.past) - lost)]
        if self.past and SUBNET in self._ledgers:
            self._ledgers[SUBNET] = self.past[-1]

    def flush(self) -> None:
        self.life += 1
        self.past.clear()
        self._ledgers.clear()

    def now(self) -> Ledger | None:
        """What is in it."""
        kept = self._ledgers.get(SUBNET)
        return loaded(kept.content) if kept else None


@dataclass(slots=True)
class Late:
    """A message that has left somebody who does not wait for it any more."""

    neutron: Neutron
    words: tuple[str, str, Any, int | None]


@dataclass
class Link:
    """A process's way to its site."""

    neutron: Neutron
    world: "World"

    async def request(
        self, method: str, path: str, json: object = None, *, revision: int | None = None
    ) -> tuple[int, Any]:
        await Pause()
        if self.neutron.site in self.world.cut:
            raise Silence
        words = method, path, json, revision
        fate = self.world.fate()
        if fate == "lost":
            raise Silence
        if fate == "late" and method != "GET":
            self.world.late.append(Late(self.neutron, words))
            raise Silence
        found = self.neutron.answer(*words)
        await Pause()
        if fate == "unanswered":
            raise Silence
        return found


@dataclass
class Process:
    """Something that runs step by step. What it remembers dies with it."""

    running: Coroutine[Any, Any, object] | None = None
    frozen_until: float = 0.0
    patience: Patience | None = None

    def step(self) -> bool:
        """Whether it still runs."""
        assert self.running is not None
        try:
            self.running.send(None)
        except StopIteration:
            self.running = None
        except (Silence, StoreUnavailable, Unread):
            self.running = None
        return self.running is not None

    def die(self) -> None:
        if self.running is not None:
            self.running.close()
        self.running = self.patience = None


@dataclass
class World:
    """Sites with daemons, and one store."""

    ground: Ground
    sites: list[str]
    grace: float = 30.0
    obeys: bool = True
    honest: bool = True
    faults: float = 0.0
    """How many messages go wrong, of one."""
    daemons_each: int = 2
    cut: set[str] = field(default_factory=set)
    late: list[Late] = field(default_factory=list)

    def __post_init__(self) -> None:
        anchor, *others = self.sites
        ground = self.ground
        self.ledgers = Ledgers(honest=self.honest)
        self.neutrons = {anchor: Neutron(ground, anchor, ground.pools, obeys=self.obeys)}
        for site in others:
            self.neutrons[site] = Neutron(ground, site, (), obeys=self.obeys)
        self.daemons = {
            (site, turn): Process() for site in self.sites for turn in range(self.daemons_each)
        }
        self.open()

    def open(self) -> None:
        """What a rebuild does: a ledger is begun, and every site is to be read."""
        ground, anchor = self.ground, self.sites[0]
        first = opened(
            SUBNET,
            new_epoch(),
            ground.cidr,
            ground.gateway,
            ground.pools,
            self.sites,
            has={anchor: self.neutrons[anchor].pools},
        )
        self.finish(open_ledger(self.ledgers, first))

    def fate(self) -> str:
        chance = self.ground.random.random()
        if chance >= self.faults:
            return "fine"
        return ("lost", "late", "unanswered")[int(chance / self.faults * 3)]

    def step(self, site: str, turn: int) -> bool:
        """The daemon goes on, or begins a round. Whether the round goes on after that."""
        daemon = self.daemons[site, turn]
        if daemon.patience is None:
            # Its clock has nothing to do with anybody else's.
            start = self.ground.random.uniform(-1e6, 1e6)
            daemon.patience = Patience(
                self.grace, clock=lambda start=start: self.ground.now + start
            )
        if daemon.running is None:
            link = Link(self.neutrons[site], self)
            daemon.running = keep_pools(
                link,
                self.ledgers,
                daemon.patience,
                SUBNET,
                site,
                Neutron.local_id,
                account=ACCOUNT,
            )
        return daemon.step()

    def round(self, site: str, turn: int = 0) -> None:
        """A whole round, without anybody else between."""
        while self.step(site, turn):
            pass

    def deliver(self, message: Late) -> None:
        message.neutron.answer(*message.words)

    def change(self, decide: Any) -> Ledger | None:
        """A change of the ledger by somebody whom nothing happens to."""
        return self.finish(change(self.ledgers, SUBNET, decide))

    @staticmethod
    def finish(running: Coroutine[Any, Any, Any]) -> Any:
        while True:
            try:
                running.send(None)
            except StopIteration as done:
                return done.value

    def heal(self) -> None:
        """Everything works from here on; what ran, goes on."""
        self.cut.clear()
        self.faults = 0.0
        self.ledgers.away = False

    def free(self) -> int:
        """How many addresses of the pools nobody has."""
        return sum(end - start + 1 for start, end in self.ground.pools) - len(
            [each for each in self.ground.holder if common(self.ground.pools, singles([each]))]
        )

    def must_be_fed(self, site: str, rounds: int = 60) -> None:
        """A site that has nothing left gets something, if anybody has."""
        neutron = self.neutrons[site]
        for _ in range(rounds):
            if found := neutron.choose(1):
                neutron.commit(found)
                return
            self.change(lambda now: hungry(now, site))
            for each in self.sites:
                self.round(each)
            self.ground.now += self.grace / 2
        there = {each: sorted(neutron.ports) for each, neutron in self.neutrons.items()}
        message = f"{site} starves while {self.free()} are free: {self.ledgers.now()}, {there}"
        raise AssertionError(message)
