"""Requests that may be sent twice and are done once: the header ``Idempotency-Key`` on POST.

The first request with a key claims it, for its user, project and rights; its answer is kept for a day and
given again to whoever sends the same with the same key (the IETF draft of this header has the same statuses):

    the same request              the answer of the first, with ``Idempotency-Replayed: true``
    ... while that is under way   409
    another request               422

Kept is the outcome of what may have changed something: a success, an error of which nobody knows what it left
behind. After a refusal the key is free again.

Answers hold secrets under many names (the URL of a console, the key of a volume transfer), so they are sealed
with the gateway's secret; passwords and keys that we know by name are not kept at all. Without a secret nothing
is kept of an answer's body but the IDs of what was made; where it has none, the second request is told that
it was done: 409.
"""

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson
import structlog
from aiohttp import web

from adapters.identity import Identity
from adapters.seal import Seal
from federator.call import Call
from federator.faults import BadRequest, Conflict, Timeout, Unprocessable, nothing_was_done
from idmap.notes import Notes
from idmap.store import StoreUnavailable

log = structlog.get_logger(__name__)

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
DAY = 24 * 3600
LOST_SECONDS = 600
"""A request that has no answer after so long has lost its gateway."""

_KEY = re.compile(r'"?([\x21\x23-\x7e](?:[\x20\x21\x23-\x7e]{0,253}[\x21\x23-\x7e])?)"?')
_SECRETS = frozenset(
    {"adminpass", "admin_pass", "private_key", "password", "auth_key", "auth_password"}
)


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Keeps the first answers, where all processes of the gateway see them."""

    notes: Notes
    seal: Seal | None = None
    """None where the gateway has no secret."""

    async def once(
        self,
        key: str,
        call: Call,
        identity: Identity,
        request_id: str,
        do: Callable[[], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """What `do` answers, or what it answered when it was done. Raises Fault, StoreUnavailable."""
        found = _KEY.fullmatch(key)
        if found is None:
            raise BadRequest(f"{HEADER}: 1 to 255 printable characters, in quotes or without.")
        name, mark = _name(identity, found[1]), _mark(call)
        claim = orjson.dumps({"mark": mark, "began": int(time.time()), "request_id": request_id})
        if not await self.notes.claim(name, self._closed(name, claim), DAY):
            return self._again(self._opened(name, await self.notes.get(name)), mark)
        try:
            response = await do()
        except Timeout as fault:
            await self._keep(name, mark, 0, {"message": fault.message})
            raise
        except Exception as error:
            if nothing_was_done(error) or isinstance(error, StoreUnavailable):
                await self._free(name)
            else:
                await self._keep(name, mark, 0, {"message": _not_known(request_id)})
            raise
        if not isinstance(response, web.Response) or 400 <= response.status < 500:
            await self._free(name)
        else:
            more = _kept(response, whole=self.seal is not None)
            await self._keep(name, mark, response.status, {**more, "request_id": request_id})
        return response

    def _closed(self, name: str, content: bytes) -> bytes:
        return self.seal.closed(name, content) if self.seal is not None else content

    def _opened(self, name: str, raw: bytes | None) -> dict[str, Any] | None:
        """What is known of the first request. Raises Timeout if it cannot be read."""
        if raw is None:
            return None
        content = self.seal.opened(name, raw) if self.seal is not None else raw
        try:
            first: dict[str, Any] = orjson.loads(content or b"")
        except orjson.JSONDecodeError as error:
            log.error("an answer was kept with another secret; have all processes one secret_file?")
            raise Timeout(_not_known("its ID is not known either")) from error
        return first

    def _again(self, first: dict[str, Any] | None, mark: str) -> web.Response:
        now = time.time()
        first = first or {"mark": mark, "began": now}
        if first["mark"] != mark:
            raise Unprocessable(f"This {HEADER} was used for another request.")
        if "status" not in first:
            if now - first["began"] > LOST_SECONDS:
                raise Timeout(_not_known(first["request_id"]))
            raise Conflict(f"The first request with this {HEADER} is still under way.")
        if not first["status"]:
            raise Timeout(first["message"])
        if first["body"] is None:
            raise Conflict(
                f"The first request with this {HEADER} was done, with status {first['status']} "
                f"({first['request_id']}); its answer was not kept. Ask for the object itself."
            )
        response = web.Response(
            status=first["status"], body=first["body"].encode("latin-1"), headers=first["headers"]
        )
        response.headers[REPLAYED] = "true"
        return response

    async def _keep(self, name: str, mark: str, status: int, more: dict[str, Any]) -> None:
        content = orjson.dumps({"mark": mark, "status": status, **more})
        try:
            await self.notes.put(name, self._closed(name, content), DAY)
        except StoreUnavailable as error:
            # The claim stays: whoever repeats it is told that nobody knows.
            log.warning("an answer could not be kept for its key", reason=str(error))

    async def _free(self, name: str) -> None:
        try:
            await self.notes.delete(name)
        except StoreUnavailable as error:
            log.warning("a key could not be freed", reason=str(error))


def _not_known(request_id: str) -> str:
    return (
        "Whether the first request with this key did what was asked is not known. Look before you "
        f"repeat it ({request_id})."
    )


def _name(identity: Identity, key: str) -> str:
    """Whose key it is: a login with other rights may not see what this one was answered."""
    whose = [
        identity.user_id,
        identity.project_id,
        identity.application_credential_id,
        sorted(identity.roles),
        key,
    ]
    return f"once:{blake2b(orjson.dumps(whose), digest_size=16).hexdigest()}"


def _mark(call: Call) -> str:
    """What makes it the same request: all that decides what is done."""
    version = call.headers.get("OpenStack-API-Version", "")
    site = call.headers.get("X-Federation-Site", "")
    words = [call.method, call.service.type, call.path, call.query, version, site]
    return blake2b(orjson.dumps(words) + call.raw, digest_size=16).hexdigest()


def _kept(response: web.Response, whole: bool) -> dict[str, Any]:
    """What is kept of an answer; a body of None says that there was one that is not."""
    body = bytes(response.body) if isinstance(response.body, bytes) else b""
    headers = {
        str(name): value for name, value in response.headers.items() if name != "Content-Length"
    }
    content = None
    if "json" in response.headers.get("Content-Type", "") and body:
        content = orjson.loads(body)
    if body and not whole:
        made = _ids(content)
        return {"headers": headers, "body": orjson.dumps(made).decode() if made else None}
    if content is not None:
        body = orjson.dumps(_without_secrets(content))
    return {"headers": headers, "body": body.decode("latin-1")}


def _ids(body: Any) -> dict[str, Any]:
    """The IDs of what was made, if it is an image, ``{"server": ...}`` or ``{"ports": [...]}``."""
    if not isinstance(body, dict):
        return {}
    if isinstance(body.get("id"), str):
        return {"id": body["id"]}
    inner = {
        key: [i for i in map(_id, value) if i] if isinstance(value, list) else _id(value)
        for key, value in body.items()
    }
    return {key: found for key, found in inner.items() if found}


def _id(item: Any) -> dict[str, str]:
    found = item.get("id") if isinstance(item, dict) else None
    return {"id": found} if isinstance(found, str) else {}


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_secrets(each)
            for name, each in value.items()
            if name.lower() not in _SECRETS
        }
    return [_without_secrets(each) for each in value] if isinstance(value, list) else value
