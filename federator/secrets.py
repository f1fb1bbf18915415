"""What log and audit may say of secrets: hashes of tokens, and texts in which no token stands. Pure."""

import re
from hashlib import sha256

_TOKENS = re.compile(r"gAAAA[\w=%-]{8,}|eyJ[\w-]+\.[\w-]+(?:\.[\w-]+)?")
"""Keystone's tokens (Fernet), and JSON web tokens."""
_LONGEST = 500


def hashed(token: str) -> str:
    """A token as keystoneauth logs it, so that an event can be found by a client's debug log."""
    # What came as a token may be no text at all, and is told nevertheless.
    return "{SHA256}" + sha256(token.encode(errors="surrogateescape")).hexdigest()


def harmless(text: str) -> str:
    """A text of a client: somebody may have put his token where it does not belong."""
    text = text[: 4 * _LONGEST]
    if not text.isascii():
        # Headers may hold bytes that are no text.
        text = text.encode(errors="replace").decode()
    if "gAAAA" in text or "eyJ" in text:
        text = _TOKENS.sub("***", text)
    return text[:_LONGEST]
