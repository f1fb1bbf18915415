"""Debian packages the lab runs on; deploy/install-packages.sh starts and enables none of their services."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from lab.layout import CHECKOUT, LabError
from lab.progress import say

# package: a file or program it brings, which tells whether it is there
PACKAGES = {
    "mariadb-server": "/usr/sbin/mariadbd",
    "rabbitmq-server": "/usr/lib/rabbitmq/bin/rabbitmq-server",
    "memcached": "/usr/bin/memcached",
    "apache2": "/usr/sbin/apache2",
    "libapache2-mod-auth-mellon": "/usr/lib/apache2/modules/mod_auth_mellon.so",
    "libapache2-mod-auth-openidc": "/usr/lib/apache2/modules/mod_auth_openidc.so",
    "xmlsec1": "/usr/bin/xmlsec1",
    "qemu-utils": "/usr/bin/qemu-img",
    "openssl": "/usr/bin/openssl",
    "nftables": "/usr/sbin/nft",
    # Whoever brought them: a Node.js that is there already may be newer than Debian's.
    "nodejs": "node",
    "npm": "npm",
}
INSTALLER = CHECKOUT / "deploy" / "install-packages.sh"


def install_missing() -> None:
    missing = [name for name, path in PACKAGES.items() if not _is_there(path)]
    if not missing:
        return
    say("machine", "installs " + " ".join(missing))
    done = subprocess.run([INSTALLER, *missing], stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise LabError("without these packages there is no lab")
    say("machine", "packages installed, no service of theirs started or enabled")


def _is_there(path: str) -> bool:
    return Path(path).exists() if path.startswith("/") else shutil.which(path) is not None
