"""The ID map in Redis (6.2 or newer, alone or under Sentinel, no cluster). Redis is known only here.

Keys, all below one prefix:
    state            hash     epoch, run_id of the server, versions of stamps and pins (lua/state.lua)
    stamps           set      "<namespace of the site>:<its number>:<kind>"
    b:<2 bytes>      hash     the buckets: global UUID -> place (lua/locate.lua, buckets.py)
    pins             hash     "<kind or empty>\\0<ID>" -> "<origin>\\0<pin as JSON>"; and the channel
    rebuild          string   the lock of whoever rebuilds the map
    doc:<kind>:<owner>  hash  documents by name
    sitedoc:<site>:<kind>:<owner>  hash  the same, of those about one site

A bucket is so small that Redis keeps it as one compact string. One million mappings took 45 bytes
each on Redis 7.0 (15 mappings a bucket; 32 bytes are payload) and 44 on 6.2. Beyond 512 mappings a
bucket, that is 33 million in all, they begin to take several times that. A local ID that is no UUID
and longer than 62 bytes makes its own bucket large, no other.

Sites stand here as their numbers, which no new order or name of sites changes. What a number means
is proved on the way out: a place counts only if the global ID computed from it is one of those that
were looked up.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib.resources import files
from time import monotonic
from typing import Any, cast
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import LockError, RedisError, ResponseError

from idmap.buckets import address, pack, unpack
from idmap.ids import global_uuid, is_uuid
from idmap.lease import renewed
from idmap.pins import dump_pin, identity, load_pin
from idmap.sites import SiteKey, check_sites, named, numbered
from idmap.store import Lease, Location, Lookup, Pin, StoreState, StoreUnavailable

log = logging.getLogger(__name__)

CHUNK = 1000
"""IDs in one call of a script: some milliseconds in which Redis serves nobody else."""

BUCKET_ENTRIES = 512
"""Up to so many mappings Redis has to keep a bucket compact."""

LISTEN = 5.0
"""Seconds after which an idle listener looks whether its connection is due for a ping."""

CONNECTION: dict[str, Any] = {
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
    "health_check_interval": 15,
    # Redis serves one call after the other: more connections only lengthen its queue.
    "max_connections": 16,
    # Once more, for a connection that broke while nobody looked. What we send may be sent twice.
    "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
}


class RedisIdStore:
    """See `idmap.store.IdStore`. `stamps` are the (site, kind) that make the map complete.

    `redis` is a client that does not decode, or a URL: ``redis://``, ``rediss://``, ``unix://`` or
    ``redis+sentinel://[user:password@]host:port,host:port/service[/database]``.
    """

    def __init__(
        self,
        redis: str | Redis,
        sites: Iterable[SiteKey],
        stamps: Iterable[tuple[str, str]],
        *,
        prefix: str = "federator:",
    ) -> None:
        self._sites = {site.name: site for site in check_sites(sites)}
        self._numbers = {site.number: site for site in self._sites.values()}
        self._expected = {self._stamp(*stamp): stamp for stamp in stamps}
        self._redis = connect(redis) if isinstance(redis, str) else redis
        self._prefix = prefix
        self._scripts = {
            name: self._script(name) for name in ("locate", "register", "stamp", "pins")
        }
        disclaim = (files("idmap") / "lua" / "disclaim.lua").read_text()
        self._disclaim: Any = self._redis.register_script(disclaim)
        self._stamps_seen = "", frozenset(self._expected.values())
        self._tuned = ""

    async def locate(self, global_ids: Collection[str]) -> Lookup:
        asked = {given: self._candidates(given) for given in global_ids if is_uuid(given)}
        found: dict[str, Location] = {}
        states = []
        for chunk in _chunks(asked):
            addresses = [b"".join(asked[given]) for given in chunk]
            state, values = await self._run("locate", ["b:"], addresses)
            states.append(state)
            for given, value in zip(chunk, values, strict=True):
                if value and (location := self._prove(unpack(value), asked[given])):
                    found[given] = location
        complete = all(state.complete and state.epoch == states[0].epoch for state in states)
        return Lookup(found, complete, state=states[-1])

    def _candidates(self, given: str) -> list[bytes]:
        """Where an ID may be found: by itself, or as the local ID of an object of each site."""
        computed = (global_uuid(site.namespace, given) for site in self._sites.values())
        return [address(given), *map(address, computed)]

    def _prove(self, place: tuple[int, str], candidates: Collection[bytes]) -> Location | None:
        number, local_id = place
        site = self._numbers.get(number)
        if site and address(global_uuid(site.namespace, local_id)) in candidates:
            return Location(site.name, local_id)
        return None

    async def register(self, site: str, local_ids: Iterable[str]) -> StoreState:
        key = self._sites[site]
        local_ids = list(local_ids)
        for _ in range(3):
            states = []
            for chunk in _chunks(local_ids):
                words: list[bytes] = []
                for local_id in chunk:
                    words += (
                        address(global_uuid(key.namespace, local_id)),
                        pack(key.number, local_id),
                    )
                state, _answer = await self._run("register", ["b:"], words)
                states.append(state)
            # If the epoch ended on the way, so may have what the first chunks wrote.
            if states[0].epoch == states[-1].epoch:
                return states[-1]
        raise StoreUnavailable("Redis loses its memory again and again")

    async def state(self) -> StoreState:
        state, _ = await self._run("locate", ["b:"])
        return state

    async def pins(self) -> Collection[Pin]:
        table = await self._hash("pins")
        kept = (load_pin(value.partition(b"\0")[2]) for _, value in sorted(table.items()))
        return [named(pin, self._sites.values()) for pin in kept]

    async def put_pins(
        self,
        pins: Iterable[Pin],
        *,
        replace_origin: str | None = None,
        seen: StoreState | None = None,
    ) -> bool:
        words = [
            "" if replace_origin is None else "=" + replace_origin,
            "" if seen is None else f"{seen.epoch}:{seen.pins}",
        ]
        for pin in pins:
            stands = bool(pin.places or pin.aliases)
            kept = dump_pin(numbered(pin, self._sites.values()))
            words += "\0".join(identity(pin)), f"{pin.origin}\0{kept}" if stands else ""
        _, written = await self._run("pins", ["pins", "pins"], words)
        return bool(written)

    async def changes(self) -> AsyncGenerator[None]:
        with unavailable():
            async with self._redis.pubsub() as pubsub:
                await pubsub.subscribe(self._prefix + "pins")
                while True:
                    # The first message, and the first after a lost connection, says that we listen.
                    if await pubsub.get_message(timeout=LISTEN):
                        yield

    async def mark_complete(
        self, stamps: Iterable[tuple[str, str]], *, epoch: str | None = None
    ) -> bool:
        members = [self._stamp(*stamp) for stamp in stamps]
        _, marked = await self._run("stamp", [], [epoch or "", *members])
        return bool(marked)

    async def missing_stamps(self) -> set[tuple[str, str]]:
        await self.state()
        return set(self._stamps_seen[1])

    @asynccontextmanager
    async def rebuild_lock(self, ttl: float = 30) -> AsyncIterator[Lease | None]:
        lock = self._redis.lock(self._prefix + "rebuild", timeout=ttl, thread_local=False)
        asked = monotonic()
        with unavailable():
            granted = await lock.acquire(blocking=False)
        if not granted:
            yield None
            return

        async def renew() -> bool:
            with unavailable():
                try:
                    return bool(await lock.reacquire())
                except LockError:
                    return False

        try:
            lease = Lease((await self.state()).epoch, asked + ttl)
            async with renewed(lease, renew, ttl):
                yield lease
        finally:
            # If it cannot be given back, it is somebody else's already or will expire.
            with suppress(RedisError, OSError):
                await lock.release()

    async def documents(
        self, kind: str, owner: str, *, site: str | None = None
    ) -> Mapping[str, bytes]:
        found = await self._hash(self._drawer(kind, owner, site))
        return {name.decode(): content for name, content in found.items()}

    async def put_documents(
        self,
        kind: str,
        owner: str,
        documents: Mapping[str, bytes | None],
        *,
        site: str | None = None,
    ) -> None:
        key = self._prefix + self._drawer(kind, owner, site)
        written: dict[Any, Any] = {n: body for n, body in documents.items() if body is not None}
        deleted = documents.keys() - written.keys()
        with unavailable():
            async with self._redis.pipeline(transaction=True) as pipeline:
                if written:
                    pipeline.hset(key, mapping=written)
                if deleted:
                    pipeline.hdel(key, *deleted)
                await pipeline.execute()

    async def claim_document(self, kind: str, owner: str, name: str, content: bytes) -> bool:
        with unavailable():
            key = self._prefix + self._drawer(kind, owner, None)
            return bool(await cast(Any, self._redis.hsetnx(key, name, cast(Any, content))))

    async def disclaim_document(self, kind: str, owner: str, name: str, content: bytes) -> bool:
        with unavailable():
            key = self._prefix + self._drawer(kind, owner, None)
            return bool(await self._disclaim(keys=[key], args=[name, content]))

    async def close(self) -> None:
        with unavailable():
            await self._redis.aclose()

    def _drawer(self, kind: str, owner: str, site: str | None) -> str:
        if site is None:
            return f"doc:{kind}:{owner}"
        return f"sitedoc:{self._sites[site].number}:{kind}:{owner}"

    async def _hash(self, key: str) -> dict[bytes, bytes]:
        with unavailable():
            # Text only for a client that decodes, and we have none.
            return cast(dict[bytes, bytes], await self._redis.hgetall(self._prefix + key))

    def _stamp(self, site: str, kind: str) -> bytes:
        key = self._sites[site]
        return f"{key.namespace}:{key.number}:{kind}".encode()

    def _script(self, name: str) -> Any:
        lua = files("idmap") / "lua"
        source = (lua / "state.lua").read_text() + (lua / f"{name}.lua").read_text()
        return self._redis.register_script(source)

    async def _run(
        self, script: str, keys: Iterable[str], args: Iterable[bytes | str] = ()
    ) -> tuple[StoreState, Any]:
        """Run a script; one round trip. Takes in what every script answers beside its own answer."""
        version_seen, missing = self._stamps_seen
        with unavailable():
            epoch, stamps, pins, members, answer = await self._scripts[script](
                keys=[self._prefix + key for key in ("state", "stamps", *keys)],
                args=[uuid4().hex, version_seen, *args],
            )
        if members is not None:
            there = set(members)
            missing = frozenset(s for member, s in self._expected.items() if member not in there)
            self._stamps_seen = f"{epoch.decode()}:{stamps.decode()}", missing
        state = StoreState(epoch.decode(), int(pins), not missing)
        if state.epoch != self._tuned:
            # A new epoch may be a new server, one that has not been told.
            await self._tune()
            self._tuned = state.epoch
        return state, answer

    async def _tune(self) -> None:
        """See to it that the server keeps buckets compact and never throws one away."""
        # Redis 7 calls it hash-max-listpack-entries and understands the old name.
        option = "hash-max-ziplist-entries"
        with unavailable():
            try:
                config = await self._redis.config_get("*")
                if int(config[option] or 0) < BUCKET_ENTRIES:
                    await self._redis.config_set(option, BUCKET_ENTRIES)
            except (ResponseError, KeyError) as error:
                message = "cannot set %s of Redis to %d, the ID map may take much memory: %s"
                log.warning(message, option, BUCKET_ENTRIES, error)
                return
        if (config.get("maxmemory-policy") or "").startswith("allkeys"):
            log.error("Redis may evict parts of the ID map: set its maxmemory-policy to noeviction")


def connect(url: str) -> Redis:
    """A client that gives up soon, but does not fail for want of a free connection."""
    parts = urlsplit(url)
    if parts.scheme != "redis+sentinel":
        return Redis.from_pool(BlockingConnectionPool.from_url(url, timeout=2, **CONNECTION))
    login, _, hosts = parts.netloc.rpartition("@")
    username, _, password = login.partition(":")
    service, _, database = parts.path.strip("/").partition("/")
    addresses = [urlsplit(f"//{host}") for host in hosts.split(",")]
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        [(address.hostname, address.port or 26379) for address in addresses],
        # Stated again, for by itself it hands on the timeouts only and tries ten times.
        sentinel_kwargs=CONNECTION,
        db=int(database or 0),
        username=unquote(username) or None,
        password=unquote(password) or None,
        # A pool of Sentinel's kind does not wait: it must not run out.
        **CONNECTION | {"max_connections": 10_000},
    )
    return cast(Redis, sentinel.master_for(service))


@contextmanager
def unavailable() -> Iterator[None]:
    """Whatever goes wrong with Redis is one error to everybody else."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"Redis: {error}") from error


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    """At least one, be it empty: the state of the store is asked in any case."""
    rest = list(ids)
    while True:
        yield rest[:CHUNK]
        rest = rest[CHUNK:]
        if not rest:
            return
