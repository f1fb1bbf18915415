"""The daemons of a federation, wired: settings in, a round for each site out."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.account import Account
from adapters.errors import SettingsError
from adapters.names import Site as SiteNames
from adapters.registry import all_services
from adapters.sites import Site, load_sites
from federator.config import Settings
from federator.upkeep.rebuild import expected_stamps
from idmap.front import IdMap
from idmap.redis_desired import RedisDesiredStore
from idmap.redis_ledgers import RedisLedgerStore
from idmap.redis_records import RedisRecordStore
from idmap.redis_store import RedisIdStore
from sync.addresses import Addresses, Neutron
from sync.cloud import Cloud
from sync.daemon import Daemon
from sync.driver import Ground
from sync.numbered import NumberedLedgers
from sync.placeholders.keep import Placeholders
from sync.registry import all_drivers, all_kinds
from sync.round import Round
from sync.segments import parse_pool
from sync.tongue import Tongue
from sync.transit.keep import Transit
from sync.transit.number import Numbers


@dataclass(frozen=True, slots=True)
class Crew:
    """What the daemons of some sites work with."""

    store: RedisDesiredStore
    ids: IdMap
    rounds: Sequence[Round]

    def daemon(self, round_: Round, audit_seconds: float) -> Daemon:
        """The daemon that does these rounds."""
        return Daemon(round_, self.store, audit_seconds)


@asynccontextmanager
async def crew(settings: Settings, names: Sequence[str]) -> AsyncIterator[Crew]:
    """The rounds of these sites; of all with no names.

    Raises SettingsError, StoreUnavailable, SiteUnreachable.
    """
    sites = load_sites(settings.clouds, settings.sites)
    for name in names:
        if name not in sites:
            raise SettingsError(f"there is no site {name}; there are {', '.join(sites)}")
    stamps = expected_stamps(all_services(), settings.sites)
    keys = [site.key for site in sites.values()]
    ids = IdMap(RedisIdStore(settings.redis, keys, stamps))
    store = RedisDesiredStore(settings.redis, keys)
    ledgers = NumberedLedgers(RedisLedgerStore(settings.redis), keys)
    records = RedisRecordStore(settings.redis, keys)
    accounts = {name: Account(sites[name]) for name in names or sites}
    pool = parse_pool(settings.segments) if settings.segments else range(0)
    await ids.start()
    try:
        rounds = []
        for name, account in accounts.items():
            cloud, tongue = Cloud(account), Tongue(_names(sites[name]))
            ground = await _ground(cloud, sites[name], settings.federation)
            rounds.append(
                Round(
                    cloud,
                    tongue,
                    ids,
                    store,
                    records,
                    all_kinds(),
                    ground,
                    pool,
                    Addresses(name, Neutron(account), ledgers),
                    Placeholders(
                        cloud,
                        tongue,
                        ids,
                        store,
                        account.project_id,
                        ledgers,
                        settings.federation,
                    ),
                    Transit(
                        cloud,
                        ids,
                        store,
                        ground,
                        {key.name: key.number for key in keys},
                        Numbers(name, ids, store, pool),
                        account.project_id,
                    ),
                    settings.sharing == "eager",
                    settings.drift == "report",
                )
            )
        yield Crew(store, ids, rounds)
    finally:
        await ids.stop()
        await ids.store.close()
        await store.close()
        await ledgers.close()
        await records.close()
        for account in accounts.values():
            account.close()


async def _ground(cloud: Cloud, site: Site, name: str) -> Ground:
    extensions = await cloud.call("GET", "/v2.0/extensions")
    aliases = frozenset(str(each.get("alias")) for each in extensions["extensions"])
    ovn = "agent" in aliases and await cloud.has(
        "/v2.0/agents", "agents", "agent_type=OVN%20Controller%20agent"
    )
    physical, by_hand = site.federation.physical_network, site.federation.stretched_by_hand
    return Ground(physical, ovn, aliases, by_hand, all_drivers(), name)


def _names(site: Site) -> SiteNames:
    key = site.key
    return SiteNames(key.name, key.namespace, key.number, site.federation.default_zone)
