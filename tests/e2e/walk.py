"""Takes every ID out of every list and uses it in the next call."""

import re
from typing import Any

from tests.e2e.api import Api

LISTS = (
    ("compute", "/servers/detail", "servers", "/servers/{}"),
    ("compute", "/flavors/detail", "flavors", "/flavors/{}"),
    ("compute", "/os-server-groups", "server_groups", "/os-server-groups/{}"),
    ("network", "/v2.0/networks", "networks", "/v2.0/networks/{}"),
    ("network", "/v2.0/subnets", "subnets", "/v2.0/subnets/{}"),
    ("network", "/v2.0/ports", "ports", "/v2.0/ports/{}"),
    ("network", "/v2.0/routers", "routers", "/v2.0/routers/{}"),
    ("network", "/v2.0/floatingips", "floatingips", "/v2.0/floatingips/{}"),
    ("network", "/v2.0/security-groups", "security_groups", "/v2.0/security-groups/{}"),
    (
        "network",
        "/v2.0/security-group-rules",
        "security_group_rules",
        "/v2.0/security-group-rules/{}",
    ),
    ("image", "/v2/images", "images", "/v2/images/{}"),
    ("block-storage", "/volumes/detail", "volumes", "/volumes/{}"),
    ("block-storage", "/snapshots/detail", "snapshots", "/snapshots/{}"),
    ("block-storage", "/types", "volume_types", "/types/{}"),
)
MICROVERSIONS = {"compute": "2.64", "block-storage": "3.50"}

NETWORK, SUBNET = ("network", "/v2.0/networks/{}"), ("network", "/v2.0/subnets/{}")
PORT, ROUTER = ("network", "/v2.0/ports/{}"), ("network", "/v2.0/routers/{}")
GROUP, SERVER = ("network", "/v2.0/security-groups/{}"), ("compute", "/servers/{}")
VOLUME, IMAGE = ("block-storage", "/volumes/{}"), ("image", "/v2/images/{}")
REFERENCES = (
    (r".*\b(floating_)?network_id", NETWORK),
    (r"(?!.*external).*\bsubnet_id|subnets\[\]", SUBNET),
    (r".*\bport_id", PORT),
    (r".*\brouter_id", ROUTER),
    (r"security_groups\[\]|.*\bsecurity_group_id|.*\bremote_group_id", GROUP),
    (r".*\bserver_id", SERVER),
    (r".*\bvolume_id|.*\bvolumes_attached\[\]\.id", VOLUME),
    (r"image\.id", IMAGE),
    (r"security_group_rules\[\]\.id", ("network", "/v2.0/security-group-rules/{}")),
)
OWNERS = {"compute:": SERVER, "network:router": ROUTER}


def follow_ids(api: Api) -> tuple[list[str], int]:
    """What did not work, and how many IDs were followed."""
    failures: list[str] = []
    followed: dict[tuple[str, str], str] = {}
    for service, path, key, item_path in LISTS:
        version = MICROVERSIONS.get(service, "")
        for item in api.get(service, path, microversion=version)[key]:
            found = [(service, item_path.format(item["id"]), "id"), *_references(item)]
            for where, target, place in found:
                followed.setdefault((where, target), f"{path}: {place}")
    for (service, target), place in followed.items():
        version = MICROVERSIONS.get(service, "")
        answer = api.call("GET", service, target, microversion=version)
        if not answer.ok:
            failures.append(f"{place} -> GET {target}: {answer.status_code}")
            continue
        body = answer.json()
        shown = body if "id" in body else next(iter(body.values()))
        if shown["id"] != target.rpartition("/")[2]:
            failures.append(f"{place} -> GET {target}: shows {shown['id']}")
    return failures, len(followed)


def _references(item: dict[str, Any]) -> list[tuple[str, str, str]]:
    found = []
    for place, value in _strings(item, ""):
        for pattern, service_path in REFERENCES:
            service, path = service_path
            # The subnets of an external network are not shown to tenants by every release.
            hidden = service_path is SUBNET and item.get("router:external")
            if value and re.fullmatch(pattern, place) and not hidden:
                found.append((service, path.format(value), place))
    for owner, (service, path) in OWNERS.items():
        if item.get("device_id") and item.get("device_owner", "").startswith(owner):
            found.append((service, path.format(item["device_id"]), "device_id"))
    return found


def _strings(value: Any, at: str) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        nested = [_strings(below, f"{at}.{key}" if at else key) for key, below in value.items()]
        return [each for part in nested for each in part]
    if isinstance(value, list):
        return [each for below in value for each in _strings(below, f"{at}[]")]
    return [(at, value)] if isinstance(value, str) else []
