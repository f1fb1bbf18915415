"""``federator site remove``: what is kept of a site that has left, is dropped. The site itself is not asked."""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import click

from adapters.errors import SettingsError
from adapters.pauses import DOCUMENTS as PAUSES
from adapters.sites import load_sites
from federator.config import Settings, load
from federator.options import OneLineErrors, config_option
from federator.sites.inheritance import Inheritance, after_leaving
from federator.sites.shared import check, lines
from idmap.front import IdMap
from idmap.redis_desired import RedisDesiredStore
from idmap.redis_leaving import Leaving, Remains
from idmap.redis_ledgers import RedisLedgerStore
from idmap.redis_store import RedisIdStore
from idmap.sites import SiteKey
from idmap.store import BURIED, SHARED
from sync.leaver import Leaver
from sync.numbered import NumberedLedgers

_TRIES = 20
"""How often others may change pins in between."""


@click.command()
@config_option
@click.option("--yes", is_flag=True, help="Do it. Without it only what would be dropped is shown.")
@click.option("--keep-records", is_flag=True, help="Keep what is remembered of its objects.")
@click.option("--give-up", is_flag=True, help="Drop also what should span sites and is only there.")
@click.argument("name", metavar="SITE")
def remove(config: Path, name: str, yes: bool, keep_records: bool, give_up: bool) -> None:
    """Drop what is kept of a site that has left the federation.

    Take it out of `sites` in federator.yaml everywhere before, and restart gateways and daemons; leave its
    entry in clouds.yaml until this is done. Without --yes nothing is changed. Nothing is asked of the site, nor
    changed there. What spans sites goes on at the others.
    """

    async def run() -> None:
        settings = load(config)
        leaver = _Leaver(settings, name)
        try:
            shared = await check(leaver.shared, give_up=give_up)
            before = await leaver.shared.store.all()
            for line in [*lines(name, shared, before), *await leaver.plan(keep_records)]:
                click.echo(line)
            if yes:
                await leaver.leave(keep_records)
                click.echo(f"{name} has left.")
            else:
                click.echo(
                    f"Nothing has been done yet. To do it: federator site remove {name} --yes"
                )
        finally:
            await leaver.close()

    with OneLineErrors():
        asyncio.run(run())


@dataclass(init=False, slots=True)
class _Leaver:
    """One site that leaves. Raises SettingsError if it is still in use."""

    key: SiteKey
    ids: IdMap
    remains: Leaving
    shared: Leaver

    def __init__(self, settings: Settings, name: str) -> None:
        if name in settings.sites:
            raise SettingsError(
                f"{name} is still one of sites in federator.yaml; take it out there, restart all gateways, "
                "then remove it"
            )
        if name == settings.home:
            raise SettingsError(f"{name} is home, and no site")
        # Together with those that stay: a number that is another's must not be emptied.
        sites = load_sites(settings.clouds, (*settings.sites, name))
        self.key = sites[name].key
        keys = [site.key for site in sites.values()]
        self.ids = IdMap(RedisIdStore(settings.redis, keys, ()))
        self.remains = Leaving(settings.redis, self.key)
        ledgers = NumberedLedgers(RedisLedgerStore(settings.redis), keys)
        desired = RedisDesiredStore(settings.redis, keys)
        self.shared = Leaver(self.key, settings.sites, desired, self.ids, ledgers)

    async def plan(self, keep_records: bool) -> list[str]:
        """What would be done, in lines."""
        await self.ids.refresh()
        own = [pin for pin in self.ids.pins if pin.origin not in (SHARED, BURIED)]
        pins = after_leaving(own, self.key)
        return _lines(self.key, await self.remains.count(), pins, keep_records)

    async def leave(self, keep_records: bool) -> None:
        """Do it. What was done already is not missed when it is done again."""
        await self.shared.leave()
        await self._leave_pins()
        await self.ids.store.put_documents(PAUSES, "", {str(self.key.number): None})
        await self.remains.drop(records=not keep_records)

    async def close(self) -> None:
        """Let go of connections."""
        await self.remains.close()
        await self.shared.store.close()
        await self.shared.ledgers.close()
        await self.ids.store.close()

    async def _leave_pins(self) -> None:
        mark = f"leaves {uuid4().hex}"
        for _ in range(_TRIES):
            await self.ids.refresh()
            pins = after_leaving(self.ids.pins, self.key)
            news = [*pins.kept, *(replace(pin, origin=mark) for pin in pins.dropped)]
            if await self.ids.store.put_pins(news, seen=self.ids.state):
                await self.ids.store.put_pins([], replace_origin=mark)
                return
        raise ValueError("pins change all the time; are all gateways restarted without the site?")


def _lines(key: SiteKey, remains: Remains, pins: Inheritance, keep_records: bool) -> list[str]:
    kinds = Counter(pin.kind for pin in pins.dropped)
    heirs = [pin for pin in pins.kept if pin.kind not in ("project", "user")]
    people = [pin for pin in pins.kept if pin.kind in ("project", "user")]
    records = f"{remains.records} objects that are remembered"
    return [
        f"{key.name} (namespace {key.namespace}, number {key.number}). To be dropped:",
        f"  {remains.mappings} IDs of its objects, and that {remains.stamps} kinds of them are complete",
        f"  {records}" if not keep_records else f"  not, for they are to be kept: {records}",
        f"  {remains.documents} sets of documents: versions, URLs, limits and quotas of projects",
        f"  {sum(kinds.values())} IDs of things that are at this site alone"
        + (f" ({', '.join(f'{n} {kind}' for kind, n in sorted(kinds.items()))})" if kinds else ""),
        f"  its part in {len(people)} projects and users of home that are at other sites too",
        f"  its part in {len(heirs)} things that other sites have too; their IDs stay, also that which it had",
        "What the gateway has made at the site stays there, as all else does.",
    ]
