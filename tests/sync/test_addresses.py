"""Any history of three sites with few addresses: hypothesis looks for one in which an address is given out
twice, or after which a site starves."""

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sync.ipam import life
from sync.ipam.claims import claimed
from sync.ipam.ledger import Ledger, wanted_pools
from sync.ipam.ranges import common, joined, size, taken
from sync.ipam.refused import Refused
from tests.sync.islands import Ground, World

SITES = ["paris", "tokyo", "denver"]
GRACE = 30.0

sites = st.sampled_from(SITES)
turns = st.integers(0, 1)


class Addresses(RuleBasedStateMachine):
    """World and hands that shake it."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(Ground("10.0.0.0/28"), list(SITES), GRACE)
        self.making: list[tuple[float, str, list[int]]] = []
        for _ in range(3):
            self.everybody()
            self.world.ground.now += GRACE

    def everybody(self) -> None:
        for site in SITES:
            self.world.round(site)

    @rule(site=sites, turn=turns, steps=st.integers(1, 12))
    def a_daemon_goes_on(self, site: str, turn: int, steps: int) -> None:
        for _ in range(steps):
            if not self.world.step(site, turn):
                break

    @rule(site=sites, turn=turns)
    def a_whole_round(self, site: str, turn: int) -> None:
        self.world.round(site, turn)

    @rule(site=sites, turn=turns)
    def a_daemon_dies(self, site: str, turn: int) -> None:
        self.world.daemons[site, turn].die()

    @rule(site=sites, count=st.integers(1, 14))
    def ports(self, site: str, count: int) -> None:
        neutron = self.world.neutrons[site]
        neutron.commit(neutron.choose(count))

    @rule(site=sites, count=st.integers(1, 14), seconds=st.floats(0, GRACE - 1))
    def ports_that_take_a_while(self, site: str, count: int, seconds: float) -> None:
        found = self.world.neutrons[site].choose(count)
        self.making.append((self.world.ground.now + seconds, site, found))

    @rule(site=sites, data=st.data())
    def ports_go(self, site: str, data: st.DataObject) -> None:
        neutron = self.world.neutrons[site]
        if neutron.ports:
            for address in data.draw(st.sets(st.sampled_from(sorted(neutron.ports)), min_size=1)):
                neutron.delete(address)

    @rule(site=sites, offset=st.integers(0, 15))
    def a_client_asks_for_an_address(self, site: str, offset: int) -> None:
        address = self.world.ground.gateway - 1 + offset

        def decide(now: Ledger) -> Ledger:
            return claimed(now, address, site)

        try:
            self.world.change(decide)
        except Refused:
            return
        self.world.neutrons[site].explicit(address)

    @rule(seconds=st.sampled_from([0.1, 5.0, GRACE, 10 * GRACE]))
    def time_passes(self, seconds: float) -> None:
        self.world.ground.now += seconds
        for each in [each for each in self.making if each[0] <= self.world.ground.now]:
            self.world.neutrons[each[1]].commit(each[2])
            self.making.remove(each)

    @rule(chance=st.sampled_from([0.0, 0.0, 0.2]))
    def messages_get_lost(self, chance: float) -> None:
        self.world.faults = chance

    @precondition(lambda self: self.world.late)
    @rule(data=st.data())
    def a_late_message_comes(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.world.late) - 1))
        self.world.deliver(self.world.late.pop(at))

    @rule(site=sites)
    def a_site_is_cut_off_or_back(self, site: str) -> None:
        self.world.cut ^= {site}

    @rule(lost=st.integers(0, 4))
    def redis_restarts(self, lost: int) -> None:
        self.world.ledgers.restart(lost)
        self.desired_state_says_it_again()

    @rule()
    def redis_forgets_everything(self) -> None:
        self.world.ledgers.flush()
        self.world.open()

    def desired_state_says_it_again(self) -> None:
        ground = self.world.ground
        self.world.change(lambda now: life.with_pools(now, ground.pools, ground.gateway))

    @rule(count=st.integers(3, 13))
    def the_tenant_changes_his_pools(self, count: int) -> None:
        ground = self.world.ground
        ground.pools = taken(life.default_pools(ground.cidr, ground.gateway), count, 1)
        self.desired_state_says_it_again()

    @invariant()
    def nothing_is_leased_twice(self) -> None:
        ledger = self.world.ledgers.now()
        assert ledger is not None
        for site in SITES:
            assert not common(ledger.leased(site), ledger.held(but=site))
        whole = [each.range for each in ledger.leases if not each.releasing]
        assert size(joined(whole)) == sum(end - start + 1 for start, end in whole)

    def teardown(self) -> None:
        world = self.world
        world.heal()
        self.time_passes(GRACE)
        for daemon in world.daemons.values():
            while daemon.running is not None:
                daemon.step()
        for _ in range(12):
            self.everybody()
            world.ground.now += GRACE
        ledger = world.ledgers.now()
        assert ledger is not None
        assert ledger.all_read
        for site, neutron in world.neutrons.items():
            assert neutron.pools == wanted_pools(ledger, site, ()), "the sites have what is written"
        for site in SITES:
            if world.free():
                world.must_be_fed(site)
        for process in world.daemons.values():
            process.die()


TestAddresses = Addresses.TestCase
TestAddresses.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
