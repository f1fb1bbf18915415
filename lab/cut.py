"""A site that is cut off: every packet to its ports is lost, as behind a broken line. With nftables.

Connections that are open fall silent, new ones are not even refused. The services themselves run on; they do
not reach each other either, and get over it.
"""

from __future__ import annotations

from lab.cloud import Cloud
from lab.layout import CLOUD_PORTS
from lab.progress import run


def cut_off(cloud: Cloud) -> None:
    """Let no packet through to the site. Twice is as good as once."""
    ports = ", ".join(str(cloud.port(name)) for name in cloud.services if name in CLOUD_PORTS)
    _nft(
        cloud,
        f"""
        table inet {_table(cloud)}
        delete table inet {_table(cloud)}
        table inet {_table(cloud)} {{
            chain lost {{
                type filter hook input priority filter
                tcp dport {{ {ports} }} drop
            }}
        }}
        """,
    )


def reconnect(cloud: Cloud) -> None:
    """Let all through again, whether or not the site was cut off."""
    _nft(cloud, f"table inet {_table(cloud)}\ndelete table inet {_table(cloud)}\n")


def _table(cloud: Cloud) -> str:
    return f"lab_{cloud.name}"


def _nft(cloud: Cloud, rules: str) -> None:
    run(
        ["nft", "-f", "-"],
        cloud.layout.log(cloud.name, "nft"),
        stdin=rules,
        cure="the right to change the firewall (CAP_NET_ADMIN)",
    )
