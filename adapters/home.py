"""Home's word on a token: who it is, and whether it still counts.

A token is asked about with itself, so the gateway needs no rights at home for it. The answer counts
for a while (`revalidate_seconds`): that is how long a revoked token may still work. A no counts for
a few seconds, so that a client in a loop does not become home's problem.

A login that home ends before its time seldom ends alone (the user was disabled, the project deleted):
all that is known of the same user is asked about again at once, without waiting for its next use.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson
from cachetools import LRUCache
from multidict import CIMultiDict

from adapters.client import SiteClient
from adapters.endpoints import service_root
from adapters.errors import (
    FederationError,
    HomeUnreachable,
    InvalidToken,
    NotServed,
    SiteUnreachable,
)
from adapters.flight import SingleFlight
from adapters.identity import Identity, ServiceProvider
from adapters.sites import Site

_REFUSED_SECONDS = 5.0

_MOST_AT_ONCE = 50
"""Other logins of one user that are asked about when one has ended; further ones when they are used."""

_TOKEN = re.compile(r"[!-~]{1,16384}")
"""What can stand in a header at all."""


class HomeClient:
    """Asks home about tokens and remembers the answers, by the token's SHA-256."""

    def __init__(
        self,
        home: Site,
        client: SiteClient,
        *,
        revalidate_seconds: float = 60.0,
        timeout: float = 10.0,
        max_tokens: int = 10_000,
        on_ended: Callable[[Identity], None] = lambda identity: None,
        on_look: Callable[[bool], None] = lambda known: None,
    ) -> None:
        """`on_ended` is told each login that home has ended before its time, as far as it was known.
        `on_look` is told of each look whether the answer was known, so that home was not asked."""
        self._home = home
        self._client = client
        self._seconds = revalidate_seconds
        self._timeout = timeout
        self._url = f"{service_root(home.auth_url)}/v3/auth/tokens?nocatalog"
        self._known: LRUCache[bytes, tuple[float, Identity]] = LRUCache(max_tokens)
        self._refused: LRUCache[bytes, float] = LRUCache(max_tokens)
        self._doubted: LRUCache[str, float] = LRUCache(max_tokens)
        """User, project, token's hash or nothing (for all) -> when it was said that something changed."""
        self._on_ended = on_ended
        self._on_look = on_look
        self._asking_again: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flights: SingleFlight[bytes, Identity] = SingleFlight()

    async def validate(self, token: str) -> Identity:
        """Who holds this token.

        Raises InvalidToken, NotServed, or HomeUnreachable if that cannot be known.
        """
        if not _TOKEN.fullmatch(token):
            raise InvalidToken("not a token")
        key = _key(token)
        now = time.monotonic()
        until, identity = self._known.get(key, (0.0, None))
        if identity is not None and now < until and datetime.now(UTC) < identity.expires_at:
            self._on_look(True)
            return identity
        if now < self._refused.get(key, 0.0):
            self._on_look(True)
            raise InvalidToken("home does not know this token")
        self._on_look(False)
        return await self._flights.run(key, lambda: self._ask(key, token))

    def known(self, token: str) -> Identity | None:
        """Who holds this token, if home has said so lately; asks nobody."""
        until, identity = self._known.get(_key(token), (0.0, None))
        return identity if time.monotonic() < until else None

    def forget(self, token: str) -> Identity | None:
        """The token was revoked, or a site says so: ask again before it is used.

        Gives whose it was, as far as that is known here.
        """
        return self.forget_hash(_key(token).hex())

    def forget_hash(self, token_sha256: str) -> Identity | None:
        """The same, where only the SHA-256 of the token is known (as hex)."""
        key = bytes.fromhex(token_sha256)
        _, identity = self._known.pop(key, (0.0, None))
        self._refused.pop(key, None)
        self._doubted[token_sha256] = time.monotonic()
        if identity is not None:
            self._on_ended(identity)
        return identity

    def doubt(self, *, user_id: str = "", project_id: str = "") -> None:
        """Something changed at home about this user, this project or (neither is named) anybody.

        Before one of their tokens is used again home is asked; of one user or project at once.
        """
        self._doubted[user_id or project_id] = time.monotonic()
        concerned = [
            (key, identity)
            for key, (_, identity) in self._known.items()
            if user_id in ("", identity.user_id) and project_id in ("", identity.project_id)
        ]
        for key, identity in concerned:
            self._known[key] = (0.0, identity)
        changed = user_id or project_id
        if changed and changed not in self._asking_again:
            self._asking_again.add(changed)
            again = self._ask_again(changed, [who for _, who in concerned[-_MOST_AT_ONCE:]])
            task = asyncio.get_running_loop().create_task(again)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until nothing is asked in the background any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _ask_again(self, changed: str, identities: list[Identity]) -> None:
        """One after the other: a user who changes something all the time gets no more than that."""
        try:
            for identity in identities:
                with suppress(FederationError):
                    await self.validate(identity.token)
        finally:
            self._asking_again.discard(changed)

    def _ended(self, key: bytes) -> None:
        """Home takes this token no more."""
        self._refused[key] = time.monotonic() + _REFUSED_SECONDS
        _, before = self._known.pop(key, (0.0, None))
        if before is None or before.expires_at <= datetime.now(UTC):
            return
        self._on_ended(before)
        if self._doubted.get(before.user_id, 0.0) < time.monotonic() - self._seconds:
            self.doubt(user_id=before.user_id)

    async def _ask(self, key: bytes, token: str) -> Identity:
        headers = CIMultiDict(
            {"X-Auth-Token": token, "X-Subject-Token": token, "Accept": "application/json"}
        )
        asked_at = time.monotonic()
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._client.request(
                    self._home.name, "GET", self._url, headers, verify=self._home.verify
                ) as response,
            ):
                status, body = response.status, await response.read()
        except SiteUnreachable as error:
            raise HomeUnreachable(f"home did not answer: {error.reason}") from None
        except TimeoutError:
            raise HomeUnreachable(f"home did not answer within {self._timeout:g} s") from None
        if status in (401, 404):
            self._ended(key)
            raise InvalidToken("home does not know this token")
        _, before = self._known.get(key, (0.0, None))
        if before is not None:
            # Whose it is stays known, for the day it ends, but no more that it is good.
            self._known[key] = (0.0, before)
        if status == 403:
            # A trust that impersonates: the token says the trustor, and K2K would assert the trustee.
            raise NotServed(
                "The token cannot be used here: home does not let it be looked at with itself. "
                "Trusts work if they do not impersonate."
            )
        if status != 200:
            raise HomeUnreachable(f"home answered HTTP {status} when asked about a token")
        try:
            identity = identity_of(token, orjson.loads(body))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise HomeUnreachable("home's answer about a token is not one of Keystone") from None
        if _has_lost_its_roles(identity):
            self._ended(key)
            raise InvalidToken("home knows no role of this login any more")
        concerns = key.hex(), identity.user_id, identity.project_id or "", ""
        doubted_at = max(self._doubted.get(each, 0.0) for each in concerns)
        self._known[key] = (asked_at + self._seconds if doubted_at < asked_at else 0.0, identity)
        if before is not None and before.roles != identity.roles:
            self._on_ended(before)
        return identity


def identity_of(token: str, body: Mapping[str, Any]) -> Identity:
    """The Identity in a token's body. Raises KeyError, TypeError, ValueError if it is none."""
    said = body["token"]
    user = said["user"]
    # A project that acts as a domain has no domain of its own, and no site knows it.
    project = {} if said.get("is_domain") else said.get("project") or {}
    domain = project.get("domain") or {}
    return Identity(
        token=token,
        user_id=user["id"],
        user_name=user["name"],
        user_domain_id=user["domain"]["id"],
        user_domain_name=user["domain"]["name"],
        project_id=project.get("id"),
        project_name=project.get("name"),
        project_domain_id=domain.get("id"),
        project_domain_name=domain.get("name"),
        roles=frozenset(role["name"] for role in said.get("roles") or ()),
        application_credential_id=(said.get("application_credential") or {}).get("id"),
        expires_at=datetime.fromisoformat(said["expires_at"]),
        service_providers={
            provider["id"]: ServiceProvider(
                id=provider["id"], auth_url=provider["auth_url"], sp_url=provider["sp_url"]
            )
            for provider in said.get("service_providers") or ()
        },
        body=body,
    )


def _has_lost_its_roles(identity: Identity) -> bool:
    """Whether nothing is left that a login was scoped for.

    Keystone gives no such token, but one that it gave may go on being valid after its last role was
    taken, until a cache of home's has learned of the revocation.
    """
    scoped = identity.body["token"].keys() & {"project", "domain", "system"}
    return bool(scoped) and not identity.roles


def _key(token: str) -> bytes:
    # What a client says is its token may be no text at all.
    return sha256(token.encode(errors="surrogateescape")).digest()
