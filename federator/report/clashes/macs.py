"""MAC addresses that several sites gave out."""

from collections import defaultdict
from collections.abc import Iterator

from federator.report.finding import Finding, Weight, found
from federator.report.snapshot import Snapshot, shown


def clashes(snapshot: Snapshot) -> Iterator[Finding]:
    """Of ports at different sites; inside a site it is the site's own affair."""
    used: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for site, port in snapshot.all("port"):
        if address := port.get("mac_address"):
            used[str(address).lower()].setdefault(site.name, shown(port))
    yield from found(
        Weight.CLASH,
        "macs-used-twice",
        "Ports of several sites have the same MAC address",
        means="nothing as long as their networks stay apart; two of them on one stretched network take each "
        "other's traffic",
        cure="give each site a base_mac of its own in its neutron.conf, and make one of the ports anew before "
        "its network is stretched",
        cases=[
            f"{address}: {'; '.join(f'{port} at {site}' for site, port in at.items())}"
            for address, at in sorted(used.items())
            if len(at) > 1
        ],
    )
