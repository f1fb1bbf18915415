"""What has to be done at a site so that a router's packets find their way: values that can be printed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Local = Mapping[str, Any]
"""An object as the site has it."""
Route = tuple[str, str]
"""(destination, next hop)."""


@dataclass(slots=True)
class Part:
    """A transit network as it stands at a site, whole or not."""

    router: str
    """The global ID of the router whose packets it carries."""
    network: Local
    vlan: int | None
    subnets: dict[int, Local] = field(default_factory=dict)
    """By IP version."""
    port: Local | None = None

    @property
    def plugged(self) -> str:
        """The local ID of the router that it is plugged into; empty if it is not yet."""
        return str(self.port.get("device_id") or "") if self.port else ""

    @property
    def mtu(self) -> int | None:
        """In bytes."""
        mtu = self.network.get("mtu")
        return mtu if isinstance(mtu, int) and mtu > 0 else None


@dataclass(frozen=True, slots=True)
class Build:
    """A way is not there, or not as it is to be."""

    router: str
    local_id: str
    """The router's at the site."""
    part: Part | None
    """What there is of it."""
    vlan: int
    mtu: int
    """At most."""
    hops: Mapping[int, str]
    """IP version -> the address of the router on it at this site."""
    add: frozenset[Route] = frozenset()
    remove: frozenset[Route] = frozenset()


@dataclass(frozen=True, slots=True)
class Clear:
    """A transit network is to be gone, and the routes over it before."""

    router: str
    part: Part | None
    local_id: str
    """The router's at the site; empty if it has none there."""
    routes: frozenset[Route]
    why: str


@dataclass(frozen=True, slots=True)
class Work:
    """All of it, in the order in which it has to be done."""

    steps: tuple[Clear | Build, ...] = ()
    waiting: Mapping[str, str] = field(default_factory=dict)
    """Global ID of a router -> why nothing is done for it now."""

    @property
    def routers(self) -> frozenset[str]:
        """Those that something is to be done for."""
        return frozenset(each.router for each in self.steps)

    def told(self) -> Iterator[str]:
        """For people, a line for each router."""
        for step in self.steps:
            match step:
                case Clear(router, why=why):
                    yield f"clear transit of router {router}: {why}"
                case Build(router, part=part, vlan=vlan):
                    verb, ways = "build" if part is None else "change", _ways(step)
                    yield f"{verb} transit of router {router} [VLAN {vlan}{ways}]"
        for router, why in self.waiting.items():
            yield f"wait transit of router {router}: {why}"


def _ways(build: Build) -> str:
    added, removed = ([to for to, _ in sorted(each)] for each in (build.add, build.remove))
    parts = [
        f", {verb} {', '.join(each)}"
        for verb, each in (("routes to", added), ("no more routes to", removed))
        if each
    ]
    return "".join(parts)
