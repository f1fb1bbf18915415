"""The bodies of our own API: what is known of a site, of an ID, of a login, as JSON. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from adapters.identity import Identity, SiteToken
from adapters.pause import Pause
from idmap.store import Location, Pin

Json = dict[str, Any]

ROOT = "/federation"
VERSION = f"{ROOT}/v1"


def version(public_base: str) -> Json:
    """The entry of our one version, as OpenStack services write it."""
    href = f"{public_base}{VERSION}/"
    return {"id": "v1.0", "status": "CURRENT", "links": [{"rel": "self", "href": href}]}


def site(
    name: str,
    *,
    strategy: str,
    default: bool,
    versions: Mapping[str, Sequence[Mapping[str, Any]]],
    failures: Mapping[str, str],
    away: Mapping[str, datetime],
    has_project: bool | None,
    refused: str,
    pause: Pause | None,
    public_base: str,
) -> Json:
    """A site as everybody may see it.

    `versions` (entries of version documents), `failures` and `away` are by service type, `refused` is
    why this login gets no token there.
    """
    services = [
        {
            "type": service,
            "reachable": service not in failures,
            "away_since": time_of(away[service]) if service in away else None,
            "versions": [_version(entry) for entry in entries],
        }
        for service, entries in sorted(versions.items())
    ]
    return {
        "name": name,
        "strategy": strategy,
        "default": default,
        "reachable": any(each["reachable"] for each in services),
        "paused": _pause(pause),
        "services": services,
        "has_project": has_project,
        "usable": not refused,
        "unusable_reason": refused or None,
        "links": [{"rel": "self", "href": f"{public_base}{VERSION}/sites/{name}"}],
    }


def internals(
    urls: Mapping[str, str], failures: Mapping[str, str], unread: Sequence[str] | None
) -> Json:
    """What administrators see of a site beside that.

    `unread` are the kinds whose part of the ID map is not complete, None if that cannot be known.
    """
    return {
        "urls": {service: without_login(url) for service, url in urls.items()},
        "errors": dict(failures),
        "id_map": (
            None if unread is None else {"complete": not unread, "incomplete": sorted(unread)}
        ),
    }


def located(global_id: str, place: Location | None, pin: Pin | None, *, local_ids: bool) -> Json:
    """Where an ID lives. The kind is known of IDs that are not computed: those of a pin."""
    places = dict(pin.places) if pin is not None else {}
    if place is not None and pin is None:
        places = {place.site: place.local_id}
    shown: Json = {
        "id": global_id,
        "kind": pin.kind if pin is not None else None,
        "origin": pin.origin if pin is not None else "computed",
        "sites": list(places),
    }
    if local_ids:
        shown["local_ids"] = places
        aliases = pin.aliases if pin is not None else frozenset()
        shown["aliases"] = [
            {"site": each.site, "local_id": each.local_id}
            for each in sorted(aliases, key=lambda one: (one.site, one.local_id))
        ]
    return {"object": shown}


def whoami(
    identity: Identity,
    tokens: Mapping[str, SiteToken | None],
    projects: Mapping[str, str] | None,
) -> Json:
    """Whose token this is, and at which sites it is in use.

    `projects` (site -> the project's ID there) is for those who may see local IDs, None for others.
    """
    project = None
    if identity.project_id is not None:
        project = {
            "id": identity.project_id,
            "name": identity.project_name,
            "domain": {
                "id": identity.project_domain_id,
                "name": identity.project_domain_name,
            },
        }
    sites = []
    for name, token in tokens.items():
        entry: Json = {
            "name": name,
            "has_token": token is not None,
            "exchanged_at": time_of(token.made_at) if token is not None else None,
            "expires_at": time_of(token.expires_at) if token is not None else None,
        }
        if projects is not None:
            entry["project_id"] = token.project_id if token is not None else projects.get(name)
        sites.append(entry)
    return {
        "whoami": {
            "user": {
                "id": identity.user_id,
                "name": identity.user_name,
                "domain": {"id": identity.user_domain_id, "name": identity.user_domain_name},
            },
            "project": project,
            "roles": sorted(identity.roles),
            "application_credential_id": identity.application_credential_id,
            "expires_at": time_of(identity.expires_at),
            "sites": sites,
        }
    }


def without_login(url: str) -> str:
    """A URL without the user and password that may stand in it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _version(entry: Mapping[str, Any]) -> Json:
    return {
        "id": entry.get("id"),
        "status": entry.get("status"),
        "min_microversion": entry.get("min_version") or None,
        "max_microversion": entry.get("version") or entry.get("max_version") or None,
    }


def _pause(pause: Pause | None) -> Json | None:
    if pause is None:
        return None
    since = datetime.fromtimestamp(pause.since, UTC)
    return {"since": time_of(since), "reason": pause.reason or None}


def time_of(moment: datetime) -> str:
    """A moment as our API writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
