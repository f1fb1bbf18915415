"""``federator site list``: what each site is, and how it is now."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from adapters.breakers import IDENTITY, Knock
from adapters.client import SiteClient
from adapters.errors import SiteUnreachable
from adapters.knocking import knocker
from adapters.pause import Pause
from federator.options import OneLineErrors, config_option
from federator.sites.opened import Opened, opened
from federator.upkeep.acquaintance import DOCUMENTS, ENDPOINTS, EXTENSIONS

_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One site. `versions` are the newest that its services said to have, by service type."""

    name: str
    strategy: str
    pause: Pause | None
    versions: Mapping[str, str]
    away: Mapping[str, str]
    """Service type -> why it does not answer now. A site that is paused is not asked."""

    @property
    def state(self) -> str:
        """In a word."""
        if self.pause is not None:
            return "paused"
        if IDENTITY in self.away or (self.versions and self.versions.keys() <= self.away.keys()):
            return "away"
        return "partly away" if self.away else "up"


@click.command(name="list")
@config_option
@click.option("--json", "as_json", is_flag=True, help="For programs: everything as JSON.")
def overview(config: Path, as_json: bool) -> None:
    """List the sites: what their services can do, and whether they are up, away or paused.

    Each site that is not paused is asked for a sign of life.
    """

    async def run() -> list[Entry]:
        async with opened(config) as it:
            await it.pauses.read()
            return await _entries(it)

    with OneLineErrors():
        entries = asyncio.run(run())
    click.echo(_as_json(entries) if as_json else "\n".join(map(_as_text, entries)))


async def _entries(it: Opened) -> list[Entry]:
    urls: dict[str, dict[str, str]] = {}
    versions: dict[str, dict[str, str]] = {}
    for name in it.sites:
        documents = await it.store.documents(DOCUMENTS, "", site=name)
        urls[name] = _loaded(documents.get(ENDPOINTS))
        versions[name] = {
            service: _newest(_loaded(raw))
            for service, raw in sorted(documents.items())
            if service != ENDPOINTS and not service.startswith(EXTENSIONS)
        }
    client = SiteClient(_SECONDS)
    await client.open()
    knock = knocker(client, it.sites, urls)
    paused = it.pauses.paused()
    try:
        away = await asyncio.gather(
            *(_away(knock, name, versions[name], name in paused) for name in it.sites)
        )
    finally:
        await client.close()
    return [
        Entry(name, site.federation.strategy, paused.get(name), versions[name], gone)
        for (name, site), gone in zip(it.sites.items(), away, strict=True)
    ]


async def _away(
    knock: Knock, name: str, services: Mapping[str, str], paused: bool
) -> dict[str, str]:
    """Service type -> why it does not answer."""
    if paused:
        return {}
    asked = (IDENTITY, *services)
    reasons = await asyncio.gather(*(_reason(knock, name, service) for service in asked))
    return {
        service: reason
        for service, reason in zip(asked, reasons, strict=True)
        if reason is not None
    }


async def _reason(knock: Knock, name: str, service: str) -> str | None:
    try:
        async with asyncio.timeout(_SECONDS):
            return None if await knock(name, service) else "only a proxy answers"
    except SiteUnreachable as error:
        return error.reason
    except TimeoutError:
        return f"no answer within {_SECONDS:g} s"


def _loaded(raw: bytes | None) -> dict[str, Any]:
    with suppress(orjson.JSONDecodeError):
        document = orjson.loads(raw or b"{}")
        return document if isinstance(document, dict) else {}
    return {}


def _newest(document: Mapping[str, Any]) -> str:
    """The highest microversion of the current version, else its ID."""
    for entry in document.get("versions") or ():
        if entry.get("status") in ("CURRENT", "SUPPORTED"):
            highest = entry.get("version") or entry.get("max_version")
            if highest or entry.get("status") == "CURRENT":
                return str(highest or str(entry.get("id", "")).removeprefix("v"))
    return ""


def _as_text(entry: Entry) -> str:
    services = ", ".join(
        f"{service} {version}".strip() for service, version in entry.versions.items()
    )
    line = f"{entry.name:<12} {entry.state:<12} {services or 'services not known yet'}"
    if entry.pause is not None:
        return f"{line}; {entry.pause}"
    why = ", ".join(f"{service}: {reason}" for service, reason in entry.away.items())
    return f"{line}; {why}" if why else line


def _as_json(entries: list[Entry]) -> str:
    return json.dumps(
        [
            {
                "name": entry.name,
                "state": entry.state,
                "strategy": entry.strategy,
                "services": dict(entry.versions),
                "away": dict(entry.away),
                "paused": entry.pause
                and {
                    "since": f"{datetime.fromtimestamp(entry.pause.since, UTC):%FT%TZ}",
                    "reason": entry.pause.reason or None,
                },
            }
            for entry in entries
        ]
    )
