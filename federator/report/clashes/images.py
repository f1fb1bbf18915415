"""Images of one name."""

from collections.abc import Iterator

from federator.report.alike import declared, differences, everywhere, of_one_name
from federator.report.finding import Finding, Weight, found
from federator.report.snapshot import Snapshot


def clashes(snapshot: Snapshot) -> Iterator[Finding]:
    """Public ones that become one, and public ones that differ."""
    resource = snapshot.resources["image"]
    public = (
        (site, each)
        for site, each in snapshot.all("image")
        if each.get("name") and all(each.get(k) == v for k, v in resource.equal_if.items())
    )
    proved = declared(snapshot, "image")
    named = of_one_name(
        public,
        lambda _, each: str(each["name"]),
        # Of an image without a hash nothing is known but that it is itself.
        lambda site, each: proved(site, each) if each.get("os_hash_value") else str(each["id"]),
    )
    yield from found(
        Weight.ONE,
        "images-one",
        "Public images with the same data will be one",
        means="tenants see one image, and a server of it may be at any of these sites",
        cure="none is needed",
        cases=[everywhere(each) for each in named if not each.differ],
    )
    yield from found(
        Weight.CLASH,
        "images-differ",
        "Public images of one name have different data",
        means="tenants see several of that name, and whoever names it is told that there is more than one",
        cure="upload the same file at all sites, or rename them; of an image without os_hash_value (an old "
        "one) it cannot be proved what it is: upload it again",
        cases=[
            differences(each, ("os_hash_value", "os_hash_algo", "size"))
            for each in named
            if each.differ
        ],
    )
