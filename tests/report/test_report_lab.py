"""``federator site report`` on real sites that were never told of each other, and one that is not there."""

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from tests.cli.command import federator, settings_file
from tests.e2e.api import Api, cloud
from tests.e2e.running import free_port

SITES = ("paris", "tokyo")
NETWORK = "lån"
MAC = "fa:16:3e:12:34:56"


@pytest.fixture(scope="module")
def project(lab: Path) -> Iterator[str]:
    """A project of one name at both sites, and things in it that clash. Home knows nothing of it."""
    name = f"report-{uuid.uuid4().hex[:8]}"
    with ExitStack() as stack:
        for site, cidr in zip(SITES, ("10.88.0.0/16", "10.88.7.0/24"), strict=True):
            admin = cloud(lab, f"{site}-admin")
            stack.callback(admin.close)

            def made(
                service: str, path: str, key: str, *, admin: Api = admin, **fields: object
            ) -> str:
                new = admin.do("POST", service, path, {key: fields})[key]["id"]
                stack.callback(admin.do, "DELETE", service, f"{path}/{new}")
                return str(new)

            project = made("identity", "/projects", "project", name=name, domain_id="default")
            stack.callback(_without_groups, admin, project)
            own = {"project_id": project}
            network = made("network", "/v2.0/networks", "network", name=NETWORK, **own)
            ours = {"network_id": network, **own}
            made("network", "/v2.0/subnets", "subnet", cidr=cidr, ip_version=4, **ours)
            made("network", "/v2.0/ports", "port", mac_address=MAC, **ours)
        yield name


def _without_groups(admin: Api, project: str) -> None:
    """The default group comes by itself, and does not go with its project."""
    path = "/v2.0/security-groups"
    for group in admin.get("network", f"{path}?project_id={project}")["security_groups"]:
        admin.do("DELETE", "network", f"{path}/{group['id']}")


@pytest.fixture(scope="module")
def config(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the two sites only one is in the federation yet."""
    folder = tmp_path_factory.mktemp("report")
    clouds = yaml.safe_load(lab.read_text())
    gone = {"auth_url": f"http://127.0.0.1:{free_port()}/v3", "username": "u", "password": "p"}
    clouds["clouds"]["rome"] = {"auth": gone}
    (folder / "clouds.yaml").write_text(yaml.safe_dump(clouds))
    return settings_file(folder / "federator.yaml", {"sites": ["paris"]})


def test_what_clashes_at_real_sites(config: Path, project: str) -> None:
    said = federator("site", "report", "--config", config, "--json", *SITES)
    assert (said.code, said.err) == (0, "")
    report = json.loads(said.out)
    assert list(report["sites"]) == ["home", *SITES]
    assert report["sites"]["paris"]["read"]["network"] >= 1
    cases = {each["kind"]: each["cases"] for each in report["findings"]}
    ours = f"Default/{project}"
    assert (
        f"{ours}: 10.88.0.0/16 ({NETWORK}) at paris; 10.88.7.0/24 ({NETWORK}) at tokyo"
        in cases["subnets-overlap-in-project"]
    )
    named = f"{ours}: {NETWORK}, 10.88.0.0/16 at paris, 10.88.7.0/24 at tokyo"
    assert named in cases["networks-of-one-name"]
    assert any(case.startswith(MAC) for case in cases["macs-used-twice"])
    assert f"{ours} at paris and tokyo" in cases["projects-of-one-name"]
    assert "cirros at paris and tokyo" in cases["images-one"]
    assert "public at paris and tokyo" in cases["external-networks-one"]
    assert any(case.startswith("m1.nano") for case in cases["flavors-one"])
    assert "Default/admin at paris" in " ".join(cases["home-projects-taken"])


def test_a_site_that_is_not_there_is_named_and_the_others_are_told(
    config: Path, project: str
) -> None:
    said = federator("site", "report", "--config", config, "rome", *SITES)
    assert said.code == 1
    assert "rome: NOT READ, and so not in this report" in said.out
    assert "CLASH Subnets of one project overlap" in said.out


def test_only_sites_can_be_named(config: Path) -> None:
    for name in ("atlantis", "home"):
        assert name in federator("site", "report", "--config", config, name).complaint
