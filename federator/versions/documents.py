"""What all sites can do: version documents and microversions that hold everywhere. Pure.

A client picks the highest microversion it is shown and sends it with each call, and each call may
go to any site. So what is shown is the intersection: the versions that every site has, from the
highest of their minima to the lowest of their maxima. An older site counts with the microversion that
the quirks lift it to.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.probe import SiteVersions
from adapters.profile import Profile, common, highest, maximum, parsed, with_maximum
from adapters.quirk import Quirk
from adapters.spec import Service
from federator.faults import BadRequest, Fault, NotAcceptable

Entry = dict[str, Any]
Range = tuple[str, str]

_MICROVERSION = re.compile(r"([1-9]\d*)\.([1-9]\d*|0)")


def intersection(
    service: Service,
    documents: Sequence[SiteVersions],
    public_url: str,
    quirks: Sequence[Quirk] = (),
) -> list[Entry]:
    """The entries of the service's list of versions that hold at all these sites, links to us.

    Only those that the gateway serves: Nova's v2.0 has a path of its own, and we have none for it.
    """
    if not documents:
        return []
    lists = [
        {entry["id"]: entry for entry in document.versions if _serves(service, entry)}
        for document in documents
    ]
    everywhere = [id_ for id_ in lists[0] if all(id_ in entries for entries in lists)]
    found = [_lowest([entries[id_] for entries in lists], quirks) for id_ in everywhere]
    return [
        _with_links(entry, service, public_url)
        for entry in _with_one_current([entry for entry in found if entry])
    ]


def own_version(
    service: Service,
    documents: Sequence[SiteVersions],
    public_url: str,
    quirks: Sequence[Quirk] = (),
) -> Entry | None:
    """The document of the service's one version, if every site shows one."""
    versions = [document.version for document in documents if document.version]
    if not versions or len(versions) < len(documents):
        return None
    entry = _lowest(versions, quirks)
    return _with_links(entry, service, public_url) if entry else None


def microversions(entries: Sequence[Mapping[str, Any]]) -> Range | None:
    """The lowest and highest microversion of a list of versions; None if it has none."""
    for entry in entries:
        lowest, most = entry.get("min_version"), maximum(entry)
        if lowest and most:
            return str(lowest), most
    return None


def negotiate(service: Service, known: Range | None, headers: Mapping[str, str]) -> str | None:
    """The microversion the client asks for: a number that all sites take, or None if it names none.

    Raises BadRequest or NotAcceptable with the service's own words.
    """
    asked = _asked(service, headers)
    if asked is None or known is None:
        return None
    lowest, most = known
    if asked == "latest":
        return most
    if not _MICROVERSION.fullmatch(asked):
        raise _malformed(service, asked)
    if not _key(lowest) <= _key(asked) <= _key(most):
        raise _beyond(service, asked, known)
    return asked


def version_headers(service: Service, microversion: str) -> dict[str, str]:
    """The headers with which the service says in which microversion it answers."""
    headers = {"OpenStack-API-Version": f"{service.microversion} {microversion}"}
    if service.legacy_microversion_header:
        headers[service.legacy_microversion_header] = microversion
    return headers | {"Vary": ", ".join(headers)}


def _asked(service: Service, headers: Mapping[str, str]) -> str | None:
    """As the services read it: the last one that is for this service, else the older header."""
    if not service.microversion:
        return None
    for value in reversed(headers.get("OpenStack-API-Version", "").split(",")):
        name, _, version = value.strip().partition(" ")
        if name.lower() == service.microversion and version.strip():
            return version.strip()
    older = headers.get(service.legacy_microversion_header or "", "")
    return older.split(",")[-1].strip() or None


def _malformed(service: Service, asked: str) -> Fault:
    if service.faults == "errors":
        return BadRequest(f"Invalid microversion: invalid version string: {asked}")
    return BadRequest(
        f"API Version String {asked} is of invalid format. Must be of format MajorNum.MinorNum."
    )


def _beyond(service: Service, asked: str, known: Range) -> Fault:
    lowest, most = known
    if service.faults == "errors":
        return NotAcceptable(
            f"Invalid microversion: Unacceptable version header: {asked}",
            details={"max_version": most, "min_version": lowest},
        )
    return NotAcceptable(
        f"Version {asked} is not supported by the API. Minimum is {lowest} and maximum is {most}.",
        headers=version_headers(service, asked),
    )


def _serves(service: Service, entry: Mapping[str, Any]) -> bool:
    if not service.version:
        return True
    return any(
        str(link.get("href", "")).rstrip("/").endswith(service.version)
        for link in entry.get("links", ())
        if link.get("rel") == "self"
    )


def _lowest(entries: Sequence[Mapping[str, Any]], quirks: Sequence[Quirk]) -> Entry | None:
    """The entry that holds at all sites, from the highest minimum on; None if none fits.

    It is that of the site which reaches just so far, for the date of a version may stand in it.
    """
    most = common((Profile(highest([entry])) for entry in entries), quirks)
    least = min(entries, key=lambda one: _key(maximum(one)))
    entry = dict(next((one for one in entries if parsed(maximum(one)) == most), least))
    if most is not None and maximum(entry):
        entry = with_maximum(entry, most)
    minimum = max((str(one.get("min_version", "")) for one in entries), key=_key)
    if not minimum or not maximum(entry):
        return entry
    entry["min_version"] = minimum
    return entry if _key(minimum) <= _key(maximum(entry)) else None


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _with_one_current(entries: list[Entry]) -> list[Entry]:
    """Glance calls its newest version CURRENT; if not all sites have that one, the next one is it."""
    supported = [entry for entry in entries if entry.get("status") == "SUPPORTED"]
    if not supported or any(entry.get("status") == "CURRENT" for entry in entries):
        return entries
    newest = max(supported, key=lambda entry: _key(str(entry["id"])))
    return [entry | {"status": "CURRENT"} if entry is newest else entry for entry in entries]


def _with_links(entry: Entry, service: Service, public_url: str) -> Entry:
    """Placement's link is empty on purpose ("this same URL") and stays so; others end with a slash."""
    own = f"{public_url.rstrip('/')}{service.prefix}{service.version}/"
    links = [
        link | {"href": own} if link.get("rel") == "self" and link.get("href") else link
        for link in entry.get("links", ())
    ]
    return entry | {"links": links}
