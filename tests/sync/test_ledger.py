"""The ledger of a subnet's addresses: what becomes of it when sites come, look, ask and go."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from sync.ipam.balance import balanced, hungry, left, prepared, sizes
from sync.ipam.claims import claimed, unclaimed, used
from sync.ipam.form import dumped, loaded, pools_of, ranges_of
from sync.ipam.ledger import Ledger, wanted_pools
from sync.ipam.life import (
    checked_pools,
    default_pools,
    opened,
    reopened,
    with_pools,
    with_shared,
    with_site,
    with_site_leaving,
    without_shared,
    without_site,
)
from sync.ipam.observed import Observation, observed
from sync.ipam.ranges import Ranges, common, joined, number, singles, size
from sync.ipam.refused import Refused

SUBNET = "0f0e0d0c-0b0a-4908-8706-050403020100"
NET = number("10.0.0.0")


def span(first: int, last: int) -> Ranges:
    """10.0.0.<first> to 10.0.0.<last>."""
    return ((NET + first, NET + last),)


def at(*last: int) -> Ranges:
    return singles(NET + each for each in last)


def a_ledger(*sites: str, cidr: str = "10.0.0.0/24", epoch: str = "one") -> Ledger:
    gateway = number(cidr.partition("/")[0]) + 1
    pools = default_pools(cidr, gateway)
    has = {sites[0]: pools} if len(sites) == 1 else {}
    first = opened(SUBNET, epoch, cidr, gateway, pools, sites, shared=[gateway], has=has)
    return replace(first, version=1)


def written(before: Ledger, change: Callable[[Ledger], Ledger]) -> Ledger:
    """As the store does it."""
    after = change(before)
    return after if after == before else replace(after, version=before.next)


def look(
    ledger: Ledger, site: str, used: Ranges = (), *, pools: Ranges | None = None, settled: int = -1
) -> Ledger:
    """A round at a site whose pools are as they should be, and have been for long."""
    seen = Observation(
        site,
        ledger.epoch,
        ledger.version,
        ledger.leased(site) if pools is None else pools,
        used,
        settled=ledger.version if settled < 0 else settled,
    )
    return written(ledger, lambda now: balanced(observed(now, seen), site, used))


def two_sites() -> Ledger:
    """paris had everything, tokyo has joined, and all has been given that was wanted."""
    ledger = written(a_ledger("paris"), lambda now: with_site(now, "tokyo"))
    for _ in range(3):
        ledger = look(ledger, "paris", at(2, 3))
        ledger = look(ledger, "tokyo")
    return ledger


def everything(ledger: Ledger) -> None:
    """What is true of every ledger."""
    names = [each.site for each in ledger.members]
    for site in names:
        others = joined(ledger.held(but=site))
        assert not common(ledger.leased(site), others), "leased twice"
        assert not common(ledger.leased(site), ledger.releasing(site))
    assert not common(ledger.stock(), joined(ledger.held(), ledger.claimed()))
    assert loaded(dumped(ledger)) == ledger


def test_the_anchor_has_everything_and_gives_back_what_it_does_not_need() -> None:
    ledger = written(a_ledger("paris"), lambda now: look(now, "paris", at(2, 3), settled=0))
    assert wanted_pools(ledger, "paris", span(2, 254)) == span(2, 129)
    assert not ledger.stock(), "it has not been read behind a fence"

    ledger = look(ledger, "paris", at(2, 3), pools=span(2, 129))

    assert ledger.stock() == span(130, 254)
    everything(ledger)


def test_a_port_in_what_is_released_stays_where_it_is() -> None:
    ledger = look(a_ledger("paris"), "paris", at(2), settled=0)
    ledger = look(ledger, "paris", at(2, 200))
    assert ledger.releasing("paris") == at(200)
    assert ledger.owner(NET + 200) == "paris"

    ledger = look(ledger, "paris", at(2))

    assert ledger.owner(NET + 200) is None


def test_a_site_that_joins_gets_some_before_its_replica_is_made() -> None:
    ledger = written(a_ledger("paris"), lambda now: with_site(now, "tokyo"))
    ledger = written(ledger, lambda now: prepared(now, "tokyo"))
    assert not ledger.leased("tokyo")

    ledger = look(look(ledger, "paris"), "paris")
    ledger = written(ledger, lambda now: prepared(now, "tokyo"))

    assert size(ledger.leased("tokyo")) == sizes(ledger).target == 253 // 8
    assert len(ledger.leased("tokyo")) == 1
    everything(ledger)


def test_a_site_is_topped_up_from_the_stock_when_it_runs_low() -> None:
    ledger = two_sites()
    mine = ledger.leased("tokyo")
    used = ((mine[0][0], mine[0][1] - 3),)

    ledger = look(ledger, "tokyo", used)

    assert size(left(ledger, "tokyo", used)) == sizes(ledger).target
    everything(ledger)


PARIS, TOKYO = span(2, 7), span(8, 14)


def all_leased() -> Ledger:
    """A /28, everything leased, nothing left at paris; tokyo has three of its seven left."""
    ledger = a_ledger("paris", "tokyo", cidr="10.0.0.0/28")
    ledger = look(ledger, "tokyo", span(8, 11), pools=TOKYO)
    ledger = look(ledger, "paris", PARIS, pools=PARIS)
    assert not ledger.stock()
    return ledger


def test_where_the_stock_is_empty_the_one_that_has_most_gives() -> None:
    ledger = all_leased()
    paris = ledger.member("paris")
    assert paris is not None
    assert (paris.wants, paris.asked) == (1, ("tokyo",))

    ledger = look(ledger, "tokyo", span(8, 11))
    assert ledger.releasing("tokyo") == at(14)
    assert ledger.owner(NET + 14) == "tokyo"
    ledger = look(ledger, "paris", PARIS)
    assert not common(ledger.leased("paris"), at(14)), "tokyo has not let go of it"

    ledger = look(ledger, "tokyo", span(8, 11))

    assert common(ledger.leased("paris"), at(14))
    everything(ledger)


def test_what_was_used_meanwhile_does_not_go_to_the_receiver() -> None:
    ledger = look(all_leased(), "tokyo", span(8, 11))

    ledger = look(ledger, "tokyo", joined(span(8, 11), at(14)))

    assert ledger.owner(NET + 14) == "tokyo"
    assert not common(ledger.leased("paris"), at(14))


def test_a_donor_that_is_silent_keeps_what_it_has_and_another_one_is_asked() -> None:
    ledger = a_ledger("denver", "paris", "tokyo", cidr="10.0.0.0/28")
    ledger = look(ledger, "denver", pools=at(2, 3))
    ledger = look(ledger, "tokyo", pools=at(4, 5, 6))
    ledger = look(ledger, "paris", span(7, 14), pools=span(7, 14))
    paris = ledger.member("paris")
    assert paris is not None
    assert paris.asked == ("tokyo",)

    for again, asked in ((True, ("tokyo", "denver")), (True, ()), (False, ("tokyo",))):
        ledger = written(
            ledger, lambda now, it=again: balanced(now, "paris", span(7, 14), again=it)
        )
        paris = ledger.member("paris")
        assert paris is not None
        assert paris.asked == asked


def test_the_last_address_goes_where_a_port_was_refused_and_is_not_asked_back() -> None:
    ledger, used = all_leased(), {"paris": PARIS, "tokyo": span(8, 13)}
    for _ in range(3):
        for site, ports in used.items():
            ledger = look(ledger, site, ports)
    assert left(ledger, "tokyo", used["tokyo"]) == at(14)

    ledger = written(ledger, lambda now: hungry(now, "paris"))
    for _ in range(5):
        for site, ports in used.items():
            ledger = look(ledger, site, ports)

    assert left(ledger, "paris", PARIS) == at(14)
    everything(ledger)


def test_a_bulk_of_more_ports_than_a_site_keeps_ready_gets_its_addresses() -> None:
    ledger = two_sites()
    assert size(left(ledger, "tokyo", ())) < 120
    for _ in range(6):
        ledger = written(ledger, lambda now: hungry(now, "tokyo", 200))
        for _ in range(3):
            ledger = look(look(ledger, "tokyo"), "paris", at(2, 3))
    assert size(left(ledger, "tokyo", ())) >= 200
    everything(ledger)


def test_a_bulk_that_nobody_can_serve_is_forgotten() -> None:
    ledger = all_leased()
    ledger = written(ledger, lambda now: hungry(now, "paris", 5000))
    ledger = look(look(ledger, "paris", PARIS), "tokyo", TOKYO)
    ledger = written(ledger, lambda now: balanced(now, "paris", PARIS, again=True))
    paris = ledger.member("paris")
    assert paris is not None
    assert (paris.hungry, paris.wants) == (0, 1)


def test_nothing_goes_back_and_forth_when_nobody_does_anything() -> None:
    used = {"paris": PARIS, "tokyo": span(8, 12)}
    ledger = all_leased()
    for _ in range(10):
        for site, ports in used.items():
            ledger = look(ledger, site, ports)
    version = ledger.version
    for site, ports in used.items():
        ledger = look(ledger, site, ports)
    assert ledger.version == version


@pytest.mark.parametrize("cidr", ["10.0.0.0/29", "10.0.0.0/30", "10.0.0.0/31", "10.0.0.0/32"])
def test_small_subnets_are_shared_to_the_last_address(cidr: str) -> None:
    ledger = written(a_ledger("paris", cidr=cidr), lambda now: with_site(now, "tokyo"))
    ledger = written(ledger, lambda now: with_site(now, "denver"))
    ports: dict[str, Ranges] = {"paris": (), "tokyo": (), "denver": ()}
    wishes = ["tokyo", "denver", "tokyo", "paris", "denver"][: size(ledger.pools)]
    for wish in wishes:
        for _ in range(8):
            if free := left(ledger, wish, ports[wish]):
                ports[wish] = joined(ports[wish], ((free[0][0], free[0][0]),))
                break
            ledger = written(ledger, lambda now, wish=wish: hungry(now, wish))
            for site in ports:
                ledger = look(ledger, site, ports[site])
                everything(ledger)
        else:
            pytest.fail(f"{wish} starves")
    assert joined(*ports.values()) == ledger.pools


def test_a_prefix_of_ipv6_is_leased_in_few_ranges() -> None:
    ledger = a_ledger("paris", cidr="2001:db8::/64")
    for site in ("tokyo", "denver"):
        ledger = written(ledger, lambda now, site=site: with_site(now, site))
    for _ in range(4):
        for each in ("paris", "tokyo", "denver"):
            ledger = look(ledger, each)
    assert [len(ledger.leased(each.site)) for each in ledger.members] == [1, 1, 1]
    assert [size(ledger.leased(site)) for site in ("denver", "tokyo")] == [65536, 65536]
    assert size(ledger.stock()) > 2**63
    assert pools_of(ledger.leased("paris"), 6)[0]["start"] == "2001:db8::2"
    everything(ledger)


def test_several_pools_with_the_gateway_between_them() -> None:
    pools = joined(span(10, 99), span(101, 200))
    ledger = opened(SUBNET, "e", "10.0.0.0/24", NET + 100, pools, ["paris"], shared=[NET + 100])
    ledger = replace(ledger, version=1)
    ledger = written(ledger, lambda now: with_site(now, "tokyo"))
    for _ in range(4):
        ledger = look(look(ledger, "paris"), "tokyo")
    assert joined(ledger.leased("paris"), ledger.leased("tokyo"), ledger.stock()) == pools
    assert ledger.owner(NET + 100) is None


def test_a_site_leaves_as_its_ports_go_and_is_gone_when_that_is_certain() -> None:
    ledger = two_sites()
    tokyos = ledger.leased("tokyo")
    used = (tokyos[0][:1] * 2,)
    ledger = written(ledger, lambda now: with_site_leaving(now, "tokyo"))
    assert wanted_pools(ledger, "tokyo", tokyos) == ()
    ledger = look(ledger, "tokyo", used)
    assert ledger.held(but="paris") == used

    gone = written(ledger, lambda now: without_site(now, "tokyo"))

    assert joined(gone.leased("paris"), gone.stock()) == ledger.pools
    assert look(gone, "tokyo", tokyos) == gone, "whoever slept so long says nothing"


def test_a_site_that_was_to_leave_may_stay() -> None:
    ledger = written(two_sites(), lambda now: with_site_leaving(now, "tokyo"))
    ledger = written(ledger, lambda now: with_site(now, "tokyo"))
    ledger = look(look(ledger, "tokyo"), "tokyo")
    assert size(ledger.leased("tokyo")) == sizes(ledger).target
    everything(ledger)


def test_the_tenant_changes_his_pools() -> None:
    ledger = two_sites()
    smaller = span(2, 140)
    ledger = written(ledger, lambda now: with_pools(now, smaller, NET + 1))
    assert not common(ledger.leased("tokyo"), span(141, 254))
    ledger = look(look(ledger, "tokyo", at(250)), "paris", at(2, 3))
    assert ledger.owner(NET + 250) == "tokyo", "it is in use"

    ledger = written(ledger, lambda now: with_pools(now, span(2, 254), NET + 1))

    assert common(ledger.stock(), span(141, 254)) == joined(span(141, 249), span(251, 254))
    everything(ledger)


@pytest.mark.parametrize(
    ("pools", "error"),
    [
        ([{"start": "10.0.0.9", "end": "10.0.0.3"}], (400, "InvalidAllocationPool")),
        ([{"start": "ten", "end": "10.0.0.3"}], (400, "InvalidAllocationPool")),
        ([{"end": "10.0.0.3"}], (400, "InvalidAllocationPool")),
        ([{"start": "2001:db8::1", "end": "2001:db8::2"}], (400, "InvalidAllocationPool")),
        ([{"start": "10.0.0.0", "end": "10.0.0.3"}], (400, "OutOfBoundsAllocationPool")),
        ([{"start": "10.0.0.9", "end": "10.0.0.255"}], (400, "OutOfBoundsAllocationPool")),
        (
            [
                {"start": "10.0.0.9", "end": "10.0.0.12"},
                {"start": "10.0.0.12", "end": "10.0.0.14"},
            ],
            (409, "OverlappingAllocationPools"),
        ),
        ([{"start": "10.0.0.1", "end": "10.0.0.3"}], (409, "GatewayConflictWithAllocationPools")),
    ],
)
def test_pools_are_refused_as_neutron_refuses_them(
    pools: list[dict[str, str]], error: tuple[int, str]
) -> None:
    with pytest.raises(Refused) as refused:
        checked_pools("10.0.0.0/24", NET + 1, pools)
    assert (refused.value.status, refused.value.type) == error


def test_pools_come_back_as_they_were_given() -> None:
    pools = [
        {"start": "10.0.0.10", "end": "10.0.0.20"},
        {"start": "10.0.0.30", "end": "10.0.0.30"},
    ]
    assert pools_of(checked_pools("10.0.0.0/24", NET + 1, pools), 4) == pools
    assert ranges_of(pools) == joined(span(10, 20), at(30))
    assert checked_pools("10.0.0.0/31", None, [{"start": "10.0.0.0", "end": "10.0.0.1"}])


def test_an_address_in_ones_own_lease_can_be_claimed() -> None:
    ledger = two_sites()
    mine = ledger.leased("tokyo")[0][0]
    ledger = written(ledger, lambda now: claimed(now, mine, "tokyo"))
    assert ledger.owner(mine) == "tokyo"
    assert ledger.leased("tokyo")[0][0] == mine, "the pools stay as they are"

    ledger = look(ledger, "tokyo", ((mine, mine),))

    assert not ledger.claims, "the port holds it"


def test_an_address_of_the_stock_or_outside_the_pools_is_claimed_first() -> None:
    ledger = written(two_sites(), lambda now: with_pools(now, span(20, 254), NET + 1))
    ledger = look(look(ledger, "paris"), "tokyo")
    for address in (NET + 5, ledger.stock()[0][0]):
        ledger = written(ledger, lambda now, it=address: claimed(now, it, "tokyo"))
        with pytest.raises(Refused) as refused:
            claimed(ledger, address, "paris")
        assert refused.value.status == 409
        ledger = look(ledger, "tokyo", ((address, address),))
        assert not ledger.claims
        assert ledger.owner(address) == "tokyo", "it is in use there"
        ledger = look(look(ledger, "tokyo"), "tokyo")
        assert ledger.owner(address) is None
        everything(ledger)


def test_an_address_of_another_site_is_refused() -> None:
    ledger = two_sites()
    theirs = ledger.leased("paris")[0][1]
    with pytest.raises(Refused) as refused:
        claimed(ledger, theirs, "tokyo")
    assert (refused.value.status, refused.value.type) == (409, "IpAddressAlreadyAllocated")


def test_what_is_on_its_way_to_another_site_is_refused_to_both() -> None:
    ledger = look(all_leased(), "tokyo", span(8, 11))
    assert ledger.releasing("tokyo") == at(14)
    for site in ("paris", "tokyo"):
        with pytest.raises(Refused):
            claimed(ledger, NET + 14, site)


def test_the_gateways_address_is_leased_to_nobody_even_if_it_is_in_the_pools() -> None:
    ledger = two_sites()
    gateway = ledger.stock()[0][0]
    ledger = written(ledger, lambda now: with_pools(now, now.pools, gateway))
    assert not common(ledger.stock(), ((gateway, gateway),))
    everything(ledger)


def test_a_claim_ends_when_the_site_refuses_or_its_time_is_over() -> None:
    ledger = two_sites()
    free = ledger.stock()[0][0]
    ledger = written(ledger, lambda now: claimed(now, free, "tokyo"))
    claim = ledger.claims[0]
    assert unclaimed(ledger, free, "tokyo", claim.since - 1).claims == (claim,)
    assert unclaimed(ledger, free, "tokyo", claim.since).claims == ()

    ledger = look(ledger, "tokyo")
    assert ledger.claims == (claim,), "its port may be under way"
    seen = Observation("tokyo", "one", ledger.version, (), (), lapsed=claim.since)
    assert not observed(ledger, seen).claims


def test_of_two_who_ask_for_one_address_at_a_site_the_second_holds_it_for_himself_alone() -> None:
    ledger = two_sites()
    free = ledger.stock()[0][0]
    ledger = written(ledger, lambda now: claimed(now, free, "tokyo"))
    first = ledger.version
    ledger = written(ledger, lambda now: claimed(now, free, "tokyo"))
    second = ledger.version
    # The site makes the port of the first one, and so refuses the second.
    ledger = written(ledger, lambda now: unclaimed(now, free, "tokyo", second))
    with pytest.raises(Refused):
        claimed(ledger, free, "paris")
    ledger = written(ledger, lambda now: used(now, free, "tokyo", first))
    assert not ledger.claims
    assert ledger.owner(free) == "tokyo", "its port has it"
    everything(ledger)


def test_a_claim_beyond_the_subnet_or_at_no_site_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        claimed(two_sites(), NET + 256, "tokyo")
    assert (refused.value.status, refused.value.type) == (400, "InvalidIpForSubnet")
    with pytest.raises(Refused):
        claimed(two_sites(), NET + 5, "denver")


def test_who_looked_before_a_claim_and_wakes_up_after_its_port_came_sets_nothing_free() -> None:
    ledger = look(look(a_ledger("paris"), "paris", settled=0), "paris", at(200))
    assert ledger.releasing("paris") == at(200)
    looked = Observation("paris", "one", ledger.version, span(2, 129), (), ledger.version)
    ledger = written(ledger, lambda now: claimed(now, NET + 200, "paris"))
    ledger = look(ledger, "paris", at(200))
    assert not ledger.claims

    ledger = written(ledger, lambda now: observed(now, looked))

    assert ledger.owner(NET + 200) == "paris"


def test_who_looked_while_a_claimed_port_was_on_its_way_and_wakes_up_later_sets_nothing_free() -> (
    None
):
    ledger = look(a_ledger("paris"), "paris")
    address = ledger.leased("paris")[0][1]
    ledger = written(ledger, lambda now: claimed(now, address, "paris"))
    ledger = written(ledger, lambda now: with_pools(now, span(2, 20), NET + 1))
    looked = Observation("paris", "one", ledger.version, span(2, 20), (), ledger.version)
    ledger = look(ledger, "paris", ((address, address),))
    assert not ledger.claims

    ledger = written(ledger, lambda now: observed(now, looked))

    assert ledger.owner(address) == "paris"


def test_the_routers_interface_is_everybodys() -> None:
    ledger = two_sites()
    mine = ledger.leased("paris")[0][0]
    with pytest.raises(Refused):
        with_shared(ledger, mine, "tokyo")
    ledger = written(ledger, lambda now: with_shared(now, mine, "paris"))

    ledger = look(look(ledger, "paris", ((mine, mine),)), "tokyo", joined(at(1), ((mine, mine),)))

    assert not ledger.conflicts()
    assert claimed(ledger, mine, "tokyo") == ledger
    assert without_shared(ledger, mine).shared == at(1)


def test_what_is_found_at_a_site_that_does_not_have_it_is_given_out_by_nobody() -> None:
    ledger = two_sites()
    theirs = ledger.leased("paris")[0][1]

    ledger = look(ledger, "tokyo", ((theirs, theirs),))

    assert not common(ledger.leased("paris"), ((theirs, theirs),))
    assert ledger.conflicts() == {("paris", "tokyo"): ((theirs, theirs),)}
    ledger = look(ledger, "paris", at(2, 3))
    assert not ledger.conflicts(), "paris did not use it"
    assert ledger.owner(theirs) == "tokyo"
    everything(ledger)


def test_pools_put_by_hand_are_taken_away_and_the_stock_is_safe_from_them() -> None:
    ledger = two_sites()
    stock = ledger.stock()
    ledger = look(ledger, "tokyo", pools=span(2, 254), settled=0)

    assert wanted_pools(ledger, "tokyo", span(2, 254)) == ledger.leased("tokyo")
    assert not ledger.stock()
    ledger = look(look(ledger, "tokyo"), "paris")
    assert common(ledger.stock(), stock) == stock
    assert ledger.leased("paris"), "paris goes on with what it has"


def test_after_a_loss_nobody_gets_anything_before_everybody_is_read() -> None:
    before = two_sites()
    ledger = written(before, lambda now: reopened(now, "two"))
    ledger = replace(ledger, version=1)
    paris, tokyo = before.leased("paris"), before.leased("tokyo")
    ledger = look(ledger, "paris", at(2, 3), pools=paris)
    ledger = written(ledger, lambda now: hungry(now, "paris"))
    ledger = look(ledger, "paris", paris)
    assert ledger.leased("paris") == paris
    assert wanted_pools(ledger, "tokyo", tokyo) == tokyo, "it is left alone until it is read"
    with pytest.raises(Refused) as refused:
        claimed(ledger, NET + 200, "paris")
    assert refused.value.status == 503
    assert claimed(ledger, paris[0][0], "paris").claims

    ledger = look(ledger, "tokyo", pools=tokyo)

    assert ledger.leased("tokyo") == tokyo
    everything(ledger)


def test_what_stood_in_the_pools_of_a_site_is_believed_until_it_is_read() -> None:
    ledger = opened(
        SUBNET,
        "e",
        "10.0.0.0/24",
        NET + 1,
        span(2, 200),
        ["paris", "tokyo"],
        has={"paris": span(2, 254)},
    )
    ledger = replace(ledger, version=1)
    assert ledger.leased("paris") == span(2, 200)
    ledger = look(ledger, "tokyo", at(150), pools=span(150, 160))
    assert not common(ledger.leased("paris"), span(150, 160))
    ledger = look(ledger, "paris", pools=joined(span(2, 149), span(161, 190)))
    assert ledger.owner(NET + 150) == "tokyo"
    assert ledger.owner(NET + 195) is None, "it was not there any more"
    everything(ledger)


def test_what_two_sites_have_in_their_pools_is_given_out_by_neither() -> None:
    ledger = a_ledger("paris", "tokyo")
    ledger = look(ledger, "paris", at(50, 120), pools=span(2, 149))
    ledger = look(ledger, "tokyo", at(130, 150, 160), pools=span(100, 200))

    assert not common(ledger.leased("paris"), span(100, 149))
    assert not common(ledger.leased("tokyo"), span(100, 149))
    assert ledger.conflicts()[("paris", "tokyo")] == span(100, 149)
    ledger = look(look(ledger, "paris", at(50, 120)), "tokyo", at(130, 150, 160))
    assert not ledger.conflicts()
    assert (ledger.owner(NET + 120), ledger.owner(NET + 130)) == ("paris", "tokyo")
    everything(ledger)


def test_who_read_another_life_of_the_ledger_says_nothing() -> None:
    ledger = two_sites()
    seen = Observation("tokyo", "another", 99, span(2, 254), at(77), settled=99)
    assert observed(ledger, seen) == ledger
