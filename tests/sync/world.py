"""Two or three sites that are kept alike, all in this process: their Neutrons, their daemons, one tenant.

Between a daemon and its site is a line on which things go wrong as a test likes: the daemon is killed before or
after a call took effect, answers get lost, a call stands still for as long as it takes.
"""

import asyncio
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from adapters.errors import SiteUnreachable
from adapters.marks import REMOTE, marks_of
from adapters.names import Site as SiteNames
from adapters.spec import PROJECT
from federator.sharing.closure import Member
from federator.sharing.wanted import Wanted
from idmap.desired import Desired, NotLeading, State
from idmap.front import IdMap
from idmap.ids import global_uuid
from idmap.memory import MemoryIdStore
from idmap.memory_desired import MemoryDesiredStore
from idmap.memory_ledgers import MemoryLedgerStore
from idmap.memory_records import MemoryRecordStore
from idmap.sites import SiteKey
from idmap.store import SHARED, Pin
from sync.addresses import Addresses
from sync.addresses import Neutron as Account
from sync.cloud import Cloud, Refused
from sync.driver import Ground
from sync.placeholders.keep import Placeholders
from sync.pools import Patience, Unread
from sync.refusals import Refusals
from sync.registry import all_drivers, all_kinds, kind_of
from sync.round import Done, Round
from sync.tongue import Tongue
from sync.transit.keep import Transit
from sync.transit.number import Numbers
from tests.sync.neutron import SERVICE, Item, Neutron

ALPHA, BETA = "a1" * 16, "b2" * 16
"""Home's projects."""
POOL = range(2000, 2100)
LEAD_SECONDS = 1000.0


class Killed(BaseException):
    """A daemon is no more."""


class Trouble(Enum):
    """What happens to a call."""

    KILLED_BEFORE = "the daemon dies before it is made"
    KILLED_AFTER = "the daemon dies when it is done, before it knows"
    LOST = "it is done, and the answer gets lost"
    SILENT = "nothing is done, and nothing is answered"
    BUSY = "Neutron asks to try again"


@dataclass
class Line:
    """The way from one daemon to its site: what `adapters.account.Account` is to a real one."""

    neutron: Neutron
    trouble: Callable[[str], Trouble | None] = lambda call: None
    frozen: asyncio.Event | None = None
    """Calls that change something stand still until it is set."""

    @property
    def site(self) -> str:
        return self.neutron.name

    async def project_id(self) -> str:
        return SERVICE

    async def request(
        self,
        method: str,
        service: str,
        path: str,
        json: object = None,
        microversion: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        assert service == "network"
        trouble = self.trouble(f"{method} {path}")
        if trouble is Trouble.KILLED_BEFORE:
            raise Killed
        if trouble is Trouble.SILENT:
            raise SiteUnreachable(self.site, "no answer")
        if trouble is Trouble.BUSY:
            return 409, {"NeutronError": {"type": "RetryRequest", "message": "try again"}}
        if self.frozen is not None and method != "GET":
            await self.frozen.wait()
        answer = self.neutron.request(method, path, json, headers)
        if trouble is Trouble.KILLED_AFTER:
            raise Killed
        if trouble is Trouble.LOST:
            raise SiteUnreachable(self.site, "the answer got lost")
        return answer


@dataclass
class World:
    """All of it. `offset` seconds are added to the clock of the daemons."""

    sites: Sequence[str] = ("paris", "tokyo")
    offset: float = 0
    report_drift: bool = False
    eager: bool = False
    foreign: dict[tuple[str, str, str], Item] = field(default_factory=dict)
    """(site, kind, local ID) -> what is there and not in anybody's care."""
    staying: set[str] = field(default_factory=set)
    """The local IDs of networks that nobody takes anywhere."""

    def __post_init__(self) -> None:
        self.keys = {name: SiteKey.of(name) for name in self.sites}
        self.numbers = {name: key.number for name, key in self.keys.items()}
        self.neutrons = {name: Neutron(name) for name in self.sites}
        self.store = MemoryDesiredStore()
        self.ledgers = MemoryLedgerStore()
        self.records = MemoryRecordStore(self.sites)
        self.id_store = MemoryIdStore(self.keys.values(), ())
        self.ids = IdMap(self.id_store)
        self.patience = {name: Patience(clock=self.now) for name in self.sites}
        self.refusals = {name: Refusals(self.now) for name in self.sites}
        self.ways = {name: Refusals(self.now) for name in self.sites}
        self.wanted = Wanted(self.store, self.ids)

    async def start(self) -> "World":
        """Ready for daemons and tenants."""
        for home in (ALPHA, BETA):
            places = {site: self.project(home, site) for site in self.sites}
            await self.id_store.put_pins([Pin(home, PROJECT, "mapping", places)])
        await self.ids.refresh()
        return self

    def project(self, home: str, site: str) -> str:
        """A project's ID at a site."""
        return f"{self.sites.index(site):02x}{home[2:]}"

    def now(self) -> float:
        return time.time() + self.offset

    def tongue(self, site: str) -> Tongue:
        key = self.keys[site]
        return Tongue(SiteNames(key.name, key.namespace, key.number))

    def ground(self, site: str) -> Ground:
        """Each calls its trunk differently; denver has OVN."""
        ovn = {"ovn": True, "extensions": frozenset({"segment"})} if site == "denver" else {}
        return Ground(f"trunk-of-{site}", drivers=all_drivers(), **ovn)

    async def round(self, line: Line) -> Round:
        """A round by a daemon that remembers nothing but when it saw a subnet's pools."""
        ids = IdMap(self.id_store)
        await ids.refresh()
        cloud, site = Cloud(line), line.site  # type: ignore[arg-type]
        return Round(
            cloud,
            self.tongue(site),
            ids,
            self.store,
            self.records,
            all_kinds(),
            self.ground(site),
            POOL,
            Addresses(
                site,
                Account(line),  # type: ignore[arg-type]
                self.ledgers,
                self.patience[site],
            ),
            Placeholders(
                cloud,
                self.tongue(site),
                ids,
                self.store,
                line.project_id,
                self.ledgers,
                self.ground(site).federation,
                self.refusals[site],
            ),
            Transit(
                cloud,
                ids,
                self.store,
                self.ground(site),
                self.numbers,
                Numbers(site, ids, self.store, POOL),
                line.project_id,
                self.ways[site],
            ),
            self.eager,
            self.report_drift,
            self.now,
        )

    async def run(self, site: str, line: Line | None = None) -> Done | None:
        """One round by a new daemon; None if it was killed or could not look."""
        each = await self.round(line or Line(self.neutrons[site]))
        try:
            async with self.store.lead(site, LEAD_SECONDS) as lead:
                assert lead is not None
                return await each.run(lead)
        except (SiteUnreachable, Refused, Unread, NotLeading):
            return None
        except Killed:
            self.patience[site] = Patience(clock=self.now)
            self.refusals[site], self.ways[site] = Refusals(self.now), Refusals(self.now)
            return None

    async def settle(self, rounds: int = 40) -> None:
        """Rounds at all sites, as time goes by, until none of them finds anything to do."""
        quiet = 0
        for _ in range(rounds):
            done = [await self.run(site) for site in self.sites]
            for each in done:
                if each is not None and each.plan.refused:
                    # The operator has looked at it, and it is what he wants.
                    found = re.search(r"--confirm (\w+)", each.plan.refused[0])
                    assert found is not None
                    await self.store.confirm(each.plan.site, found.group(1))
            self.offset += 400
            busy = any(
                each is None
                or each.again
                or each.plan.changes
                or each.plan.refused
                or each.soon == 0
                for each in done
            )
            quiet = 0 if busy else quiet + 1
            if quiet == 4:  # a change that was never ended is found out only in the meantime
                return
        raise AssertionError(f"it never ends: {[each and each.plan.changes for each in done]}")

    # What the tenant does, as the gateway does it for him.

    def ask(self, site: str, method: str, path: str, json: object = None) -> Any:
        """A tenant's call at a site. Raises Refused."""
        status, body = self.neutrons[site].request(method, f"/v2.0{path}", json)
        if status >= 400:
            raise Refused(status, body["NeutronError"]["type"])
        return body

    async def make(self, kind: str, site: str, project: str = ALPHA, **fields: Any) -> str:
        """A new object at one site: its local ID."""
        resource = kind_of(kind).resource
        fields["project_id"] = self.project(project, site)
        made = self.ask(site, "POST", resource.path, {resource.key: fields})[resource.key]
        await self.ids.register(site, [made["id"]])
        for rule in made.get("security_group_rules", ()):
            await self.ids.register(site, [rule["id"]])
        return str(made["id"])

    def member(self, kind: str, site: str, local_id: str) -> Member:
        """An object as its site shows it to the tenant."""
        resource = kind_of(kind).resource
        item = self.ask(site, "GET", f"{resource.path}/{local_id}")[resource.key]
        return Member(kind_of(kind), self.tongue(site).outward(resource, item, self.ids.pins), site)

    async def share(
        self, members: Sequence[tuple[str, str]], at: str, sites: Collection[str]
    ) -> list[str]:
        """These (kind, local ID) of one site are to be at others too. Their global IDs."""
        await self.ids.refresh()
        return await self.wanted.at([self.member(k, at, i) for k, i in members], sites)

    def family(self, site: str, kind: str, local_id: str) -> list[tuple[str, str]]:
        """What belongs together with an object of a site (`federator.sharing.closure`)."""
        kept = self.neutrons[site].kept
        found: dict[tuple[str, str], None] = {}
        todo = [(kind, local_id)]
        while todo:
            kind, local_id = key = todo.pop()
            if key in found:
                continue
            found[key] = None
            match kind:
                case "network":
                    if policy := kept["network"][local_id]["qos_policy_id"]:
                        todo.append(("policy", policy))
                    subnets = [
                        s["id"] for s in kept["subnet"].values() if s["network_id"] == local_id
                    ]
                    todo += [("subnet", each) for each in subnets]
                    ports = [p for p in kept["port"].values() if p["network_id"] == local_id]
                    todo += [("router", p["device_id"]) for p in ports if _is_interface(p)]
                case "subnet":
                    todo.append(("network", kept["subnet"][local_id]["network_id"]))
                case "router":
                    ports = [p for p in kept["port"].values() if p["device_id"] == local_id]
                    ports = [p for p in ports if not self._stays(p)]
                    found |= {("router_interface", p["id"]): None for p in ports}
                    todo += [("network", p["network_id"]) for p in ports]
                case "security_group":
                    for rule in kept["security_group_rule"].values():
                        if rule["security_group_id"] == local_id:
                            found["security_group_rule", rule["id"]] = None
                            if rule["remote_group_id"]:
                                todo.append(("security_group", rule["remote_group_id"]))
                            if rule["remote_address_group_id"]:
                                todo.append(("address_group", rule["remote_address_group_id"]))
        return list(found)

    def _stays(self, port: Item) -> bool:
        """Whether it is plugged into something that is at this site alone, and is going to be."""
        return port["project_id"] == SERVICE or port["network_id"] in self.staying

    async def stretch(self, site: str, kind: str, local_id: str, *sites: str) -> list[str]:
        """An object of a site and all that belongs to it is to be at others, too. Their global IDs."""
        family = self.family(site, kind, local_id)
        await self.ids.register(site, [each for _, each in family])
        return await self.share(family, site, sites)

    async def global_id(self, site: str, local_id: str) -> str:
        """The ID that the tenant knows."""
        await self.ids.refresh()
        pinned = self.ids.pins.global_of_uuid(site, local_id)
        return pinned or global_uuid(self.keys[site].namespace, local_id)

    async def entry(self, global_id: str) -> Desired | None:
        return (await self.store.get([global_id])).get(global_id)

    async def local(self, global_id: str, site: str) -> str:
        await self.ids.refresh()
        places = self.ids.pins.places(None, global_id) or {}
        return places.get(site, "")

    async def change(self, global_id: str, fields: Item, *, dies_after: int = 9) -> bool:
        """The tenant changes a shared object. The gateway dies after so many of its three steps."""
        begun = await self.wanted.begin_change(global_id)
        if begun is None or dies_after < 1:
            return False
        kind, local_id = kind_of(begun.kind), await self.local(global_id, begun.anchor)
        path = f"{kind.resource.path}/{local_id}"
        try:
            self.ask(begun.anchor, "PUT", path, {kind.resource.key: fields})
        except Refused:
            await self.wanted.end_change(begun)
            return False
        if dies_after < 2:
            return True
        await self.wanted.end_change(begun, self._seen(begun, local_id))
        return True

    def _seen(self, entry: Desired, local_id: str) -> Member:
        member = self.member(entry.kind, entry.anchor, local_id)
        return replace(member, item={**member.item, "project_id": entry.project})

    async def remove(self, global_id: str, *, dies_after: int = 9) -> bool:
        """The tenant deletes a shared object: whether Neutron did it."""
        begun = await self.wanted.begin_change(global_id)
        if begun is None or dies_after < 1:
            return False
        kind, local_id = kind_of(begun.kind), await self.local(global_id, begun.anchor)
        try:
            if begun.kind == "router_interface":
                router = self.neutrons[begun.anchor].kept["port"][local_id]["device_id"]
                path = f"/routers/{router}/remove_router_interface"
                self.ask(begun.anchor, "PUT", path, {"port_id": local_id})
            else:
                self.ask(begun.anchor, "DELETE", f"{kind.resource.path}/{local_id}")
        except (Refused, KeyError):
            await self.wanted.end_change(begun)
            return False
        if dies_after >= 2:
            await self.wanted.bury(begun)
        return True

    def stranger(self, site: str, kind: str, **fields: Any) -> str:
        """Something of another project that nobody is to touch."""
        fields["project_id"] = self.project(BETA, site)
        resource = kind_of(kind).resource
        made = self.ask(site, "POST", resource.path, {resource.key: fields})[resource.key]
        self.leave_alone(site, kind, made["id"])
        return str(made["id"])

    def leave_alone(self, site: str, kind: str, local_id: str) -> None:
        """From now on this has to stay as it is."""
        shown = self.neutrons[site].request("GET", f"/v2.0{kind_of(kind).resource.path}/{local_id}")
        self.foreign[site, kind, local_id] = shown[1]

    # What has to be true in the end.

    async def check(self) -> None:
        """Everything that is wanted is there, once, and nothing else."""
        await self.ids.refresh()
        entries = {each.global_id: each for each in await self.store.all()}
        buried = [each.global_id for each in entries.values() if each.deleted]
        assert not buried, f"still in the grave: {buried}"
        shared = [pin for pin in self.ids.pins if pin.origin != "mapping"]
        assert {pin.origin for pin in shared} <= {SHARED}
        assert {pin.global_id for pin in shared} == entries.keys(), "pins of what is not wanted"
        for entry in entries.values():
            assert not entry.changing
            pin = self.ids.pins.pin(None, entry.global_id)
            assert pin is not None
            assert pin.places.keys() == entry.sites, entry
        for site in self.sites:
            await self._check_site(site, entries)
        for (site, kind, local_id), before in self.foreign.items():
            path = f"/v2.0{kind_of(kind).resource.path}/{local_id}"
            assert self.neutrons[site].request("GET", path) == (200, before), "it was not ours"

    async def _check_site(self, site: str, entries: Mapping[str, Desired]) -> None:
        neutron, tongue = self.neutrons[site], self.tongue(site)
        here = {gid: each for gid, each in entries.items() if site in each.sites}
        statuses = await self.store.statuses(site)
        assert statuses.keys() == here.keys(), f"statuses at {site}"
        for entry in here.values():
            kind = kind_of(entry.kind)
            local_id = await self.local(entry.global_id, site)
            item = neutron.kept[kind.resource.kind].get(local_id)
            assert item is not None, f"{entry.kind} {entry.global_id} is not at {site}"
            shown = tongue.outward(kind.resource, item, self.ids.pins)
            assert not kind.differences(entry.spec, shown), (site, entry, shown)
            status = statuses[entry.global_id]
            assert (status.state, status.generation) == (State.READY, entry.generation), status
            assert status.local_id == local_id
            if kind.resource.tagged:
                marks = marks_of(item)
                assert marks is not None
                assert marks.generation == entry.generation, (site, entry, item)
                assert marks.anchor == (site == entry.anchor)
        for kind_name in (
            "network",
            "subnet",
            "router",
            "port",
            "security_group",
            "address_group",
            "policy",
        ):
            for item in neutron.all(kind_name):
                marks = marks_of(item)
                if marks is not None and item.get("device_owner") != REMOTE:
                    assert marks.global_id in here, f"left over at {site}: {item}"
                    assert await self.local(marks.global_id, site) == item["id"], "there twice"
        assert placeholders_of(self, site) == await wanted_placeholders(self, site, entries)
        groups = {g for g, e in here.items() if e.kind == "security_group"}
        for group in groups:
            self._check_rules(site, await self.local(group, site), group, entries)

    def _check_rules(
        self, site: str, local_id: str, group: str, entries: Mapping[str, Desired]
    ) -> None:
        kind = kind_of("security_group_rule")
        there = [
            r
            for r in self.neutrons[site].all("security_group_rule")
            if r["security_group_id"] == local_id
        ]
        outward = [self.tongue(site).outward(kind.resource, r, self.ids.pins) for r in there]
        wanted = [e for e in entries.values() if e.spec.get("security_group_id") == group]
        assert {kind.natural(r) for r in outward} == {kind.natural(e.spec) for e in wanted}, site


Standing = dict[str, tuple[Any, ...]]
"""Global ID of a port -> what stands for it."""


def placeholders_of(world: World, site: str) -> Standing:
    """What stands at a site for ports of others, with all that it has to have."""
    found: Standing = {}
    for port in world.neutrons[site].all("port"):
        marks = marks_of(port)
        if port["device_owner"] == REMOTE and port["project_id"] == SERVICE and marks:
            assert marks.global_id not in found, "it stands there twice"
            found[marks.global_id] = (port["network_id"], *_seen(port), port["device_id"])
    return found


async def wanted_placeholders(world: World, site: str, entries: Mapping[str, Desired]) -> Standing:
    """What should stand there, said once more in other words than `sync.placeholders`."""
    found: Standing = {}
    alive = [entry for entry in entries.values() if site in entry.sites]
    for net in [e for e in alive if e.kind == "network"]:
        routed = any(
            e.kind == "router_interface" and e.spec["network_id"] == net.global_id for e in alive
        )
        named = {
            e.spec["remote_group_id"]
            for e in alive
            if e.kind == "security_group_rule" and e.spec.get("remote_group_id")
        }
        here = await world.local(net.global_id, site)
        for other in net.sites - {site}:
            local = await world.local(net.global_id, other)
            for port in world.neutrons[other].all("port"):
                owner = port["device_owner"]
                if port["network_id"] != local or owner == REMOTE or owner.startswith("network:"):
                    continue
                mac, addresses, groups, up = _seen(port)
                known = [await world.global_id(other, each) for each in groups]
                if not addresses or not (routed or named & set(known)):
                    continue
                both = [g for g in known if g in entries and site in entries[g].sites]
                subnets = {
                    subnet: await world.local(await world.global_id(other, subnet), site)
                    for subnet, _ in addresses
                }
                found[await world.global_id(other, port["id"])] = (
                    here,
                    mac,
                    {(subnets[subnet], address) for subnet, address in addresses},
                    {await world.local(each, site) for each in both},
                    up,
                    f"site/{other}",
                )
    return found


def _seen(port: Item) -> tuple[str, set[tuple[str, str]], set[str], bool]:
    addresses = {(each["subnet_id"], each["ip_address"]) for each in port["fixed_ips"]}
    return port["mac_address"], addresses, set(port["security_groups"]), port["admin_state_up"]


def _is_interface(port: Item) -> bool:
    return str(port["device_owner"]).startswith("network:router_interface")
