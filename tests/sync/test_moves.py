"""An address goes to another site at once, for a stopgap has it: the ledger, and daemons of the small world."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from adapters.marks import marks_of
from sync.ipam.claims import claimed, used
from sync.ipam.ledger import Claim, Ledger
from sync.ipam.life import reopened, with_site_leaving
from sync.ipam.moves import declined, due, granted, has_to_stay, wished
from sync.ipam.ranges import number
from sync.ipam.refused import Refused
from sync.ledgers import change, read
from tests.sync.neutron import Item
from tests.sync.test_ledger import NET, at, everything, look, two_sites, written
from tests.sync.test_placeholders import Scene
from tests.sync.world import Line, Trouble


def asked_for(ledger: Ledger, last: int, site: str = "tokyo") -> Ledger:
    return written(ledger, lambda now: wished(now, NET + last, site))


def seen(ledger: Ledger, last: int, site: str) -> Ledger:
    """Its port is there."""
    (since,) = [each.since for each in ledger.claims if each.address == NET + last]
    assert used(ledger, NET + last, site, since - 1) == ledger, (
        "of an earlier claim nothing is known"
    )
    return used(ledger, NET + last, site, since)


def given(ledger: Ledger, site: str = "paris") -> Ledger:
    (move,) = due(ledger, site)
    return written(ledger, lambda now: granted(now, move, site))


def test_what_a_site_has_goes_to_another_that_a_client_asks_at() -> None:
    ledger = given(asked_for(two_sites(), 2))

    assert ledger.claimed(by="tokyo") == at(2)
    assert not ledger.moves
    assert NET + 2 not in range(*ledger.leased("paris")[0])
    assert has_to_stay(ledger, "paris", NET + 2)
    everything(ledger)
    # Its port is there, and nobody is to blame; then paris has let go of it for good.
    ledger = written(ledger, lambda now: seen(now, 2, "tokyo"))
    assert not ledger.conflicts()
    everything(ledger)
    ledger = look(ledger, "paris", at(3))
    assert (ledger.owner(NET + 2), ledger.claims) == ("tokyo", ())
    assert not has_to_stay(ledger, "paris", NET + 2)
    everything(ledger)


def test_what_came_of_nothing_is_not_lost() -> None:
    ledger = given(asked_for(two_sites(), 2))
    ledger = written(ledger, lambda now: look(now, "paris", at(3)))
    assert ledger.owner(NET + 2) == "tokyo", "it is claimed"
    (claim,) = ledger.claims
    lapsed = replace(ledger, claims=())
    assert NET + 2 in range(lapsed.stock()[0][0], lapsed.stock()[-1][1] + 1)
    assert claim == Claim(NET + 2, "tokyo", claim.since)


def test_an_address_goes_back_before_it_has_been_let_go_of() -> None:
    ledger = given(asked_for(two_sites(), 2))
    ledger = written(ledger, lambda now: seen(now, 2, "tokyo"))
    ledger = given(asked_for(ledger, 2, "paris"), "tokyo")
    assert ledger.claimed(by="paris") == at(2)
    assert not ledger.conflicts()
    ledger = written(ledger, lambda now: seen(now, 2, "paris"))
    ledger = look(ledger, "tokyo")
    ledger = look(ledger, "paris", at(2, 3))
    assert ledger.owner(NET + 2) == "paris"
    assert not ledger.releases("tokyo")
    everything(ledger)


def test_the_first_has_it_and_the_second_is_refused() -> None:
    ledger = asked_for(two_sites(), 2)
    with pytest.raises(Refused):
        # At its own site, too: else the stopgap could be in its way, and nobody would have the address.
        claimed(ledger, NET + 2, "paris")
    ledger = given(ledger)
    for site in ("paris", "denver"):
        with pytest.raises(Refused):
            wished(ledger, NET + 2, site)
    ledger = written(two_sites(), lambda now: claimed(now, NET + 2, "paris"))
    with pytest.raises(Refused):
        wished(ledger, NET + 2, "tokyo")


def test_after_a_loss_a_stopgap_stays_until_every_site_has_been_read() -> None:
    ledger = reopened(given(asked_for(two_sites(), 2)), "two")
    assert has_to_stay(ledger, "paris", NET + 2)
    assert not has_to_stay(ledger, "paris", NET + 2, stopgap=False)
    read_again = replace(ledger, members=tuple(replace(e, read=True) for e in ledger.members))
    assert not has_to_stay(read_again, "paris", NET + 2)


def test_what_the_site_has_lost_meanwhile_it_does_not_give() -> None:
    ledger = asked_for(two_sites(), 2)
    (move,) = due(ledger, "paris")
    leaving = written(ledger, lambda now: with_site_leaving(now, "tokyo"))
    assert not written(leaving, lambda now: granted(now, move, "paris")).claims
    withdrawn = written(ledger, lambda now: declined(now, move))
    assert granted(withdrawn, move, "paris") == withdrawn
    assert not has_to_stay(withdrawn, "paris", NET + 2)


class Move(Scene):
    """A port of paris, for which something stands at tokyo."""

    async def begin(self) -> Item:
        await self.start()
        self.port_ = await self.port("paris", security_groups=[self.group])
        await self.rounds()
        (self.fixed,) = self.port_["fixed_ips"]
        self.address = number(self.fixed["ip_address"])
        self.book = await self.world.global_id("paris", self.sub)
        return self.port_

    async def ask(self) -> None:
        await change(
            self.world.ledgers, self.book, partial(wished, address=self.address, site="tokyo")
        )

    async def ledger(self) -> Ledger:
        found = await read(self.world.ledgers, self.book)
        assert found is not None
        return found

    async def has_it(self) -> bool:
        return any(e.site == "tokyo" for e in (await self.ledger()).claims)

    async def arrives(self, **more: Any) -> Item:
        fixed = {**self.fixed, "subnet_id": await self.local(self.sub, "tokyo")}
        more.setdefault("mac_address", self.port_["mac_address"])
        return await self.port("tokyo", fixed_ips=[fixed], **more)

    def gone(self) -> None:
        self.world.ask("paris", "DELETE", f"/ports/{self.port_['id']}")


async def test_a_port_moves_and_what_kept_its_address_stands_for_it() -> None:
    scene = Move()
    await scene.begin()
    scene.gone()
    await scene.ask()
    await scene.rounds(times=1)
    assert await scene.has_it()
    (stopgap,) = scene.standing("paris")
    assert stopgap["fixed_ips"] == [scene.fixed]
    assert not scene.standing("tokyo"), "it has given way"
    # In all its pools are still without it, and what stands there may not go.
    moved = await scene.arrives()
    await scene.rounds()
    (stand,) = scene.standing("paris")
    assert stand["id"] == stopgap["id"], "there was no moment without it"
    assert stand["mac_address"] == moved["mac_address"]
    marks = marks_of(stand)
    assert marks is not None
    assert marks.global_id == await scene.world.global_id("tokyo", moved["id"])
    await scene.good()
    assert (await scene.ledger()).owner(scene.address) == "tokyo"


async def test_a_port_that_goes_back_at_once_finds_its_place_free() -> None:
    scene = Move()
    await scene.begin()
    scene.gone()
    await scene.ask()
    await scene.rounds(times=1)
    moved = await scene.arrives()
    await scene.rounds()
    assert not await scene.has_it(), "the daemon has seen the port, and the claim is over"
    scene.world.ask("tokyo", "DELETE", f"/ports/{moved['id']}")
    await change(
        scene.world.ledgers, scene.book, partial(wished, address=scene.address, site="paris")
    )
    await scene.rounds()
    assert not scene.standing("paris")
    await scene.port("paris", fixed_ips=[scene.fixed], mac_address=moved["mac_address"])
    await scene.good()
    assert not (await scene.ledger()).conflicts()
    assert (await scene.ledger()).owner(scene.address) == "paris"


async def test_what_is_in_use_is_not_given_away() -> None:
    scene = Move()
    await scene.begin()
    await scene.ask()
    await scene.rounds()
    assert not await scene.has_it()
    assert not scene.standing("paris")
    assert not (await scene.ledger()).moves
    await scene.good()


async def test_nobody_at_the_site_gets_the_address_while_it_moves() -> None:
    scene = Move()
    await scene.begin()
    scene.gone()
    await scene.ask()
    await scene.world.run("paris")
    others = [await scene.port("paris") for _ in range(5)]
    assert scene.fixed["ip_address"] not in [p["fixed_ips"][0]["ip_address"] for p in others]
    await scene.world.run("tokyo")
    await scene.arrives()
    await scene.good()


@pytest.mark.parametrize("trouble", list(Trouble))
async def test_a_daemon_that_dies_over_the_stopgap_goes_on(trouble: Trouble) -> None:
    scene = Move()
    await scene.begin()
    scene.gone()
    await scene.ask()
    calls = iter((trouble,))

    def at_stopgap(call: str) -> Trouble | None:
        return next(calls, None) if call == "POST /v2.0/ports" else None

    await scene.world.run("paris", Line(scene.world.neutrons["paris"], at_stopgap))
    await scene.world.run("paris")
    # Neutron refused for another reason: who asked is told no, and asks again.
    assert await scene.has_it() is (trouble is not Trouble.BUSY)
    assert len(scene.standing("paris")) == (trouble is not Trouble.BUSY)
    await scene.good()
    assert not scene.standing("paris"), "nobody came, and nothing is left"


async def test_a_stopgap_that_was_useless_is_not_taken_away_once_it_is_needed_again() -> None:
    scene = Move()
    await scene.begin()
    scene.gone()
    await scene.ask()
    dies = Line(
        scene.world.neutrons["paris"],
        lambda call: Trouble.KILLED_AFTER if call == "POST /v2.0/ports" else None,
    )
    await scene.world.run("paris", dies)
    (stopgap,) = [dict(each) for each in scene.standing("paris")]
    await scene.world.run("paris")
    assert await scene.has_it()
    # A daemon that froze when nobody had asked wakes up in the middle of its call.
    headers = {"If-Match": f"revision_number={stopgap['revision_number']}"}
    path = f"/v2.0/ports/{stopgap['id']}"
    assert scene.world.neutrons["paris"].request("DELETE", path, None, headers)[0] == 412


async def test_a_stopgap_that_nobody_waits_for_any_more_goes() -> None:
    scene = Move()
    await scene.begin()
    scene.gone()
    await scene.ask()
    line = Line(
        scene.world.neutrons["paris"],
        lambda call: Trouble.KILLED_AFTER if call == "POST /v2.0/ports" else None,
    )
    await scene.world.run("paris", line)
    assert len(scene.standing("paris")) == 1
    (move,) = (await scene.ledger()).moves
    await change(scene.world.ledgers, scene.book, partial(declined, move=move))
    await scene.rounds(times=1)
    assert not scene.standing("paris")
    assert not await scene.has_it()
    await scene.good()


async def test_of_two_addresses_of_a_port_one_moves_after_the_other() -> None:
    scene = Move()
    await scene.start()
    new = {"network_id": scene.net, "ip_version": 6, "cidr": "fd00:9::/120"}
    new |= {"ipv6_address_mode": "dhcpv6-stateful", "ipv6_ra_mode": "dhcpv6-stateful"}
    new |= {"gateway_ip": "fd00:9::1"}
    six = await scene.world.make(
        "subnet", "paris", **new, allocation_pools=[{"start": "fd00:9::2", "end": "fd00:9::ff"}]
    )
    await scene.world.stretch("paris", "network", scene.net, "tokyo")
    await scene.world.settle()
    both = [{"subnet_id": each} for each in (scene.sub, six)]
    port = await scene.port("paris", fixed_ips=both)
    await scene.rounds()
    scene.world.ask("paris", "DELETE", f"/ports/{port['id']}")
    books = [await scene.world.global_id("paris", each) for each in (scene.sub, six)]
    for book, fixed in zip(books, port["fixed_ips"], strict=True):
        address = number(fixed["ip_address"])
        await change(scene.world.ledgers, book, partial(wished, address=address, site="tokyo"))
    await scene.rounds(times=1)
    fixed_ips = [
        {**fixed, "subnet_id": await scene.local(each, "tokyo")}
        for each, fixed in zip((scene.sub, six), port["fixed_ips"], strict=True)
    ]
    moved = await scene.port("tokyo", fixed_ips=fixed_ips, mac_address=port["mac_address"])
    await scene.rounds()
    standing = scene.standing("paris")
    addresses = sorted(e["ip_address"] for p in standing for e in p["fixed_ips"])
    assert addresses == sorted(e["ip_address"] for e in moved["fixed_ips"])
    assert moved["mac_address"] in [each["mac_address"] for each in standing]
    await scene.good()
