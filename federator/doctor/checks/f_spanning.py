"""Can networks span to this site: is the physical network there, are VLAN IDs free, and may ports be made?"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from adapters.daemon_rights import TRIAL
from adapters.marks import marks_of
from adapters.transit import transit_of
from federator.doctor.patient import Finding, Patient, good, note, wrong
from sync.cloud import Cloud, Refused
from sync.driver import vlan_of
from sync.segments import parse_pool

_NAMED = 5
"""So many of other people's networks are named; more would be no line any more."""
_WHERE = "networking.md, What you prepare"
_CHASSIS = (
    "give each one of its own for what routers of several sites send:"
    f" ovs-vsctl set open . external-ids:ovn-chassis-mac-mappings=... ({_WHERE})"
)


async def check(patient: Patient) -> AsyncIterator[Finding]:
    federation = patient.site.federation
    if patient.is_home or federation.stretched_by_hand or not federation.physical_network:
        return
    if "network" not in await patient.account.endpoints():
        yield wrong("physical_network is stated, and there is no network service", "take it away")
        return
    cloud = Cloud(patient.account)
    try:
        ranges = await _ranges(cloud, federation.physical_network)
        agents = await _agents(cloud)
        yield _physical(agents, federation.physical_network, ranges)
        if any(agent.get("agent_type") == "OVN Controller agent" for agent in agents):
            yield note("OVN: the MACs of its chassis cannot be read from here", _CHASSIS)
        if patient.ward.segments:
            pool = parse_pool(patient.ward.segments)
            project = await patient.account.project_id()
            yield await _free(cloud, federation.physical_network, pool, project)
        yield await _room(patient, cloud)
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


async def _agents(cloud: Cloud) -> list[Mapping[str, Any]]:
    """The agents of the site; none if it does not offer to say."""
    try:
        return list((await cloud.call("GET", "/v2.0/agents"))["agents"])
    except Refused as error:
        if error.status not in (403, 404):
            raise
    return []


def _physical(
    agents: Sequence[Mapping[str, Any]], physical: str, ranges: Sequence[Mapping[str, Any]] | None
) -> Finding:
    """Whether the site knows the physical network."""
    cure = f"correct physical_network in clouds.yaml, or map it to a bridge at the site ({_WHERE})"
    if ranges:
        return good(f"VLANs are on the physical network {physical}")
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


async def _free(cloud: Cloud, physical: str, segments: range, account: str) -> Finding:
    """Whether others use IDs of the federation's. `account` is the project of the gateway's account."""
    taken = []
    async for networks in cloud.pages("/v2.0/networks", "networks"):
        for network in networks:
            number = vlan_of(network, physical)
            ours = marks_of(network) is not None or transit_of(network, account) is not None
            if number in segments and not ours:
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


async def _room(patient: Patient, cloud: Cloud) -> Finding:
    """Whether the account's own project has room for what stands there for the federation alone."""
    project = await patient.account.project_id()
    try:
        quota = (await cloud.call("GET", f"/v2.0/quotas/{project}"))["quota"]
    except Refused as error:
        if error.status != 404:
            raise
        quota = {}
    most = {kind: quota.get(kind, -1) for kind in ("port", "network", "subnet")}
    limited = {kind: number for kind, number in most.items() if number != -1}
    if not limited:
        return good("the account's project may have all that stands there for other sites")
    counts = " and ".join(f"{number} {kind}s" for kind, number in limited.items())
    options = " ".join(f"--{kind}s -1" for kind in limited)
    return note(
        f"the account's project may have {counts}. Each port of another site on a routed network that spans"
        " takes one; each router that leads to networks of single sites a network, two subnets and a port",
        f"openstack quota set {options} {project} ({_WHERE})",
    )
