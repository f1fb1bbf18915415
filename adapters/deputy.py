"""Deputies: the site's own users who stand for users of home, where a site trusts no logins of home. Pure.

One deputy is one home user with one set of roles. Its name begins with what identifies it; who
that is follows for readers of the site's logs:

    <home user ID>:<roles>:<user name>@<domain name>
    2c1f...:member+reader:alice@acme
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from urllib.parse import quote

from adapters.identity import Identity
from adapters.mapping import ROLES

NAME_LENGTH = 255
"""Keystone's limit for the name of a user."""

_ROLE = "|".join(ROLES)
_NAME = re.compile(rf"([A-Za-z0-9-]{{1,64}}):(?:{_ROLE})(?:\+(?:{_ROLE}))*:")


def key(identity: Identity, roles: Sequence[str]) -> str:
    """What a deputy's name begins with: it identifies home user and roles, whatever their names.

    An ID of Keystone has no colon in it, so no two of them give the same key.
    """
    return f"{identity.user_id}:{'+'.join(roles)}:"


def name(identity: Identity, roles: Sequence[str]) -> str:
    """The name of the deputy. Names of home may be any Unicode; this one is ASCII and not too long."""
    # Databases compare names as they like and some cannot store all of Unicode, so nothing else
    # than ASCII is left; two names that are cut to the same still differ in their keys.
    who = (identity.user_name, identity.user_domain_name)
    readable = "@".join(quote(part, safe="") for part in who)
    return f"{key(identity, roles)}{readable}"[:NAME_LENGTH]


def description(identity: Identity, roles: Sequence[str]) -> str:
    """Who that is, in full, for the site's operator."""
    who = f"{identity.user_name} of domain {identity.user_domain_name}"
    return f"Made by federator for {who} at home (user ID {identity.user_id}) as {', '.join(roles)}"


def home_user_id(site_user_name: str) -> str | None:
    """The ID of the home user behind a user name of a site, if it is the name of a deputy."""
    found = _NAME.match(site_user_name)
    return found[1] if found else None


def password(secret: bytes, site: str, deputy: str) -> str:
    """The password of the deputy with this key: nobody has to keep it.

    `site` goes in, so that the password that one site sees is worthless at the others. Upper and
    lower case, digits and other characters are all in it, in at most 50: what the rules of sites
    ask for, and short enough for every hash.
    """
    said = f"federator deputy\0{site}\0{deputy}".encode()
    digest = hmac.new(secret, said, hashlib.sha256).digest()
    return f"aA1-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
