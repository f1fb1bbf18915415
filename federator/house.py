"""What one process of the gateway consists of. The only place that wires: settings in, every room built."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.abilities import Abilities
from adapters.access_tokens import AccessTokens
from adapters.account import Account
from adapters.breakers import Breakers
from adapters.client import SiteClient
from adapters.endings import Endings
from adapters.extensions import Extensions
from adapters.guard import Guarded
from adapters.home import HomeClient
from adapters.knocking import fetcher, knocker
from adapters.names import Site as SiteNames
from adapters.pauses import CHANNEL, Pauses
from adapters.probe import Probe
from adapters.registry import all_quirks, all_services, id_rules
from adapters.seal import Seal
from adapters.session import SiteSessions
from adapters.sites import Site, load_home, load_sites
from adapters.spec import Service
from adapters.strategies import make_strategy
from adapters.strategy import Strategy, Surroundings, turns_at_home
from federator import metrics
from federator.api.api import FederationApi
from federator.api.policy import Policy
from federator.api.replicas import Replicas
from federator.asker import Asker
from federator.audit.audit import Audit
from federator.audit.lines import AuditLines
from federator.config import Settings, secret_of
from federator.fanout import Fanout
from federator.gateway import Gateway
from federator.idempotency import Idempotency
from federator.identity.api import IdentityApi
from federator.identity.catalog import Catalog
from federator.intake import Intake
from federator.keypairs import Keypairs
from federator.lastknown.stand_in import StandIn
from federator.lifter import Lifter
from federator.lists.leaf import Lists
from federator.locate import Locator
from federator.notice import Notice
from federator.owners import Owners
from federator.quotas import Quotas
from federator.sharing.anchor import Anchor
from federator.sharing.apart import Apart
from federator.sharing.claims import Claims
from federator.sharing.defaults import Defaults
from federator.sharing.fitness import Fitness
from federator.sharing.moving import Moving
from federator.sharing.plugging import Plugging
from federator.sharing.reader import Reader
from federator.sharing.sharing import Sharing
from federator.sharing.wanted import Wanted
from federator.stated import StatedNames, kinds_with_names
from federator.upkeep.acquaintance import Acquaintance
from federator.upkeep.lookout import Lookout
from federator.upkeep.numbers import Numbers
from federator.upkeep.readings import Readings
from federator.upkeep.rebuild import Rebuild, expected_stamps
from federator.upkeep.restoring import Place, Restoring
from federator.upkeep.survey import Survey
from federator.versions.api import VersionApi
from federator.waysout import WaysOut
from idmap.desired import DesiredStore
from idmap.front import IdMap
from idmap.ledgers import LedgerStore
from idmap.news import RedisNews
from idmap.notes import RedisNotes
from idmap.records import RecordStore
from idmap.redis_desired import RedisDesiredStore
from idmap.redis_ledgers import RedisLedgerStore
from idmap.redis_records import RedisRecordStore
from idmap.redis_store import RedisIdStore
from sync.numbered import NumberedLedgers

LOGIN_SECONDS = 20.0
"""How long one login at a site may take."""


@dataclass(frozen=True, slots=True)
class House:
    """All that one process of the gateway consists of."""

    settings: Settings
    services: Mapping[str, Service]
    client: SiteClient
    pauses: Pauses
    breakers: Breakers
    home: HomeClient
    accounts: Mapping[str, Account]
    home_account: Account
    notes: RedisNotes
    news: RedisNews
    endings: Endings
    sessions: SiteSessions
    ids: IdMap
    acquaintance: Acquaintance
    records: RecordStore
    desired: DesiredStore
    ledgers: LedgerStore
    notice: Notice
    readings: Readings
    numbers: Numbers
    rebuild: Rebuild
    identity_api: IdentityApi
    versions: VersionApi
    federation_api: FederationApi
    audit: Audit
    gateway: Gateway
    map_wanted: asyncio.Event


def build(settings: Settings) -> House:
    """Everything, connected but not started. Raises SettingsError."""
    services = all_services()
    rules = id_rules()
    sites: Mapping[str, Site] = load_sites(settings.clouds, settings.sites)
    home = load_home(settings.clouds, settings.home)
    names = {name: _names(site) for name, site in sites.items()}
    keys = [site.key for site in sites.values()]
    ids = IdMap(RedisIdStore(settings.redis, keys, expected_stamps(services, settings.sites)))
    pauses = Pauses(ids.store, RedisNews(settings.redis, channel=CHANNEL), keys, metrics.paused)
    accounts = {name: Account(site, before=pauses.check) for name, site in sites.items()}
    home_account = Account(home)
    client = SiteClient(settings.write_timeout_seconds)
    notes = RedisNotes(settings.redis)
    secret = secret_of(settings)
    access_tokens = AccessTokens(notes, secret)
    home_turns = turns_at_home(LOGIN_SECONDS)
    endpoints: dict[str, dict[str, str]] = {name: {} for name in sites}
    breakers = Breakers(knocker(client, sites, endpoints), metrics.away, pauses.paused)
    strategies: dict[str, Strategy] = {
        name: Guarded(
            name,
            make_strategy(
                Surroundings(
                    home, site, accounts[name], LOGIN_SECONDS, home_turns, access_tokens, secret
                )
            ),
            breakers,
        )
        for name, site in sites.items()
    }
    sessions = SiteSessions(
        sites,
        strategies,
        login_seconds=LOGIN_SECONDS,
        on_login=metrics.site_login,
        on_look=metrics.site_token_looked_for,
    )
    home_client = HomeClient(
        home,
        client,
        revalidate_seconds=settings.revalidate_seconds,
        on_ended=sessions.ended,
        on_look=metrics.home_token_looked_for,
    )
    news = RedisNews(settings.redis)
    endings = Endings(home_client, news)
    owners = Owners(ids)
    records = RedisRecordStore(settings.redis, keys)
    desired = RedisDesiredStore(settings.redis, keys)
    ledgers = NumberedLedgers(RedisLedgerStore(settings.redis), keys)
    ways_out = WaysOut(desired, ids)
    notice = Notice(records, ids.store)
    default_site = settings.default_site or settings.sites[0]
    base = settings.public_base
    probe = Probe(fetcher(client, sites), endpoints, services.values())
    extensions = Extensions(services)
    abilities = Abilities(probe, extensions, settings.sites, all_quirks())
    asker = Asker(
        sites=sites,
        names=names,
        accounts=accounts,
        endpoints=endpoints,
        services=tuple(services.values()),
        sessions=sessions,
        lifter=Lifter(abilities, services),
        client=client,
        breakers=breakers,
        read_seconds=settings.read_timeout_seconds,
        write_seconds=settings.write_timeout_seconds,
        ids=ids,
        notice=notice,
        owners=owners,
        rules=rules,
        public_base=base,
        ways_out=ways_out,
    )
    admins = frozenset(name for name, site in sites.items() if site.federation.admin)
    fanout = Fanout(asker, StandIn(records, ids, names, rules, admins, base))
    locator = Locator(ids, tuple(names.values()), rules)
    reader = Reader(services["network"], fanout, locator)
    servers = Reader(services["compute"], fanout, locator)
    claims = Claims(desired, ledgers)
    surveys = {name: Survey(names[name], accounts[name], rules, breakers) for name in sites}
    versions = VersionApi(probe, services.values(), base, all_quirks())

    def failures(site: str) -> dict[str, str]:
        away = {line: breaker.reason for line, breaker in breakers.away().items()}
        known = {service: reason for (name, service), reason in away.items() if name == site}
        return probe.failures(site) | known

    policy = Policy(settings.policy_file)
    rebuild = Rebuild(
        services,
        surveys,
        strategies,
        home_account,
        ids,
        Lookout(services, surveys, ids),
        Restoring(
            {
                name: Place(names[name], accounts[name], site.federation.physical_network)
                for name, site in sites.items()
            },
            desired,
            ids,
            ledgers,
            breakers,
            settings.federation,
        ),
    )
    return House(
        settings=settings,
        services=services,
        client=client,
        pauses=pauses,
        breakers=breakers,
        home=home_client,
        accounts=accounts,
        home_account=home_account,
        notes=notes,
        news=news,
        endings=endings,
        sessions=sessions,
        ids=ids,
        acquaintance=Acquaintance(endpoints, accounts, probe, extensions, ids.store, pauses.paused),
        records=records,
        desired=desired,
        ledgers=ledgers,
        notice=notice,
        readings=Readings(services, surveys, records, breakers, settings.readings_seconds),
        numbers=Numbers(
            services,
            names,
            accounts,
            rules,
            ids,
            records,
            breakers,
            notice,
            settings.readings_seconds,
        ),
        rebuild=rebuild,
        identity_api=IdentityApi(
            client,
            home,
            Catalog(base, settings.region, services.values()),
            base,
            endings.happened,
            settings.max_body_bytes,
            access_tokens,
        ),
        versions=versions,
        federation_api=FederationApi(
            sites=sites,
            pauses=pauses,
            default_site=default_site,
            endpoints=endpoints,
            abilities=abilities,
            failures=failures,
            away_since=breakers.away_since,
            sessions=sessions,
            ids=ids,
            policy=policy,
            replicas=Replicas(desired, ids, policy, settings.sites),
            public_base=base,
        ),
        audit=Audit(services.values(), base, AuditLines(settings.audit_file)),
        gateway=Gateway(
            fanout=fanout,
            stated=StatedNames(fanout, kinds_with_names(services.values()), settings.sites),
            locator=locator,
            lists=Lists(fanout, locator, notes),
            quotas=Quotas(fanout, notes),
            idempotency=Idempotency(notes, Seal(secret, "answers") if secret is not None else None),
            keypairs=Keypairs(
                services["compute"], fanout, owners, accounts, settings.sites, default_site
            ),
            intake=Intake(versions, settings.max_body_bytes),
            lookout=rebuild.lookout,
            sharing=Sharing(
                Anchor(
                    Wanted(desired, ids),
                    reader,
                    Plugging(reader, desired),
                    Fitness(
                        Wanted(desired, ids),
                        reader,
                        Apart(
                            desired,
                            {name: site.federation.max_routes for name, site in sites.items()},
                            {name: site.key.number for name, site in sites.items()},
                        ),
                        settings.sharing_seconds,
                    ),
                    settings.sharing_seconds,
                ),
                claims,
                Moving(claims, reader, servers, desired, settings.sharing_seconds),
                ways_out,
                settings.sites,
                default_site,
                settings.sharing_seconds,
                Defaults(Wanted(desired, ids), reader),
                settings.sharing == "eager",
            ),
            abilities=abilities,
            sites=settings.sites,
            default_site=default_site,
            strict_projects=settings.strict_projects,
            strict_credentials=settings.strict_credentials,
        ),
        map_wanted=asyncio.Event(),
    )


def _names(site: Site) -> SiteNames:
    key = site.key
    return SiteNames(key.name, key.namespace, key.number, site.federation.default_zone)
