"""Assembles the gateway: settings in, a running aiohttp application out. The only place that wires."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict

from adapters.access_tokens import AccessTokens
from adapters.account import Account
from adapters.breakers import IDENTITY, Breakers, Knock
from adapters.client import SiteClient, whole
from adapters.endings import Endings
from adapters.endpoints import service_root
from adapters.errors import FederationError, SiteUnreachable
from adapters.guard import Guarded
from adapters.home import HomeClient
from adapters.identity import Identity
from adapters.names import Site as SiteNames
from adapters.probe import Fetch, Probe
from adapters.registry import all_services, id_rules
from adapters.session import SiteSessions
from adapters.sites import Site, load_home, load_sites
from adapters.spec import Service
from adapters.strategies import make_strategy
from adapters.strategy import Strategy, Surroundings, turns_at_home
from federator import metrics
from federator.api.api import FederationApi
from federator.api.policy import Policy
from federator.asker import Asker
from federator.audit.audit import AUDIT, Audit, audit
from federator.audit.lines import AuditLines
from federator.audit.noted import IDENTITY as WHO
from federator.config import Settings, secret_of
from federator.fanout import Fanout
from federator.faults import Fault, MethodNotAllowed, NotFound, Unauthorized, Unavailable, fault_of
from federator.gateway import Gateway
from federator.idempotency import Idempotency
from federator.identity.api import IdentityApi
from federator.identity.catalog import Catalog
from federator.keypairs import Keypairs
from federator.lastknown.stand_in import StandIn
from federator.lists.leaf import Lists
from federator.locate import Locator
from federator.monitor import healthcheck, metrics_page
from federator.notice import Notice
from federator.owners import Owners
from federator.requestlog import IDENTITY_FOR_LOG, KNOWN_SERVICES, REQUEST_ID, requestlog
from federator.route import plain_path, service_of
from federator.upkeep.acquaintance import Acquaintance, keep_acquainted
from federator.upkeep.lookout import Lookout
from federator.upkeep.numbers import Numbers, keep_numbers
from federator.upkeep.readings import Readings, keep_reading
from federator.upkeep.rebuild import Rebuild, expected_stamps, keep_map
from federator.upkeep.survey import Survey
from federator.versions.api import VersionApi
from idmap.front import IdMap
from idmap.news import RedisNews
from idmap.notes import RedisNotes
from idmap.records import RecordStore
from idmap.redis_records import RedisRecordStore
from idmap.redis_store import RedisIdStore
from idmap.store import StoreUnavailable

log = structlog.get_logger(__name__)

LOGIN_SECONDS = 20.0
"""How long one login at a site may take."""
LONGEST_HEADER = 256 * 1024
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
"""No other goes anywhere: TRACE, for one, would bring a site's token back to the client."""


@dataclass(frozen=True, slots=True)
class House:
    """All that one process of the gateway consists of."""

    settings: Settings
    services: Mapping[str, Service]
    client: SiteClient
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
    accounts = {name: Account(site) for name, site in sites.items()}
    home_account = Account(home)
    client = SiteClient(settings.write_timeout_seconds)
    notes = RedisNotes(settings.redis)
    secret = secret_of(settings)
    access_tokens = AccessTokens(notes, secret)
    home_turns = turns_at_home(LOGIN_SECONDS)
    endpoints: dict[str, dict[str, str]] = {name: {} for name in sites}
    breakers = Breakers(_knocker(client, sites, endpoints), metrics.away)
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
        sites, strategies, login_seconds=LOGIN_SECONDS, on_login=metrics.site_login
    )
    home_client = HomeClient(
        home,
        client,
        revalidate_seconds=settings.revalidate_seconds,
        on_ended=sessions.ended,
    )
    news = RedisNews(settings.redis)
    endings = Endings(home_client, news)
    ids = IdMap(RedisIdStore(settings.redis, keys, expected_stamps(services, settings.sites)))
    owners = Owners(ids)
    records = RedisRecordStore(settings.redis, keys)
    notice = Notice(records, ids.store)
    default_site = settings.default_site or settings.sites[0]
    base = settings.public_base
    asker = Asker(
        sites=sites,
        names=names,
        endpoints=endpoints,
        services=tuple(services.values()),
        sessions=sessions,
        client=client,
        breakers=breakers,
        read_seconds=settings.read_timeout_seconds,
        write_seconds=settings.write_timeout_seconds,
        ids=ids,
        notice=notice,
        owners=owners,
        rules=rules,
        public_base=base,
    )
    admins = frozenset(name for name, site in sites.items() if site.federation.admin)
    fanout = Fanout(asker, StandIn(records, ids, names, rules, admins, base))
    locator = Locator(ids, tuple(names.values()), rules)
    surveys = {name: Survey(names[name], accounts[name], rules) for name in sites}
    probe = Probe(_fetcher(client, sites), endpoints, services.values())
    versions = VersionApi(probe, services.values(), base)

    def failures(site: str) -> dict[str, str]:
        away = {line: breaker.reason for line, breaker in breakers.away().items()}
        known = {service: reason for (name, service), reason in away.items() if name == site}
        return probe.failures(site) | known

    rebuild = Rebuild(
        services,
        surveys,
        strategies,
        home_account,
        ids,
        Lookout(services, surveys, ids),
    )
    return House(
        settings=settings,
        services=services,
        client=client,
        breakers=breakers,
        home=home_client,
        accounts=accounts,
        home_account=home_account,
        notes=notes,
        news=news,
        endings=endings,
        sessions=sessions,
        ids=ids,
        acquaintance=Acquaintance(endpoints, accounts, probe, ids.store),
        records=records,
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
            default_site=default_site,
            endpoints=endpoints,
            probe=probe,
            failures=failures,
            sessions=sessions,
            ids=ids,
            policy=Policy(settings.policy_file),
            public_base=base,
        ),
        audit=Audit(services.values(), base, AuditLines(settings.audit_file)),
        gateway=Gateway(
            fanout=fanout,
            locator=locator,
            lists=Lists(fanout, locator, notes),
            idempotency=Idempotency(notes),
            keypairs=Keypairs(
                services["compute"], fanout, owners, accounts, settings.sites, default_site
            ),
            versions=versions,
            rebuild=rebuild,
            sites=settings.sites,
            default_site=default_site,
            max_body_bytes=settings.max_body_bytes,
            strict_projects=settings.strict_projects,
        ),
        map_wanted=asyncio.Event(),
    )


HOUSE = web.AppKey("house", House)


def application(house: House) -> web.Application:
    """The aiohttp application, from the outermost middleware inwards."""
    app = web.Application(
        middlewares=[
            requestlog,  # first: it must see how everything ends
            audit,  # the same, for those who want to know who did what
            faults,  # turns what goes wrong further in into answers, for those above to tell
        ],
        client_max_size=0,
    )
    app[HOUSE] = house
    prefixes = {service.prefix[1:] for service in house.services.values()}
    app[KNOWN_SERVICES] = frozenset({"identity", "federation", *prefixes})
    app[AUDIT] = house.audit
    app.cleanup_ctx.append(_running)
    # One handler and a router of our own: aiohttp's would decode paths, and sort by prefix.
    app.router.add_route("*", "/{path:.*}", answer)
    return app


async def answer(request: web.Request) -> web.StreamResponse:
    """The answer to any request: which room it belongs to."""
    house = request.app[HOUSE]
    if request.method not in _METHODS:
        raise MethodNotAllowed("The method is not allowed for this resource.")
    path = request.rel_url.raw_path
    if path == "/healthcheck":
        return await healthcheck(house.ids)
    if path == "/metrics" and not house.settings.monitor:
        return metrics_page()
    if path == "/identity" or path.startswith("/identity/"):
        await _note_caller(house, request)
        return await house.identity_api.answer(request)
    if path == "/federation" or path.startswith("/federation/"):
        document = house.federation_api.version_document(request)
        return document or await house.federation_api.answer(
            request, await _identified(house, request)
        )
    versions = house.versions.answer(request)
    if versions is not None:
        return versions
    plain = plain_path(path)
    found = service_of(house.services.values(), plain) if plain is not None else None
    if found is None:
        raise NotFound("The resource could not be found.")
    service, rest = found
    identity = await _identified(house, request)
    query = request.rel_url.raw_query_string
    target = f"{rest}?{query}" if query else rest
    try:
        return await house.gateway.answer(request, service, target, identity, request[REQUEST_ID])
    finally:
        if not house.ids.complete:
            house.map_wanted.set()


async def _identified(house: House, request: web.Request) -> Identity:
    """Whose token came with the request. Raises Unauthorized, and whatever home says of the token."""
    token = request.headers.get("X-Auth-Token", "")
    if not token:
        raise Unauthorized()
    identity = await house.home.validate(token)
    request[WHO] = identity
    request[IDENTITY_FOR_LOG] = f"{identity.user_id} {identity.project_id or '-'}"
    return identity


async def _note_caller(house: House, request: web.Request) -> None:
    """Whose token came with a request that home itself will decide, for the audit.

    Home is asked for it only before something changes: afterwards the token may be none any more.
    """
    token = request.headers.get("X-Auth-Token", "")
    if not token:
        return
    identity = house.home.known(token)
    if identity is None and request.method not in ("GET", "HEAD"):
        with suppress(FederationError):
            identity = await house.home.validate(token)
    if identity is not None:
        request[WHO] = identity


@web.middleware
async def faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What goes wrong, in the shape of the service that was asked."""
    try:
        return await handler(request)
    except Fault as error:
        fault = error
    except FederationError as error:
        fault = fault_of(error)
    except StoreUnavailable:
        fault = Unavailable("The ID map is not available just now.")
    except (web.HTTPException, asyncio.CancelledError, ConnectionError):
        # The last one is the client's connection: those to sites, home and Redis have errors of their own.
        raise
    except Exception:
        log.exception("unexpected", request_id=request[REQUEST_ID])
        fault = Fault("The gateway met an error it did not expect.")
    house = request.app[HOUSE]
    path = request.rel_url.raw_path
    found = service_of(house.services.values(), path)
    return fault.response(
        found[0].faults if found else "keystone",
        request_id=request[REQUEST_ID],
        login_url=f"{house.settings.public_base}/identity",
        accept=request.headers.get("Accept", ""),
    )


async def _running(app: web.Application) -> AsyncIterator[None]:
    house = app[HOUSE]
    house.audit.lines.open()
    await house.client.open()
    await house.ids.start()
    tasks = [
        asyncio.create_task(house.endings.listen()),
        asyncio.create_task(house.breakers.run()),
        asyncio.create_task(keep_acquainted(house.acquaintance)),
        asyncio.create_task(house.notice.run()),
        asyncio.create_task(keep_reading(house.readings)),
        asyncio.create_task(keep_numbers(house.numbers)),
        asyncio.create_task(
            keep_map(house.rebuild, house.settings.namesakes_seconds, house.map_wanted)
        ),
    ]
    yield
    # Until they have ended: a cancellation can get lost inside redis-py.
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=0.1)
    await house.ids.stop()
    await house.ids.store.close()
    await house.records.close()
    await house.notes.close()
    await house.news.close()
    house.sessions.close()
    for account in (*house.accounts.values(), house.home_account):
        account.close()
    await house.client.close()
    house.audit.lines.close()


def _names(site: Site) -> SiteNames:
    key = site.key
    return SiteNames(key.name, key.namespace, key.number, site.federation.default_zone)


def _knocker(
    client: SiteClient, sites: Mapping[str, Site], endpoints: Mapping[str, Mapping[str, str]]
) -> Knock:
    fetch = _fetcher(client, sites)

    async def knock(site: str, service: str) -> bool:
        known = {**endpoints[site], IDENTITY: sites[site].auth_url}
        if service not in known:
            raise SiteUnreachable(site, f"its catalogue has no {service} service")
        status, _ = await fetch(site, f"{service_root(known[service])}/")
        # A proxy whose service is away.
        return status not in (502, 503, 504)

    return knock


def _fetcher(client: SiteClient, sites: Mapping[str, Site]) -> Fetch:
    async def fetch(site: str, url: str) -> tuple[int, bytes]:
        headers = CIMultiDict({"Accept": "application/json"})
        verify = sites[site].verify
        async with client.request(site, "GET", url, headers, verify=verify) as response:
            return response.status, await whole(site, response)

    return fetch
