"""What belongs together: half of it at a site would be worse than nothing.

A network comes with its QoS policy, its subnets and the routers that it is plugged into, a router with all its
networks (with one of two interfaces missing it would swallow what it is sent), a security group with its rules
and the groups they name. All of it is read with the caller's token: what he may not see he cannot bring
anywhere, nor what is another project's. A policy that is where it has to be already, for it is for everybody,
is no obstacle, whosever it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.identity import Identity
from federator.faults import Conflict
from federator.sharing.reader import Reader
from sync.kind import Kind
from sync.kinds.router_interface import INTERFACES
from sync.registry import kind_of

LARGEST = 500
"""More than so many objects are not moved by one request."""


@dataclass(frozen=True, slots=True)
class Member:
    """One object of a closure, as its anchor shows it."""

    kind: Kind
    item: Mapping[str, Any]
    anchor: str

    @property
    def global_id(self) -> str:
        return str(self.item["id"])


@dataclass(slots=True)
class Closure:
    """All that has to come along, read step by step."""

    reader: Reader
    identity: Identity
    request_id: str
    to: frozenset[str] = frozenset()
    """The sites that all of it is to come to."""
    members: dict[str, Member] = field(default_factory=dict)
    roots: list[tuple[str, str]] = field(default_factory=list)
    """What was added: (kind, global ID)."""
    _todo: list[tuple[str, str]] = field(default_factory=list)

    async def add(self, kind: str, global_id: str) -> None:
        """This object and all that belongs to it. Raises Conflict, Unavailable, NotFound."""
        self.roots.append((kind, global_id))
        self._todo.append((kind, global_id))
        while self._todo:
            kind, global_id = self._todo.pop()
            if global_id in self.members:
                continue
            if len(self.members) >= LARGEST:
                raise Conflict(f"More than {LARGEST} objects belong together with {global_id}.")
            anchor = await self._anchor(kind, global_id)
            item = await self._one(kind, global_id, anchor)
            self._take(kind, item, anchor)
            match kind:
                case "network":
                    await self._network(global_id, anchor)
                    await self._policy(item.get("qos_policy_id"))
                case "subnet":
                    self._todo.append(("network", str(item["network_id"])))
                case "router":
                    await self._router(global_id, anchor)
                case "security_group":
                    self._security_group(item, anchor)

    async def _network(self, global_id: str, anchor: str) -> None:
        for subnet in await self._list("subnet", f"network_id={global_id}", anchor):
            self._take("subnet", subnet, anchor)
        for port in await self._list("port", f"network_id={global_id}&{INTERFACES}", anchor):
            if port["device_id"]:  # else it is not plugged in yet
                self._todo.append(("router", str(port["device_id"])))

    async def _policy(self, global_id: str | None) -> None:
        """The policy of a network has to be where that is: it would have no limits there without."""
        if global_id is None:
            return
        places = await self.reader.locator.places("policy", [global_id], self.identity)
        if self.to - places.get(global_id, {}).keys() or not self.to:
            self._todo.append(("policy", global_id))

    async def _router(self, global_id: str, anchor: str) -> None:
        for port in await self._list("port", f"device_id={global_id}&{INTERFACES}", anchor):
            self._take("router_interface", port, anchor)
            self._todo.append(("network", str(port["network_id"])))

    def _security_group(self, item: Mapping[str, Any], anchor: str) -> None:
        for rule in item.get("security_group_rules") or ():
            # Rules that an admin added are his, and the group is not.
            self._take("security_group_rule", {**rule, "project_id": item["project_id"]}, anchor)
            if rule.get("remote_group_id"):
                self._todo.append(("security_group", str(rule["remote_group_id"])))
            if rule.get("remote_address_group_id"):
                self._todo.append(("address_group", str(rule["remote_address_group_id"])))

    def _take(self, name: str, item: Mapping[str, Any], anchor: str) -> None:
        if item.get("project_id") != self.identity.project_id:
            noun = kind_of(name).noun
            raise Conflict(
                f"{noun} {item.get('id')} is another project's: it can only be used at {anchor}, where it is."
            )
        self.members[str(item["id"])] = Member(kind_of(name), item, anchor)

    async def _anchor(self, kind: str, global_id: str) -> str:
        places = await self.reader.locator.places(kind, [global_id], self.identity)
        anchors = self.reader.locator.anchors(kind, [global_id])
        found = anchors.get(global_id) or next(iter(places.get(global_id, {})), "")
        if not found:
            raise Conflict(f"{kind_of(kind).noun} {global_id} could not be found.")
        return found

    async def _one(self, kind: str, global_id: str, anchor: str) -> Mapping[str, Any]:
        resource = kind_of(kind).resource
        body = await self._body(f"{resource.path}/{global_id}", anchor)
        return dict(body[resource.key])

    async def _list(self, kind: str, query: str, anchor: str) -> list[Mapping[str, Any]]:
        resource = self.reader.network.resource(kind)
        body = await self._body(f"{resource.path}?{query}&limit={LARGEST}", anchor)
        return list(body[resource.keys])

    async def _body(self, path: str, anchor: str) -> Mapping[str, Any]:
        return await self.reader.body(path, anchor, self.identity, self.request_id)
