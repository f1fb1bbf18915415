"""What is secret is sealed by a key made of the gateway's secret, before it is kept where others can read.

Each purpose has a key of its own: who knows one knows nothing else that is made of the secret.
"""

from os import urandom

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12


class Seal:
    """Seals and opens notes for one purpose."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        """`secret` is the same in all gateway processes (`adapters.secret`)."""
        info = f"federator {purpose}".encode()
        self._cipher = AESGCM(HKDF(SHA256(), 32, salt=None, info=info).derive(secret))

    def closed(self, name: str, content: bytes) -> bytes:
        """The content of the note of this name, readable with the secret only."""
        nonce = urandom(_NONCE)
        # The name is sealed in: nobody can put one note in another's place.
        return nonce + self._cipher.encrypt(nonce, content, name.encode())

    def opened(self, name: str, sealed: bytes) -> bytes | None:
        """What was sealed under this name; None if it was not, or with another secret."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
        except (InvalidTag, ValueError):
            return None
