"""Are the ways to the services safe: HTTPS, with certificates that hold, and for how long?"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from time import time
from urllib.parse import urlsplit

from federator.doctor.patient import Finding, Patient, good, note, wrong
from federator.doctor.ward import endpoints_of

_DAYS = 30
"""A certificate that ends sooner should be on somebody's list."""
_SECONDS = 10.0


async def check(patient: Patient) -> AsyncIterator[Finding]:
    site = patient.site
    urls = {"identity": site.auth_url}
    if not patient.is_home:
        there = await endpoints_of(patient.account)
        urls |= {kind: there[kind] for kind in patient.services if kind in there}
    plain = [kind for kind, url in urls.items() if urlsplit(url).scheme != "https"]
    if plain and plain != ["identity"]:
        # Of Keystone alone another check has spoken.
        cure = "endpoints with https:// in its catalogue"
        yield note(f"tokens and data go there by plain HTTP: {', '.join(plain)}", cure)
    if site.verify is False:
        return
    hosts = {_host(url) for kind, url in urls.items() if kind not in plain}
    for host, port in sorted(hosts):
        finding = await _certificate(host, port, site.verify)
        if finding is not None:
            yield finding


def _host(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 443


async def _certificate(host: str, port: int, verify: bool | str) -> Finding | None:
    """What is to be said of the certificate at an address; None if nobody answers there."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    trusted = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=trusted)
    except ssl.SSLCertVerificationError as error:
        # OpenSSL's own words: expired, another host name, an issuer that nobody knows.
        cure = "a certificate for this name by a CA that cacert names; or the right cacert"
        return wrong(f"the certificate at {where} does not hold: {error.verify_message}", cure)
    except ssl.SSLError as error:
        return wrong(f"no TLS at {where}: {error.reason}", "the URL, or what listens there")
    except (OSError, TimeoutError):
        # That nobody answers is said by others.
        return None
    try:
        ends = ssl.cert_time_to_seconds(writer.get_extra_info("peercert")["notAfter"])
    finally:
        writer.close()
        with suppress(OSError, ssl.SSLError):
            await writer.wait_closed()
    days = int((ends - time()) // 86400)
    if days < _DAYS:
        return note(f"the certificate at {where} ends in {days} days", "a new one, in time")
    return good(f"the certificate at {where} holds for {days} days")
