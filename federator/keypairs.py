"""Keypairs: one list for the home user, though Nova keeps them by user and a home user is several at a site.

The list is ours: documents in the ID map's store, by home user. A site learns of a keypair when it is made
there, and otherwise just before a server needs it. Deleting asks every site for every shadow user, by the
gateway's account; a rebuild of the map reads the list back from the sites (`federator.upkeep.rebuild`).

Private keys pass through to the one who made them and are kept nowhere.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, quote

import orjson
from aiohttp import web
from microversion_parse import parse_version_string
from multidict import CIMultiDict, CIMultiDictProxy

from adapters.account import Account
from adapters.identity import Identity
from adapters.spec import Service
from adapters.translate import shape
from federator import answer
from federator.asker import Question
from federator.call import Call, SiteReply
from federator.fanout import Fanout
from federator.faults import (
    BadRequest,
    Conflict,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    Unavailable,
)
from federator.merge import cut
from federator.owners import Owners
from federator.paging import page_of
from federator.plan import Whereabouts, plan
from federator.versions.documents import version_headers
from idmap.store import IdStore

DOCUMENTS = "keypair"
CLAIMED = b"{}"
"""The document of a name for which a site is being asked just now."""
KIND = "keypair"
"""Of the stamps that say of which sites the keypairs have been read back."""
NOWHERE = Whereabouts()
_WITH_USER = "2.10"
"""The microversion from which an admin may name another user's keypairs."""
_KEPT = ("name", "public_key", "fingerprint", "type", "created_at", "id")


def key_name(call: Call) -> str:
    """The keypair that a call needs at its site, empty if it needs none."""
    if not isinstance(call.body, dict) or call.resource is None or call.resource.kind != "server":
        return ""
    part = call.body.get("server") if call.is_create else call.body.get("rebuild")
    name = part.get("key_name") if isinstance(part, dict) else None
    return name if isinstance(name, str) else ""


@dataclass(frozen=True, slots=True)
class Keypairs:
    """Answers ``/os-keypairs`` and takes keypairs to the sites."""

    compute: Service
    fanout: Fanout
    owners: Owners
    accounts: Mapping[str, Account]
    sites: tuple[str, ...]
    default_site: str

    async def answer(self, call: Call, identity: Identity, request_id: str) -> web.Response:
        """The answer to a call for keypairs. Raises Fault."""
        owner = self._owner(call, identity)
        unread = {site for site, kind in await self._store.missing_stamps() if kind == KIND}
        if unread == set(self.sites):
            raise Unavailable("The keypairs are being read back from the sites.")
        kept = await self._kept(owner)
        match call.method, call.object_id:
            case "GET", None:
                return _json(call, self._listed(call, kept), request_id, unread)
            case _, str(name) if name not in kept and unread:
                raise Unavailable(f"Whether the keypair {name} exists cannot be known just now.")
            case (("GET" | "HEAD"), str(name)):
                shown = _shown(call, _one(kept, name), owner, True)
                return _json(call, {"keypair": shown}, request_id)
            case "POST", None:
                return await self._create(call, identity, request_id)
            case "DELETE", str(name):
                _one(kept, name)
                return await self._delete(call, owner, name, request_id)
            case _:
                raise MethodNotAllowed("The method is not allowed for this resource.")

    async def bring(self, name: str, question: Question, site: str) -> None:
        """See to it that the caller's shadow user at a site has the keypair, if the home user has it."""
        wanted = (await self._kept(question.identity.user_id)).get(name)
        if wanted is None:
            return
        there = await self._ask(question, site, "GET", "/" + quote(name, safe=""))
        if there.ok and there.body["keypair"]["public_key"].strip() == wanted["public_key"].strip():
            return
        if there.ok:
            await self._ask(question, site, "DELETE", "/" + quote(name, safe=""))
        body = {
            field: wanted[field] for field in ("name", "public_key", "type") if wanted.get(field)
        }
        await self._ask(question, site, "POST", "", {"keypair": body})

    def _owner(self, call: Call, identity: Identity) -> str:
        """Whose keypairs are meant. Those of others are for admins of every site they may be at."""
        asked = parse_qs(call.query).get("user_id", [identity.user_id])[-1]
        rules = all(site.federation.admin for site in self.fanout.asker.sites.values())
        if asked != identity.user_id and not (identity.is_admin and rules):
            raise Forbidden("Policy doesn't allow os_compute_api:os-keypairs to be performed.")
        return asked

    @property
    def _store(self) -> IdStore:
        return self.fanout.asker.ids.store

    async def _kept(self, owner: str) -> dict[str, Any]:
        """The keypairs of a home user, without names that are only claimed yet."""
        documents = await self._store.documents(DOCUMENTS, owner)
        return {name: orjson.loads(raw) for name, raw in documents.items() if raw != CLAIMED}

    def _listed(self, call: Call, kept: Mapping[str, Any]) -> dict[str, Any]:
        assert call.resource is not None
        page = page_of(self.compute, call.resource, call.query)
        items = [{"name": name, **kept[name]} for name in sorted(kept)]
        part = cut(call.resource, items, page)
        if part is None:
            raise BadRequest(f"marker [{page.marker}] not found")
        chosen, more = part
        body: dict[str, Any] = {
            "keypairs": [{"keypair": _shown(call, item, "", False)} for item in chosen]
        }
        if more and page.limited and _version(call) >= (2, 35):
            here = f"{self.fanout.asker.public_base}{self.compute.prefix}{self.compute.version}"
            href = f"{here}/os-keypairs?limit={page.limit}&marker={quote(chosen[-1]['name'])}"
            body["keypairs_links"] = [{"rel": "next", "href": href}]
        return body

    async def _create(self, call: Call, identity: Identity, request_id: str) -> web.Response:
        wanted = call.body.get("keypair") if isinstance(call.body, dict) else None
        name = wanted.get("name") if isinstance(wanted, dict) else None
        if isinstance(wanted, dict) and wanted.get("user_id") not in (None, identity.user_id):
            raise Forbidden("Keypairs can be made only for the user who is logged in.")
        assert call.resource is not None
        form = shape(self.compute, call.resource)
        question = Question(call, form, identity, NOWHERE, request_id)
        away = self.fanout.asker.breakers.sites_without(self.compute.type)
        site = plan(call, NOWHERE, self.sites, self.default_site, away).sites[0]
        if not isinstance(name, str):
            return answer.one(await self.fanout.ask(question, site), request_id)
        # Of several at once only one gets the name: else somebody holds a private key that fits nothing.
        if not await self._store.claim_document(DOCUMENTS, identity.user_id, name, CLAIMED):
            raise Conflict(f"Key pair '{name}' already exists.")
        document = None
        try:
            reply = await self.fanout.ask(question, site)
            if reply.ok:
                made = reply.body["keypair"]
                kept_of_it = {field: made[field] for field in _KEPT if field in made}
                document = orjson.dumps({"type": "ssh"} | kept_of_it)
        finally:
            await self._store.put_documents(DOCUMENTS, identity.user_id, {name: document})
        return answer.one(reply, request_id)

    async def _delete(self, call: Call, owner: str, name: str, request_id: str) -> web.Response:
        for shadow in self.owners.shadows(owner):
            if shadow.site not in self.accounts:
                continue  # no site of ours any more
            path = f"/v2.1/os-keypairs/{quote(name, safe='')}?user_id={shadow.local_id}"
            reply = await self.accounts[shadow.site].delete(
                "compute", path, microversion=_WITH_USER
            )
            if reply.status not in (200, 202, 204, 404):
                raise Unavailable(f"The keypair could not be deleted at the site {shadow.site}.")
        await self._store.put_documents(DOCUMENTS, owner, {name: None})
        status = 204 if _version(call) >= (2, 2) else 202
        headers = answer.own_headers(
            request_id, version_headers(call.service, ".".join(map(str, _version(call))))
        )
        del headers["Content-Type"]
        return web.Response(status=status, headers=headers)

    async def _ask(
        self, question: Question, site: str, method: str, tail: str, body: Any = None
    ) -> SiteReply:
        """A call of our own about keypairs, in the caller's name."""
        headers = CIMultiDict({"OpenStack-API-Version": f"compute {_WITH_USER}"})
        if body is not None:
            headers["Content-Type"] = "application/json"
        resource = self.compute.resource("keypair")
        call = Call(
            method,
            self.compute,
            resource,
            "/os-keypairs" + tail,
            headers=CIMultiDictProxy(headers),
            body=body,
            raw=orjson.dumps(body) if body is not None else b"",
        )
        own = replace(question, call=call, shape=shape(self.compute, resource), where=NOWHERE)
        return await self.fanout.ask(own, site)


def _one(kept: Mapping[str, Any], name: str) -> dict[str, Any]:
    if name not in kept:
        raise NotFound(f"Keypair {name} not found.")
    return {"name": name, **kept[name]}


def _shown(call: Call, kept: Mapping[str, Any], owner: str, whole: bool) -> dict[str, Any]:
    """A keypair as Nova shows it, alone (`whole`) or in a list."""
    shown = {field: kept[field] for field in ("name", "public_key", "fingerprint")}
    if _version(call) >= (2, 2):
        shown["type"] = kept.get("type", "ssh")
    if whole:
        shown |= {
            "user_id": owner,
            "id": kept.get("id", 0),
            "created_at": kept.get("created_at"),
            "updated_at": None,
            "deleted": False,
            "deleted_at": None,
        }
    return shown


def _version(call: Call) -> tuple[int, int]:
    """The microversion that was negotiated: the gateway has put it into the headers."""
    name, _, version = call.headers.get("OpenStack-API-Version", "").partition(" ")
    if name != "compute" or not version:
        return 2, 1
    parsed = parse_version_string(version)
    return parsed.major, parsed.minor


def _json(call: Call, body: Any, request_id: str, missing: Collection[str] = ()) -> web.Response:
    headers = answer.own_headers(
        request_id, version_headers(call.service, ".".join(map(str, _version(call))))
    )
    if missing:
        headers["X-Federation-Missing-Sites"] = ",".join(sorted(missing))
    return web.Response(body=orjson.dumps(body), headers=headers)
