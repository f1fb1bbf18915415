"""IDs that are none, lists asked for in words that do not exist, microversions of nobody."""

import pytest

from tests.adversarial.alike import Bad, Everybody, all_alike

UNKNOWN = "6d1bb5a3-93a9-4bd5-9f5a-0c3d5b4bb0a5"
IDS = {
    "a UUID": UNKNOWN,
    "in capitals": UNKNOWN.upper(),
    "without hyphens": UNKNOWN.replace("-", ""),
    "in braces": f"%7B{UNKNOWN}%7D",
    "a URN": f"urn:uuid:{UNKNOWN}",
    "too short": UNKNOWN[:-1],
    "too long": UNKNOWN + "0",
    "two of them": f"{UNKNOWN},{UNKNOWN}",
    "a name": "no-such-thing",
    "a name with a space": "no%20such%20thing",
    "a number": "17",
    "less than nothing": "-1",
    "zero": "0",
    "many digits": "9" * 60,
    "Unicode": "%E6%9D%B1%E4%BA%AC",
    "not UTF-8": "%FF%FE",
    "a quote": "%27%20OR%201=1--",
    "a percent sign": "100%25",
    "a site's name": "tokyo",
    "something at a site": "nothing@tokyo",
    "a long word": "x" * 300,
}
OBJECTS = {
    "compute": ["/servers/{}", "/flavors/{}", "/os-keypairs/{}", "/servers/{}/os-interface"],
    "network": ["/networks/{}", "/ports/{}", "/security-groups/{}", "/floatingips/{}"],
    "image": ["/images/{}", "/images/{}/members"],
    "volume": ["/volumes/{}", "/snapshots/{}", "/types/{}"],
}
BODIES = {
    "/servers/{}": ("PUT", b'{"server": {"name": "x"}}'),
    "/networks/{}": ("PUT", b'{"network": {"name": "x"}}'),
    "/volumes/{}": ("PUT", b'{"volume": {"name": "x"}}'),
}
LISTS = {
    "compute": ["/servers", "/servers/detail", "/flavors"],
    "network": ["/networks", "/ports", "/security-groups"],
    "image": ["/images"],
    "volume": ["/volumes", "/volumes/detail", "/snapshots"],
}
QUERIES = (
    "limit=-1",
    "limit=abc",
    "limit=1.5",
    "limit=%20",
    "limit=9223372036854775807",
    "limit=0x10",
    "limit=%C2%B2",
    f"marker={UNKNOWN}",
    "marker=no-such-thing",
    f"limit=1&marker={UNKNOWN}",
    "sort_key=nonsense",
    "sort_key=name&sort_dir=sideways",
    "sort=nonsense:sideways",
    "sort_dir=asc",
    "sort_key=",
    "offset=-1",
    "offset=x",
    "status=NONSENSE",
    "nonsense=1",
    "changes-since=yesterday",
    "created_at=nonsense:2020",
    "fields=nonsense",
    "name=%FF",
    "name=%00",
    "name=*",
    "name=[(",
    "name=%zz",
    "visibility=nonsense",
    "size_min=x",
    "with_count=maybe",
    "all_tenants=perhaps",
    "admin_state_up=perhaps",
    "fixed_ips=nonsense",
    "=x",
    "&&&",
    "x" * 5000,
)
VERSIONS = (
    "{} latest",
    "{} 2.1",
    "{} 2.9999",
    "{} 1.0",
    "{} x",
    "{} 2",
    "{} 2.1.1",
    "{} LATEST",
    "{}",
    "{} ",
    "",
    "2.1",
    "nonsense 2.1",
    "{0} 2.1, {0} 2.2",
    "identity 3.0",
)

ODD_VERSIONS = ("{} 0.0", "{} -2.1", "{} 2.01")


@pytest.mark.parametrize("service", OBJECTS)
async def test_an_id_of_nothing_gets_the_services_own_answer(
    everybody: Everybody, service: str
) -> None:
    headers = {"Content-Type": "application/json"}
    bad = []
    for path in OBJECTS[service]:
        for name, spelt in IDS.items():
            filled = path.format(spelt)
            # A service may look at rights, or at the spelling, before it looks for the thing.
            also = frozenset({404})
            bad += [Bad(name, method, filled, also=also) for method in ("GET", "DELETE")]
            if path in BODIES:
                method, data = BODIES[path]
                bad.append(Bad(name, method, filled, data, headers, also))
    await all_alike(everybody, service, bad)


@pytest.mark.parametrize("service", LISTS)
async def test_a_list_in_words_of_nobody_gets_the_services_own_answer(
    everybody: Everybody, service: str
) -> None:
    # Neutron heeds a marker only where it pages by itself.
    also = frozenset({400, 404}) if service == "network" else frozenset()
    bad = [
        Bad(query[:40], "GET", f"{path}?{query}", also=also if "marker" in query else frozenset())
        for path in LISTS[service]
        for query in QUERIES
    ]
    await all_alike(everybody, service, bad)


@pytest.mark.parametrize(
    ("service", "path", "versions"),
    [
        ("compute", "/servers", VERSIONS + ODD_VERSIONS),
        ("volume", "/volumes", VERSIONS + ODD_VERSIONS),
        ("placement", "/usages?project_id=" + UNKNOWN, VERSIONS),
    ],
)
async def test_a_microversion_of_nobody_gets_the_services_own_answer(
    everybody: Everybody, service: str, path: str, versions: tuple[str, ...]
) -> None:
    bad = [
        Bad(f"version {version!r}", "GET", path, None, {name: version.format(service)})
        for version in versions
        for name in ("OpenStack-API-Version", "X-OpenStack-Nova-API-Version")
    ]
    await all_alike(everybody, service, bad)
