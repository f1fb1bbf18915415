"""Things of one project at both sites, and what each of them must look like when it is asked for again."""

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.adversarial.client import Answer, Login
from tests.adversarial.gateways import SITES

SERVER_SECONDS = 120


@dataclass(frozen=True)
class Thing:
    """One object that a client holds the ID of."""

    service: str
    path: str
    key: str
    """The key of its body; empty where it is the body itself."""
    id: str
    name: str
    site: str = ""

    def read(self, answer: Answer) -> dict[str, Any]:
        return dict(answer.json[self.key] if self.key else answer.json)

    def is_it(self, answer: Answer) -> bool:
        """Whether an answer shows this very thing."""
        shown = self.read(answer)
        return (shown["id"], shown["name"]) == (self.id, self.name)


@dataclass
class Estate:
    """What one login has made."""

    owner: Login
    mark: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    things: list[Thing] = field(default_factory=list)

    def of(self, path: str, site: str = "") -> Thing:
        """The thing of this kind, at this site if one is named."""
        return next(t for t in self.things if t.path == path and site in ("", t.site))

    async def make(self, service: str, path: str, key: str, site: str, **fields: Any) -> Thing:
        """Something new at a site, named after its kind, the mark and the site."""
        name = fields.pop("name", f"{path[1:].partition('?')[0]}-{self.mark}-{site}")
        new = {"name": name, **fields}
        made = await self.owner.do("POST", service, path, {key: new} if key else new, site=site)
        made = made[key] if key else made
        thing = Thing(service, path, key, made["id"], name, site)
        self.things.append(thing)
        return thing


async def new_estate(owner: Login, *, server: bool = True) -> Estate:
    """A network with a port, a volume, an image, a group and (if wanted) a server, at each site."""
    estate = Estate(owner)
    await asyncio.gather(*(_furnish(estate, site, server) for site in SITES))
    return estate


async def _furnish(estate: Estate, site: str, server: bool) -> None:
    net = await estate.make("network", "/networks", "network", site)
    octet = 1 + SITES.index(site)
    subnet = {"network_id": net.id, "ip_version": 4, "cidr": f"10.77.{octet}.0/24"}
    await estate.make("network", "/subnets", "subnet", site, **subnet)
    port = await estate.make("network", "/ports", "port", site, network_id=net.id)
    await estate.make("network", "/security-groups", "security_group", site)
    await estate.make("volume", "/volumes", "volume", site, size=1)
    await estate.make("image", "/images", "", site, disk_format="raw", container_format="bare")
    if server:
        image, flavor = await equal_ones(estate.owner)
        networks = [{"port": port.id}]
        await estate.make(
            "compute",
            "/servers",
            "server",
            site,
            imageRef=image,
            flavorRef=flavor,
            networks=networks,
        )
    await settled(estate, site)


async def equal_ones(login: Login) -> tuple[str, str]:
    """The image and the flavor that are one at all sites."""
    images = (await login.get("image", "/images?name=cirros"))["images"]
    flavors = (await login.get("compute", "/flavors"))["flavors"]
    assert len(images) == 1
    return images[0]["id"], next(f["id"] for f in flavors if f["name"] == "m1.nano")


async def settled(estate: Estate, site: str) -> None:
    """Until servers and volumes of a site are made."""
    deadline = time.monotonic() + SERVER_SECONDS
    for thing in estate.things:
        if thing.site != site or thing.path not in ("/servers", "/volumes"):
            continue
        while True:
            shown = thing.read(await shown_of(estate.owner, thing))
            if shown["status"].lower() in ("active", "available"):
                break
            assert shown["status"].lower() != "error", shown
            assert time.monotonic() < deadline, shown
            await asyncio.sleep(0.5)


async def shown_of(login: Login, thing: Thing) -> Answer:
    """What a login gets for the ID of a thing."""
    return await login.ask("GET", thing.service, f"{thing.path}/{thing.id}")
