"""A port moves: it is deleted at one site and made again at another, with its address and its MAC.

What stood for it there gives way. Both are the daemons' affair (`sync.placeholders`); a request wakes them,
and waits for at most the seconds that requests wait elsewhere. All that is asked here is asked with the
caller's own token: who may choose addresses on a network sees all its ports. Of what only stands for others
he is shown how many there are, and no more.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from time import monotonic
from typing import Any

from federator.asker import Question
from federator.call import SiteReply
from federator.faults import Conflict, NotFound, Unavailable
from federator.sharing.claims import Claims, Held
from federator.sharing.ports import filters, having, in_use, is_going
from federator.sharing.reader import Reader
from idmap.desired import DesiredStore
from sync.ipam.ledger import Ledger, Move
from sync.ipam.moves import declined, holder, wished
from sync.ipam.ranges import text
from sync.ipam.refused import Refused
from sync.ledgers import change, read

_LOOK_SECONDS = 0.4
_TAKEN = "IpAddressAlreadyAllocated"


@dataclass(slots=True)
class Patience:
    """Of one request."""

    end: float
    """On the clock of `time.monotonic`: then nothing is waited for any more."""
    unseen: int = 0
    """How often it was refused for something that is nowhere to be seen."""

    @property
    def over(self) -> bool:
        return monotonic() >= self.end


@dataclass(frozen=True, slots=True)
class Moving:
    """Waits for what is in the way of a port that has moved, and only for that."""

    claims: Claims
    reader: Reader
    servers: Reader
    """As `reader`, for the compute service."""
    desired: DesiredStore
    seconds: float

    def patience(self) -> Patience:
        """For a request that begins now."""
        return Patience(monotonic() + self.seconds)

    async def claimed(self, question: Question, site: str) -> list[Held]:
        """Claim the addresses that a request asks for; for Nova, which asks for ports when it has answered,
        wait until they are free at the site, too. Raises Fault."""
        call, patience = question.call, self.patience()
        network = await self._network(question, site)
        network = network if self._sites(network) else ""

        async def fetch(subnet: str, address: int) -> int:
            return await self._fetched(question, subnet, address, site, patience)

        held = await self.claims.make(call, question.where, site, network=network, fetch=fetch)
        if held and call.service.type == "compute":
            try:
                for net, words in filters(call.body):
                    while await self._stands(question, net, words, site):
                        await self._gives_way(question, net, words, site, _TAKEN, patience)
            except BaseException:
                await self.claims.give_back(held)
                raise
        return held

    async def soon_free(self, question: Question, reply: SiteReply, patience: Patience) -> bool:
        """Whether to ask the site once more, which says that an address or a MAC is in use: what has it there
        only stands for a port that is gone. Raises Conflict if that port is not."""
        kind = in_use(reply)
        if not kind or patience.over:
            return False
        network = await self._network(question, reply.site)
        asked = [each for each in filters(question.call.body, network) if self._sites(each[0])]
        standing = []
        for net, words in asked:
            if shown := await self._ports(question, net, words, reply.site):
                if shown.body["ports"]:
                    return False
                standing += [(net, words)] * bool(shown.hidden)
        patience.unseen += not standing
        if not asked or patience.unseen > 1:
            return False
        for net, words in standing:
            await self._gives_way(question, net, words, reply.site, kind, patience)
        return True

    async def _gives_way(
        self, question: Question, net: str, words: str, site: str, kind: str, patience: Patience
    ) -> None:
        """Wait a moment for what stands at a site for a port that is gone. Raises Conflict if none is."""
        sites = self._sites(net)
        await self._is_gone(question, net, words, sites - {site}, kind)
        if patience.over:
            raise Conflict(f"{_named(words)} is not free at {site} yet; try again.", title=kind)
        await self.desired.wake(sites)
        await asyncio.sleep(_LOOK_SECONDS)

    async def _fetched(
        self, question: Question, subnet: str, address: int, site: str, patience: Patience
    ) -> int:
        """The version of the claim of an address that comes from another site. Raises Conflict, Unavailable."""
        while True:
            ledger = await read(self.claims.ledgers, subnet)
            entry = (await self.desired.get([subnet])).get(subnet)
            there = holder(ledger, address, site) if ledger is not None else ""
            if ledger is None or entry is None or not there:
                raise Conflict(f"The address belongs to another site of {subnet}.", title=_TAKEN)
            net, spelt = str(entry.spec["network_id"]), text(address, ledger.ip_version)
            if not await self._may_choose(question, net, there):
                raise Conflict(f"The address belongs to another site of {subnet}.", title=_TAKEN)
            going = await self._is_gone(question, net, having(spelt), {there}, _TAKEN, strict=True)
            since = await self._answer(subnet, address, site, there, patience)
            if since:
                return since
            # It may have gone between the two looks; what nobody sees is not waited for.
            patience.unseen += not going
            if patience.over or patience.unseen > 1:
                message = f"IP address {spelt} already allocated in subnet {subnet}."
                raise Conflict(message, title=_TAKEN)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _answer(
        self, subnet: str, address: int, site: str, there: str, patience: Patience
    ) -> int:
        """What the daemon of the site that has an address says: the version of our claim, or 0 for no."""
        if not await self.desired.led(there):
            raise Unavailable(f"Whether the address is free at {there} nobody can tell just now.")
        try:
            ledger = await change(
                self.claims.ledgers, subnet, lambda now: wished(now, address, site)
            )
        except Refused:
            return 0
        asked = [
            e for e in (ledger.moves if ledger else ()) if (e.address, e.site) == (address, site)
        ]
        try:
            await self.desired.wake([there])
            while asked and not patience.over:
                await asyncio.sleep(_LOOK_SECONDS)
                ledger = await read(self.claims.ledgers, subnet)
                if ledger is None or asked[0] not in ledger.moves:
                    return _claim(ledger, address, site)
        finally:
            for move in asked:
                ledger = await self._withdrawn(subnet, move)
        if since := _claim(ledger, address, site):
            return since
        raise Unavailable(f"Whether the address is free at {there} is not known yet; try again.")

    async def _withdrawn(self, subnet: str, move: Move) -> Ledger | None:
        return await change(self.claims.ledgers, subnet, lambda now: declined(now, move))

    async def _is_gone(
        self,
        question: Question,
        net: str,
        words: str,
        sites: Collection[str],
        kind: str,
        *,
        strict: bool = False,
    ) -> bool:
        """Whether the port that has an address or MAC is on its way out; False: it is gone already.

        Raises Conflict if it is neither, and if `strict` Unavailable where nobody can know.
        """
        going = False
        for site in sorted(sites):
            shown = await self._ports(question, net, words, site)
            if shown is None:
                if strict:
                    raise Unavailable(f"Whether {_named(words)} is free at {site} cannot be known.")
                continue
            for port in shown.body["ports"]:
                if not await self._goes(question, port, site):
                    message = f"{_named(words)} is in use on network {net}: port {port['id']} at {site} has it."
                    raise Conflict(message, title=kind)
                going = True
        return going

    async def _goes(self, question: Question, port: Any, site: str) -> bool:
        """Whether the server of a port is being deleted."""
        if not str(port.get("device_owner")).startswith("compute:"):
            return False
        try:
            path, identity = f"/servers/{port['device_id']}", question.identity
            reply = await self.servers.reply(path, site, identity, question.request_id)
        except NotFound:
            return False
        if reply.missing:
            return False
        return reply.status == 404 or (reply.ok and is_going(reply.body["server"]))

    async def _may_choose(self, question: Question, net: str, site: str) -> bool:
        """Whether Neutron would let the caller choose an address: on a network of his own, or as an admin.

        Else anybody could have addresses of others' networks moved, before Neutron refuses him the port.
        """
        identity = question.identity
        path = f"/networks/{net}"
        reply = await self.reader.reply(path, site, identity, question.request_id)
        if not reply.ok or not isinstance(reply.body, dict):
            return False
        return identity.is_admin or reply.body["network"].get("project_id") == identity.project_id

    async def _stands(self, question: Question, net: str, words: str, site: str) -> bool:
        """Whether something at a site stands there for a port of another, and nothing else is in the way."""
        if not self._sites(net):
            return False
        shown = await self._ports(question, net, words, site)
        return shown is not None and bool(shown.hidden) and not shown.body["ports"]

    async def _ports(self, question: Question, net: str, words: str, site: str) -> SiteReply | None:
        """The ports of a network at a site that fit; None if nobody can know."""
        path = f"/ports?network_id={net}&{words}"
        reply = await self.reader.reply(path, site, question.identity, question.request_id)
        is_list = isinstance(reply.body, dict) and isinstance(reply.body.get("ports"), list)
        return reply if reply.ok and is_list else None

    async def _network(self, question: Question, site: str) -> str:
        """The network of a port that is changed; empty if the request makes new ones."""
        call = question.call
        if call.method != "PUT" or not call.object_id or not filters(call.body):
            return ""
        path, identity = f"/ports/{call.object_id}", question.identity
        reply = await self.reader.reply(path, site, identity, question.request_id)
        if not reply.ok or not isinstance(reply.body, dict):
            return ""
        return str(reply.body["port"]["network_id"])

    def _sites(self, net: str) -> set[str]:
        """Where a network that spans sites is; nowhere if it does not."""
        pin = self.reader.locator.shared("network", net)
        return set(pin.places) if pin is not None and len(pin.places) > 1 else set()


def _claim(ledger: Ledger | None, address: int, site: str) -> int:
    claims = ledger.claims if ledger is not None else ()
    return next((e.since for e in claims if (e.address, e.site) == (address, site)), 0)


def _named(words: str) -> str:
    """What a filter is about, for people."""
    name, _, value = words.rpartition("=" if words.startswith("mac") else "%3D")
    return f"The mac address {value}" if name == "mac_address" else f"IP address {value}"
