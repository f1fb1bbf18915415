"""Random histories of three sites, one tenant, and all that can go wrong: in the end it is as it is to be."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from itertools import product
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from adapters.marks import REMOTE
from federator.faults import Conflict
from sync.cloud import Refused
from sync.placeholders.cards import NAME as PORTS
from sync.registry import kind_of
from sync.transit.words import NAME as TRANSIT
from tests.sync.ways import check_ways
from tests.sync.world import ALPHA, Line, Trouble, World

SITES = ("paris", "tokyo", "denver")
sites = st.sampled_from(SITES)
picks = st.integers(0, 1000)
words = st.sampled_from(["", "plain", "größer \N{SNOWMAN}", "x" * 255, "y [federator-id:1]"])


class Histories(RuleBasedStateMachine):
    """What happened is printed when it does not end well."""

    troubles: ClassVar = st.none() | st.tuples(st.sampled_from(Trouble), st.integers(1, 60))

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.world = self.do(World(SITES).start())
        self.made: list[tuple[str, str, str]] = []
        """(site, kind, local ID) of what the tenant has made."""
        self.plugged: list[tuple[str, str]] = []
        self.leading: list[tuple[str, str, str]] = []
        """(site, router, subnet) of networks that stay at their sites."""
        self.count = 0

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def pick(self, number: int, *kinds: str) -> tuple[str, str, str] | None:
        there = [
            each
            for each in self.made
            if each[1] in kinds and each[2] in self.world.neutrons[each[0]].kept[each[1]]
        ]
        return there[number % len(there)] if there else None

    def entries(self, *kinds: str) -> list[Any]:
        found = self.do(self.world.store.all())
        return [e for e in found if not kinds or e.kind in kinds]

    def make(self, kind: str, site: str, **fields: Any) -> str:
        local_id = str(self.do(self.world.make(kind, site, ALPHA, **fields)))
        self.made.append((site, kind, local_id))
        return local_id

    @rule(site=sites, name=words, vlan=st.booleans(), versions=st.sampled_from([(), (4,), (4, 6)]))
    def a_network(self, site: str, name: str, vlan: bool, versions: tuple[int, ...]) -> None:
        self.count += 1
        names = "network_type", "physical_network", "segmentation_id"
        values = "vlan", f"trunk-of-{site}", 2050 + self.count
        provider = {f"provider:{n}": v for n, v in zip(names, values, strict=True)}
        net = self.make("network", site, name=name, **(provider if vlan else {}))
        for version in versions:
            cidr = f"10.{self.count}.0.0/24" if version == 4 else f"fd00:{self.count}::/64"
            self.make("subnet", site, network_id=net, ip_version=version, cidr=cidr)

    @rule(number=picks, router=picks)
    def a_router(self, number: int, router: int) -> None:
        if (subnet := self.pick(number, "subnet")) is None:
            return
        site, _, local_id = subnet
        kept = self.world.neutrons[site].kept
        net = kept["network"][kept["subnet"][local_id]["network_id"]]
        if site != "denver" and net["provider:network_type"] != "vlan":
            # Such a network can never be stretched once something is plugged in: that is no end to reach.
            return
        mine = self.pick(router, "router")
        if mine is None or mine[0] != site:
            mine = (site, "router", self.make("router", site, name="r"))
        body = {"subnet_id": local_id}
        try:
            self.world.ask(site, "PUT", f"/routers/{mine[2]}/add_router_interface", body)
        except Refused:
            return
        self.follow(site, "router", mine[2])

    @precondition(lambda self: self.entries("router"))
    @rule(site=sites, number=picks, version=st.sampled_from([4, 6]))
    def a_router_leads_to_what_stays(self, site: str, number: int, version: int) -> None:
        routers = [e for e in self.entries("router") if site in e.sites]
        if not routers:
            return
        router = self.do(self.world.local(routers[number % len(routers)].global_id, site))
        if not router:
            return
        self.count += 1
        net = self.do(self.world.make("network", site, name="stays"))
        self.world.staying.add(net)
        cidr = f"10.{self.count}.0.0/24" if version == 4 else f"fd00:{self.count}::/64"
        new = {"network_id": net, "ip_version": version, "cidr": cidr}
        subnet = self.do(self.world.make("subnet", site, **new))
        with suppress(Refused):
            path = f"/routers/{router}/add_router_interface"
            self.world.ask(site, "PUT", path, {"subnet_id": subnet})
            self.leading.append((site, router, subnet))

    @precondition(lambda self: self.leading)
    @rule(number=picks)
    def it_does_so_no_more(self, number: int) -> None:
        site, router, subnet = self.leading.pop(number % len(self.leading))
        with suppress(Refused):
            path = f"/routers/{router}/remove_router_interface"
            self.world.ask(site, "PUT", path, {"subnet_id": subnet})

    @rule(site=sites, name=words)
    def a_group(self, site: str, name: str) -> None:
        self.make("security_group", site, name=name, description=name)

    @rule(
        number=picks,
        protocol=st.sampled_from(["tcp", "6", "icmp", None, "47"]),
        remote=st.sampled_from(
            ["10.1.2.3/8", "10.0.0.0/8", "0.0.0.0/0", None, "group", "addresses"]
        ),
        other=picks,
    )
    def a_rule(self, number: int, protocol: str | None, remote: str | None, other: int) -> None:
        if (group := self.pick(number, "security_group")) is None:
            return
        site, _, local_id = group
        new = {"security_group_id": local_id, "direction": "ingress", "ethertype": "IPv4"}
        new["protocol"] = protocol  # type: ignore[assignment]
        if remote == "group":
            named = self.pick(other, "security_group")
            new["remote_group_id"] = named[2] if named and named[0] == site else local_id
        elif remote == "addresses":
            fields = {"name": "ag", "addresses": ["10.7.0.0/16"]}
            new["remote_address_group_id"] = self.make("address_group", site, **fields)
        elif remote:
            new["remote_ip_prefix"] = remote
        try:
            self.make("security_group_rule", site, **new)
        except Refused:
            return
        self.follow(site, "security_group", local_id)

    def follow(self, site: str, kind: str, local_id: str) -> None:
        """What belongs to something that spans sites goes where it is (`federator.sharing.anchor`)."""
        family = self.world.family(site, kind, local_id)
        ids = [self.do(self.world.global_id(site, each)) for _, each in family]
        known = self.do(self.world.store.get(ids)).values()
        wide = {each for entry in known if not entry.deleted for each in entry.sites}
        if wide:
            self.stretched(site, kind, local_id, wide)

    def stretched(self, site: str, kind: str, local_id: str, wide: set[str]) -> None:
        with suppress(Conflict, Refused):
            self.do(self.world.stretch(site, kind, local_id, *wide))

    @rule(number=picks, to=sites)
    def needed_elsewhere(self, number: int, to: str) -> None:
        found = self.pick(number, "network", "router", "security_group")
        if found is not None and found[0] != to:
            self.stretched(*found, {to})

    @precondition(lambda self: self.entries())
    @rule(number=picks, name=words, dies=st.sampled_from([9, 9, 9, 0, 1]))
    def the_tenant_changes(self, number: int, name: str, dies: int) -> None:
        there = self.entries("network", "subnet", "router", "security_group", "address_group")
        if there:
            entry = there[number % len(there)]
            with suppress(Conflict, KeyError):
                fields = {"name": name, "description": name}
                self.do(self.world.change(entry.global_id, fields, dies_after=dies))

    @precondition(lambda self: self.entries())
    @rule(number=picks, dies=st.sampled_from([9, 9, 9, 0, 1]))
    def the_tenant_deletes(self, number: int, dies: int) -> None:
        there = self.entries()
        entry = there[number % len(there)]
        with suppress(Conflict):
            self.do(self.world.remove(entry.global_id, dies_after=dies))

    @rule(site=sites, trouble=troubles, seconds=st.sampled_from([0, 1, 40]))
    def a_round(self, site: str, trouble: tuple[Trouble, int] | None, seconds: int) -> None:
        left = [trouble[1] if trouble else 0]

        def at(_: str) -> Trouble | None:
            left[0] -= 1
            return trouble[0] if trouble and not left[0] else None

        self.do(self.world.run(site, Line(self.world.neutrons[site], at)))
        self.world.offset += seconds

    @rule(site=sites)
    def a_leader_stands_still(self, site: str) -> None:
        self.do(self.frozen(site))

    async def frozen(self, site: str) -> None:
        world = self.world
        line = Line(world.neutrons[site], frozen=asyncio.Event())
        each = await world.round(line)
        async with world.store.lead(site, 1000) as lead:
            assert lead is not None
            standing = asyncio.create_task(each.run(lead))
            for _ in range(200):
                await asyncio.sleep(0)
            lead.expires = 0
            await world.run(site)
            assert line.frozen is not None
            line.frozen.set()
            await asyncio.gather(standing, return_exceptions=True)

    @rule(site=sites, number=picks, how=st.sampled_from(["delete", "rename", "tags"]))
    def behind_our_back(self, site: str, number: int, how: str) -> None:
        here = [e for e in self.entries() if site in e.sites and kind_of(e.kind).resource.tagged]
        if not here:
            return
        entry = here[number % len(here)]
        local_id = self.do(self.world.local(entry.global_id, site))
        path = f"{kind_of(entry.kind).resource.path}/{local_id}"
        calls = {
            "delete": ("DELETE", path, None),
            "rename": ("PUT", path, {kind_of(entry.kind).resource.key: {"name": "mine!"}}),
            "tags": ("PUT", f"{path}/tags", {"tags": ["own"]}),
        }
        with suppress(Refused):
            self.world.ask(site, *calls[how])

    @rule(site=sites, number=picks)
    def something_is_plugged_in(self, site: str, number: int) -> None:
        here = [e for e in self.entries("network") if site in e.sites]
        if here:
            net = self.do(self.world.local(here[number % len(here)].global_id, site))
            with suppress(Refused):
                new = {"port": {"network_id": net, "project_id": self.world.project(ALPHA, site)}}
                port = self.world.ask(site, "POST", "/ports", new)["port"]
                self.plugged.append((site, port["id"]))

    @precondition(lambda self: self.plugged)
    @rule(number=picks)
    def something_is_unplugged(self, number: int) -> None:
        site, port = self.plugged.pop(number % len(self.plugged))
        with suppress(Refused):
            self.world.ask(site, "DELETE", f"/ports/{port}")

    @rule(site=sites)
    def what_was_told_is_lost(self, site: str) -> None:
        self.world.store._told[PORTS].pop(site, None)
        self.world.store._told[TRANSIT].pop(site, None)

    @rule(site=sites, number=picks)
    def a_placeholder_is_deleted(self, site: str, number: int) -> None:
        ports = self.world.neutrons[site].all("port")
        there = [port["id"] for port in ports if port["device_owner"] == REMOTE]
        if there:
            self.world.ask(site, "DELETE", f"/ports/{there[number % len(there)]}")

    @rule(site=sites)
    def a_stranger(self, site: str) -> None:
        self.world.stranger(site, "security_group", name="default-ish")

    @rule()
    def statuses_are_lost(self) -> None:
        self.world.store._statuses.clear()

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            with self.runner:
                self.unplug()
                self.do(self.world.settle())
                self.do(self.world.check())
                self.do(check_ways(self.world))
                # Now each port has to stand wherever its network is.
                for number, site in product(range(len(self.entries("network"))), SITES):
                    self.something_is_plugged_in(site, number)
                self.do(self.world.settle())
                self.do(self.world.check())
                self.unplug()
                self.do(self.world.settle())
                self.do(self.world.check())

    def unplug(self) -> None:
        for site, port in self.plugged:
            self.world.neutrons[site].request("DELETE", f"/v2.0/ports/{port}")
        self.plugged.clear()


class Ways(Histories):
    """The same of a router that is at two sites from the start, and is plugged in at each."""

    @initialize()
    def begin(self) -> None:
        super().begin()
        router = self.make("router", "paris", name="r")
        self.stretched("paris", "router", router, {"tokyo"})
        for site, version in (("tokyo", 4), ("paris", 6)):
            self.do(self.world.run(site))
            self.a_router_leads_to_what_stays(site, 0, version)


ALL = settings(
    max_examples=40,
    stateful_step_count=25,
    print_blob=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
TestHistories = Histories.TestCase
TestHistories.settings = ALL
TestWays = Ways.TestCase
TestWays.settings = ALL
