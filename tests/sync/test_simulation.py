"""Ten sites give out addresses of one subnet while everything goes wrong that can.

What a run does is decided by its seed. The same runs, with one rule of the protocol left out, give
addresses out twice: so it is these rules that keep them from it.
"""

import random
from collections.abc import Coroutine
from contextlib import nullcontext
from functools import lru_cache, partial
from typing import Any

import pytest

import sync.ledgers
from sync.ipam import balance, life
from sync.ipam.claims import claimed, unclaimed, used
from sync.ipam.ledger import Ledger, carved
from sync.ipam.moves import declined, due, granted, has_to_stay, wished
from sync.ipam.ranges import Ranges, minus
from sync.ipam.refused import Elsewhere, Refused
from sync.ledgers import change, read
from tests.sync.islands import SUBNET, GivenTwice, Ground, Link, Neutron, Pause, Process, World

SITES = [f"site{number}" for number in range(10)]
LONGEST_CREATION = 20.0
"""Seconds between the choice of an address and its port. Less than the daemons' patience."""


class Run:
    """One history of a world."""

    def __init__(self, seed: int, cidr: str = "10.0.0.0/22", **rules: Any) -> None:
        self.random = random.Random(seed)
        self.world = World(Ground(cidr, seed), SITES, faults=0.05, **rules)
        self.making: list[tuple[float, str, list[int]]] = []
        self.gateways: list[Process] = []
        self.back: list[tuple[float, str]] = []
        self.movers: dict[str, Process] = {}
        self.moved = 0

    def until(self, given: int) -> None:
        """Go on until so many addresses have been given out."""
        deeds = [
            (self.daemons, 70),
            (self.ports, 12),
            (self.slow_ports, 6),
            (self.gateway, 4),
            (self.moves, 3),
            (self.delete, 12),
            (self.arrive, 3),
            (self.freeze, 1),
            (self.die, 1),
            (self.cut, 0.2),
            (self.restart, 0.02),
        ]
        does, weights = zip(*deeds, strict=True)
        while self.world.ground.given < given:
            for deed in self.random.choices(does, weights, k=100):
                self.world.ground.now += self.random.expovariate(4)
                self.time_passes()
                deed()

    def site(self) -> str:
        return self.random.choice(SITES)

    def daemons(self) -> None:
        """One of them goes on for a while: a step, or a round with all it takes."""
        site, turn = self.random.choice(list(self.world.daemons))
        if self.world.daemons[site, turn].frozen_until > self.world.ground.now:
            return
        for _ in range(self.random.choice((1, 3, 30))):
            if not self.world.step(site, turn):
                break

    def ports(self) -> None:
        """A burst at one site."""
        neutron = self.world.neutrons[self.site()]
        for _ in range(40):
            found = neutron.choose(self.random.randint(1, 60))
            neutron.commit(found)
            for address in found[1:]:
                neutron.delete(address)
        if not found and len(self.gateways) < 20:
            self.start(
                change(
                    self.world.ledgers,
                    SUBNET,
                    lambda now: balance.hungry(now, neutron.site),
                )
            )

    def slow_ports(self) -> None:
        neutron = self.world.neutrons[self.site()]
        found = neutron.choose(self.random.randint(1, 50))
        there = self.world.ground.now + self.random.uniform(0, LONGEST_CREATION)
        self.making.append((there, neutron.site, found))

    def time_passes(self) -> None:
        now = self.world.ground.now
        self.back = [each for each in self.back if each[0] > now]
        self.world.cut = {site for _, site in self.back}
        for each in [each for each in self.making if each[0] <= now]:
            self.world.neutrons[each[1]].commit(each[2])
            self.making.remove(each)

    def delete(self) -> None:
        neutron = self.world.neutrons[self.site()]
        there = list(neutron.ports)
        for address in self.random.sample(there, self.random.randint(0, len(there))):
            neutron.delete(address)

    def gateway(self) -> None:
        """A client asks for an address, or one that has asked gets on."""
        if self.gateways and self.random.random() < 0.9:
            process = self.random.choice(self.gateways)
            if self.random.random() < 0.02:
                process.die()
            if process.running is None or not process.step():
                self.gateways.remove(process)
            return
        start, end = self.world.ground.pools[0]
        self.start(self.claim(self.site(), self.random.randint(start, end)))

    def moves(self) -> None:
        """Somebody asks for what another site has; a daemon sees to what is asked for, and to its stopgaps."""
        start, end = self.world.ground.pools[0]
        self.start(self.claim(self.site(), self.random.randint(start, end)))
        for site in self.random.sample(SITES, 5):
            mover = self.movers.setdefault(site, Process())
            mover.running = mover.running or self.hand_over(site)
            for _ in range(self.random.choice((1, 3, 30))):
                if not mover.step():
                    break
        for process in [*self.gateways]:
            if not process.step():
                self.gateways.remove(process)

    async def hand_over(self, site: str) -> None:
        """What `sync.placeholders` does."""
        ledgers, neutron = self.world.ledgers, self.world.neutrons[site]
        link = Link(neutron, self.world)
        ledger, standing = await read(ledgers, SUBNET), dict(neutron.stopgaps)
        await Pause()
        for move in due(ledger, site) if ledger is not None else ():
            path, status = f"/v2.0/ports/{move.address}", 404
            if move.address in standing:
                status, _ = await link.request("PUT", path)
            if status == 404:
                status, _ = await link.request("POST", "/v2.0/ports", move.address)
            verdict = partial(granted, site=site) if status < 300 else declined
            await change(ledgers, SUBNET, lambda now, m=move, v=verdict: v(now, move=m))
            self.moved += status < 300
        for address, revision in standing.items():
            if ledger is not None and not has_to_stay(ledger, site, address):
                path = f"/v2.0/ports/{address}"
                await link.request("DELETE", path, revision=revision)

    async def fetched(self, site: str, address: int) -> None:
        """What `federator.sharing.moving` does."""
        try:
            await change(self.world.ledgers, SUBNET, lambda now: wished(now, address, site))
        except Refused:
            return
        ledger: Ledger | None = None
        for _ in range(self.random.randint(1, 200)):
            ledger = await read(self.world.ledgers, SUBNET)
            if ledger is None or not any(each.address == address for each in ledger.moves):
                break
        for claim in ledger.claims if ledger is not None else ():
            if (claim.address, claim.site) == (address, site):
                await self.asked_for(site, address, claim.since)

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        process = Process(running=coroutine)
        if process.step():
            self.gateways.append(process)

    async def claim(self, site: str, address: int) -> None:
        def decide(now: Ledger) -> Ledger:
            return claimed(now, address, site)

        try:
            ledger = await change(self.world.ledgers, SUBNET, decide)
        except Elsewhere:
            await self.fetched(site, address)
            return
        except Refused:
            return
        if ledger is not None:
            await self.asked_for(site, address, ledger.version)

    async def asked_for(self, site: str, address: int, since: int) -> None:
        """The site is asked for what is claimed."""
        link = Link(self.world.neutrons[site], self.world)
        asked = self.world.ground.now
        await link.request("GET", "/v2.0/on/its/way")
        # No gateway waits for ever.
        if self.world.ground.now - asked > 60:
            return
        ended = used if self.world.neutrons[site].explicit(address) else unclaimed
        await change(self.world.ledgers, SUBNET, lambda now: ended(now, address, site, since))

    def arrive(self) -> None:
        """Messages come that nobody waits for any more, be they very old."""
        late = self.world.late
        for _ in range(min(len(late), self.random.randint(0, 2))):
            self.world.deliver(late.pop(self.random.randrange(len(late))))

    def freeze(self) -> None:
        daemon = self.random.choice(list(self.world.daemons.values()))
        daemon.frozen_until = self.world.ground.now + self.random.choice((5, 100, 2000))

    def die(self) -> None:
        self.random.choice(list(self.world.daemons.values())).die()

    def cut(self) -> None:
        """A site is cut off for a while."""
        self.back.append((self.world.ground.now + self.random.choice((10, 100, 500)), self.site()))

    def restart(self) -> None:
        """Redis restarts without its last writings, or with nothing."""
        if self.random.random() < 0.8:
            self.world.ledgers.restart(lost=self.random.randint(0, 5))
        else:
            self.world.ledgers.flush()
            self.world.open()

    def end(self) -> None:
        """All is well again: who has nothing gets something, as long as there is anything."""
        self.back.clear()
        self.world.heal()
        self.world.ground.now += LONGEST_CREATION
        self.time_passes()
        for daemon in self.world.daemons.values():
            while daemon.running is not None and daemon.step():
                pass
        self.close()
        for _ in range(3):
            self.world.must_be_fed(self.site())

    def close(self) -> None:
        """Nobody goes on."""
        for process in (*self.gateways, *self.movers.values(), *self.world.daemons.values()):
            process.die()


@pytest.fixture(autouse=True)
def _read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand rounds would spend most of their time on reading the same ledger."""
    monkeypatch.setattr(sync.ledgers, "loaded", lru_cache(64)(sync.ledgers.loaded))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_million_addresses_and_none_twice(seed: int) -> None:
    run = Run(seed)
    run.until(1_000_000)
    assert run.moved > 20
    run.end()


def _given_twice(**rules: Any) -> None:
    """Neither long nor lucky: what the rule keeps from happening happens soon."""
    run = Run(3, **rules)
    try:
        with pytest.raises(GivenTwice):
            run.until(500_000)
    finally:
        run.close()


def test_whoever_grows_the_receiver_first_gives_addresses_out_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def moved(ledger: Ledger, site: str, area: Ranges, *, to: str) -> Ledger:
        own = [each for each in ledger.leases if each.site == site and not each.releasing]
        rest = [each for each in ledger.leases if each.site != site or each.releasing]
        outside, inside = carved(own, area, site=to, since=ledger.next)
        return ledger.with_leases([*rest, *outside, *(inside if to else [])])

    monkeypatch.setattr(balance, "_released", moved)
    _given_twice()


def test_whoever_does_not_read_again_after_a_while_gives_addresses_out_twice() -> None:
    _given_twice(grace=0.0)


def test_whoever_moves_an_address_without_a_stopgap_gives_it_out_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Neutron, "reserved", lambda self, address: True)
    _given_twice()


@pytest.mark.parametrize("honest", [True, False])
def test_a_store_comes_back_without_its_last_writings(honest: bool) -> None:
    """paris was given something that the store does not know of any more, and tokyo asks for more."""
    world = two_sites(honest=honest)
    before = world.ledgers.now().version
    fill(world, "paris", rounds=1)
    lost = world.ledgers.now().version - before
    assert lost > 0

    world.ledgers.restart(lost)

    with pytest.raises(GivenTwice) if not honest else nullcontext():
        fill(world, "tokyo")
    if honest:
        assert world.ledgers.now().stock() == (), "and in the end all is given out"


@pytest.mark.parametrize("obeys", [True, False])
def test_a_sleeper_wakes_up_and_puts_the_pools_of_yesterday(obeys: bool) -> None:
    """tokyo's daemon falls asleep with a PUT in its hand. What it is about to put goes back, and to paris."""
    world = two_sites(obeys=obeys)
    tokyo = world.neutrons["tokyo"]
    tokyo.commit(tokyo.choose(60))
    leased = world.ledgers.now().leased("tokyo")
    while world.ledgers.now().leased("tokyo") == leased:
        assert world.step("tokyo", 0)
    gift = minus(world.ledgers.now().leased("tokyo"), leased)
    assert tokyo.pools == leased, "it has not put them yet"

    rest = minus(world.ground.pools, gift)
    for pools in (rest, world.ground.pools):
        world.change(lambda now, to=pools: life.with_pools(now, to, world.ground.gateway))
    for _ in range(2):
        world.round("tokyo", 1)
        world.ground.now += world.grace
    fill(world, "paris")
    while world.daemons["tokyo", 0].running is not None:
        world.step("tokyo", 0)

    with pytest.raises(GivenTwice) if not obeys else nullcontext():
        tokyo.choose(60)


def two_sites(**rules: Any) -> World:
    """paris and tokyo, with some of a /26 each and most of it in the stock."""
    world = World(Ground("10.0.0.0/26"), ["paris", "tokyo"], **rules)
    for _ in range(6):
        for site in world.sites:
            world.round(site)
        world.ground.now += world.grace
    assert world.ledgers.now().stock()
    return world


def fill(world: World, site: str, rounds: int = 20) -> None:
    """A site takes all it can get."""
    neutron = world.neutrons[site]
    for _ in range(rounds):
        neutron.commit(neutron.choose(60))
        for each in world.sites:
            if each == site or not world.ledgers.now().all_read:
                world.round(each)
        world.ground.now += world.grace
    neutron.commit(neutron.choose(60))
