"""Can networks span to this site: is the physical network there, are the VLAN IDs free, may they be used?"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from adapters.daemon_rights import TRIAL
from adapters.marks import marks_of
from federator.doctor.patient import Finding, Patient, good, note, wrong
from sync.cloud import Cloud, Refused
from sync.driver import vlan_of

_NAMED = 5
"""So many of other people's networks are named; more would be no line any more."""
_WHERE = "networking.md, What you prepare"


async def check(patient: Patient) -> AsyncIterator[Finding]:
    federation = patient.site.federation
    if patient.is_home or federation.stretched_by_hand or not federation.physical_network:
        return
    if "network" not in await patient.account.endpoints():
        yield wrong("physical_network is stated, and there is no network service", "take it away")
        return
    cloud = Cloud(patient.account)
    if not patient.segments:
        cure = f"state segments in federator.yaml ({_WHERE})"
        yield wrong("physical_network is stated, and no VLAN IDs are", cure)
    try:
        ranges = await _ranges(cloud, federation.physical_network)
        yield await _physical(cloud, federation.physical_network, ranges)
        for finding in _reserved(patient.segments, federation.physical_network, ranges):
            yield finding
        if patient.segments:
            yield await _free(cloud, federation.physical_network, patient.segments)
        yield await _allowed(patient)
    except Refused as error:
        yield wrong(f"what daemons need cannot be looked at: {error}", "give the account admin")


async def _ranges(cloud: Cloud, physical: str) -> list[Mapping[str, Any]] | None:
    """The VLAN ranges of the physical network; None if the site does not offer to say."""
    # Without `fields` every free ID would be listed.
    fields = "&".join(f"fields={name}" for name in ("name", "minimum", "maximum", "shared"))
    query = f"network_type=vlan&physical_network={quote(physical)}&{fields}"
    try:
        body = await cloud.call("GET", f"/v2.0/network_segment_ranges?{query}")
    except Refused as error:
        if error.status == 404:
            return None
        raise
    return list(body["network_segment_ranges"])


async def _physical(
    cloud: Cloud, physical: str, ranges: Sequence[Mapping[str, Any]] | None
) -> Finding:
    """Whether the site knows the physical network."""
    cure = f"correct physical_network in clouds.yaml, or map it to a bridge at the site ({_WHERE})"
    if ranges:
        return good(f"VLANs are on the physical network {physical}")
    try:
        agents = (await cloud.call("GET", "/v2.0/agents"))["agents"]
    except Refused as error:
        if error.status not in (403, 404):
            raise
        agents = []
    known = {name for agent in agents for name in _mapped(agent)}
    if physical in known:
        return good(f"the physical network {physical} is mapped to bridges")
    if known:
        names = ", ".join(sorted(known))
        return wrong(f"there is no physical network {physical}; there are {names}", cure)
    return note(f"whether there is a physical network {physical} cannot be known", cure)


def _mapped(agent: Mapping[str, Any]) -> list[str]:
    """The physical networks that an agent maps: a table (Open vSwitch), or a text (OVN)."""
    said = agent.get("configurations") or {}
    found = said.get("bridge_mappings") or said.get("bridge-mappings") or {}
    if isinstance(found, str):
        return [pair.partition(":")[0].strip() for pair in found.split(",") if pair.strip()]
    return [str(name) for name in found]


def _reserved(
    segments: range, physical: str, ranges: Sequence[Mapping[str, Any]] | None
) -> list[Finding]:
    """Whether the site's own tenants are kept off the IDs."""
    if ranges is None or not segments:
        return []
    first, last = segments.start, segments.stop - 1
    for each in ranges:
        low, high = each.get("minimum"), each.get("maximum")
        if not isinstance(low, int) or not isinstance(high, int):
            continue
        if not each.get("shared") and low <= first and last <= high:
            return [good(f"VLANs {first}-{last} are reserved")]
    cure = (
        f"openstack network segment range create --private --network-type vlan --physical-network {physical}"
        f" --minimum {first} --maximum {last} --project <the account's> federator"
    )
    return [note(f"VLANs {first}-{last} are not reserved: tenants may be given one", cure)]


async def _free(cloud: Cloud, physical: str, segments: range) -> Finding:
    """Whether others use IDs of the federation's."""
    taken = []
    async for networks in cloud.pages("/v2.0/networks", "networks"):
        for network in networks:
            number = vlan_of(network, physical)
            if number in segments and marks_of(network) is None:
                taken.append(f"{network.get('name') or network['id']} ({number})")
    if taken:
        more = f" and {len(taken) - _NAMED} more" if len(taken) > _NAMED else ""
        what = f"VLAN IDs of segments are in use: {', '.join(taken[:_NAMED])}{more}"
        return note(what, "they are passed over; give the networks others, or narrow segments")
    return good(f"no others use VLANs {segments.start}-{segments.stop - 1} on {physical}")


async def _allowed(patient: Patient) -> Finding:
    """Whether daemons may make networks with VLAN IDs: by one that cannot be made."""
    status, _ = await patient.account.request("POST", "network", TRIAL.trial, TRIAL.body)
    if status in (401, 403):
        return wrong(f"the account may not {TRIAL} with VLANs ({status})", f"allow {TRIAL.rule}")
    return good("the account may make networks with VLANs of its choice")
