"""What the federation can do does not change because a site is away: its extensions count as they were."""

from pathlib import Path

import yaml

from tests.adversarial.gateways import new_fleet
from tests.e2e.api import Api, cloud
from tests.e2e.people import new_people
from tests.e2e.waiting import until
from tests.missing_site.moody import Moody

SITES = ("paris", "tokyo")
PATH = "/v2.0/extensions"
LACKING, LIFTED = "tag-creation", "subnet-external-network"
"""What tokyo lacks, and what it lacks and is computed for it."""


def listed(api: Api) -> set[str]:
    return {each["alias"] for each in api.get("network", PATH)["extensions"]}


def shown(api: Api) -> dict[str, int]:
    asked = (LACKING, LIFTED, "router", "nonsense")
    return {each: api.call("GET", "network", f"{PATH}/{each}").status_code for each in asked}


def test_extensions_while_a_site_is_away(lab: Path, tmp_path: Path) -> None:
    neutron = Moody()
    site = cloud(lab, "tokyo")
    neutron.stand_before(site.catalog()["network"])
    site.close()
    clouds = yaml.safe_load(lab.read_text())
    clouds["clouds"]["tokyo"]["network_endpoint_override"] = neutron.url
    (tmp_path / "sites.yaml").write_text(yaml.safe_dump(clouds))
    stands = True
    with new_fleet(tmp_path / "sites.yaml", tmp_path) as fleet, new_people(lab, SITES) as people:
        apis = []
        try:
            url = fleet.add().url
            apis.append(Api({**people.auth, "auth_url": f"{url}/identity/v3"}, "federation"))
            until(lambda: LIFTED in listed(apis[0]), "the sites' extensions are known")
            common, said = listed(apis[0]), shown(apis[0])
            assert LACKING not in common
            assert said == {LACKING: 404, LIFTED: 200, "router": 200, "nonsense": 404}
            neutron.close()
            stands = False
            # One that has never seen the site knows it as well.
            url = fleet.add().url
            apis.append(Api({**people.auth, "auth_url": f"{url}/identity/v3"}, "federation"))
            for api in apis:
                answer = api.call("GET", "network", PATH)
                assert answer.headers["X-Federation-Missing-Sites"] == "tokyo"
                assert (listed(api), shown(api)) == (common, said)
        finally:
            for api in apis:
                api.close()
            if stands:
                neutron.close()
        fleet.check()
