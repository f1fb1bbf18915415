"""Secrets of the gateway itself, each in a file that only it may read.

head -c 32 /dev/urandom | base64 > /etc/federator/secret; chmod 600 /etc/federator/secret
"""

from pathlib import Path
from stat import S_IROTH

from adapters.errors import SettingsError

SHORTEST = 32
"""Bytes. Everything derived from a secret is as strong as the secret."""


def read_secret(path: Path, setting: str) -> bytes:
    """The content of a secret file, without white space around it.

    `setting` is where the file is named; it stands in errors. Raises SettingsError.
    """
    where = f"{setting}: {path}"
    try:
        mode = path.stat().st_mode
        secret = path.read_bytes().strip()
    except OSError as error:
        cure = f"put at least {SHORTEST} random bytes there"
        raise SettingsError(f"{where}: cannot be read ({error.strerror}); {cure}") from None
    if mode & S_IROTH:
        raise SettingsError(f"{where}: everybody may read it; chmod 600 it and change the secret")
    if len(secret) < SHORTEST:
        raise SettingsError(
            f"{where}: has {len(secret)} bytes; put at least {SHORTEST} random ones there"
        )
    return secret
