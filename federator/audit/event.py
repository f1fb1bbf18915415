"""One request as a CADF event (DMTF DSP0262, in the words of pyCADF). Pure.

    initiator    who: home's user and project, address and program, the token as a hash
    target       on what: type and global ID
    action       how: read, read/list, create, update/reboot, delete, authenticate, revoke ...
    outcome      success, failure; pending if it was accepted and goes on (202); unknown if the client was
                 gone before the answer, or nobody knows whether the site did it (504)
    attachments  the sites that were asked, with their statuses and request IDs

No secret gets in: tokens are hashed here, and texts of clients are looked through.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.identity import Identity
from federator.audit.attempt import Attempt
from federator.audit.target import USER_TYPE, Target
from federator.secrets import harmless, hashed

TYPE_URI = "http://schemas.dmtf.org/cloud/audit/1.0/event"
UNKNOWN = "unknown"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Deed:
    """All that is told of one request."""

    time: str
    """When it ended, ISO 8601 in UTC."""
    request_id: str
    global_request_id: str
    """The client's own request ID; empty if it sent none."""
    path: str
    status: int
    target: Target
    target_id: str = ""
    """The ID of what was made, where the path cannot have it."""
    action_name: str = ""
    """``os-start`` of an action on a server."""
    identity: Identity | None = None
    attempt: Attempt | None = None
    """Who tried to log in, if this was a login."""
    token: str = ""
    """The token that came with the request; only its hash goes on."""
    issued_token: str = ""
    """The token that a login has given; only its hash goes on."""
    address: str = ""
    agent: str = ""
    answers: Sequence[str] = ()
    """``site:status:request ID`` of each answer of a site."""
    missing: Sequence[str] = ()
    """Sites that could not be asked."""


def event(deed: Deed, observer: Mapping[str, Any]) -> Json:
    """The event of one request. `observer` is the gateway."""
    action = deed.target.action
    if deed.action_name:
        action = f"{action}/{harmless(deed.action_name)[:64]}"
    told: Json = {
        "typeURI": TYPE_URI,
        "eventType": "activity",
        "id": deed.request_id,
        "eventTime": deed.time,
        "action": action,
        "outcome": _outcome(deed.status),
        "reason": {"reasonType": "HTTP", "reasonCode": str(deed.status)},
        "initiator": _initiator(deed),
        "target": _target(deed),
        "observer": dict(observer),
        "requestPath": harmless(deed.path),
    }
    if deed.issued_token:
        told["tags"] = [f"issued_token?value={hashed(deed.issued_token)}"]
    sites = [_site(answer) for answer in deed.answers]
    sites += [{"site": site, "status": "missing"} for site in deed.missing]
    if sites:
        told["attachments"] = [
            {"name": "sites", "contentType": "application/json", "content": sites}
        ]
    return told


def _outcome(status: int) -> str:
    if status in (499, 504):
        return UNKNOWN
    if status == 202:
        return "pending"
    return "success" if status < 400 else "failure"


def _initiator(deed: Deed) -> Json:
    identity, attempt = deed.identity, deed.attempt
    who: Json = {"typeURI": USER_TYPE, "id": UNKNOWN}
    if identity is not None:
        who |= {
            "id": identity.user_id,
            "name": identity.user_name,
            "domain_id": identity.user_domain_id,
            "domain": identity.user_domain_name,
            "project_id": identity.project_id,
            "project_name": identity.project_name,
        }
    elif attempt is not None:
        who |= {
            "id": attempt.user_id or UNKNOWN,
            "name": attempt.user_name,
            "domain_id": attempt.domain_id,
            "domain": attempt.domain_name,
        }
    who |= {
        "host": {"address": deed.address, "agent": harmless(deed.agent)[:200] or UNKNOWN},
        "credential": _credential(deed),
        "request_id": deed.request_id,
        "global_request_id": deed.global_request_id,
    }
    return {name: value for name, value in who.items() if value}


def _credential(deed: Deed) -> Json:
    if deed.attempt is not None:
        said: Json = {
            "type": "+".join(deed.attempt.methods),
            "token": deed.attempt.token,
            "application_credential_id": deed.attempt.application_credential_id,
        }
    else:
        said = {
            "type": "token" if deed.token else "",
            "token": hashed(deed.token) if deed.token else "",
        }
        if deed.identity is not None:
            said["application_credential_id"] = deed.identity.application_credential_id
    return {name: value for name, value in said.items() if value}


def _target(deed: Deed) -> Json:
    target_id = deed.target_id or deed.target.id
    if deed.target.is_login and deed.identity is not None:
        target_id = deed.identity.user_id
    return {"typeURI": deed.target.type_uri, "id": harmless(target_id) or UNKNOWN}


def _site(answer: str) -> Json:
    site, status, request_id = answer.split(":", 2)
    return {"site": site, "status": status, "request_id": harmless(request_id)}
