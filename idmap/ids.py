"""The arithmetic of IDs: how an ID of one site becomes an ID of the federation. Pure.

A *global ID* is the pin if there is one (`idmap.pins`), else ``UUIDv5(namespace of the site, local
ID)``: the same in every process, computed without asking anybody. The kind of an object is never
hashed, for one object goes by several (a server is a consumer to Placement, a resource provider a
hypervisor to Nova).

Some objects have plain numbers for IDs (host aggregates, migrations). Their global ID is again a
number, ``local * 1000 + number of the site``, and can be taken apart without a look-up.
"""

import re
from functools import lru_cache
from hashlib import sha1
from uuid import UUID, uuid5

FEDERATION_NAMESPACE = UUID("5f0b9d1e-4f0c-5c56-9b3c-0d6f1c9a7a11")
"""Namespace of site namespaces. Part of every global ID ever handed out: never change it."""

SITE_NUMBERS = 1000
"""Site numbers run from 1 to 999."""

_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
_UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")


def is_uuid(value: object) -> bool:
    """Whether `value` is text in the shape of a UUID, with hyphens or as 32 hex digits."""
    # The length tells "all four hyphens" and "none" from everything between.
    return isinstance(value, str) and len(value) in (32, 36) and _has_shape(value)


@lru_cache(8192)
def _has_shape(value: str) -> bool:
    """Remembered for a while: on its way every ID is looked at by several."""
    return _UUID.fullmatch(value) is not None


def canonical(value: str) -> str:
    """The one spelling under which a UUID is remembered: lower case, with hyphens."""
    plain = value.lower()
    if len(plain) == 36:
        return plain
    return f"{plain[:8]}-{plain[8:12]}-{plain[12:16]}-{plain[16:20]}-{plain[20:]}"


def site_namespace(site: str) -> UUID:
    """The namespace a site gets when its entry in clouds.yaml does not state one."""
    return uuid5(FEDERATION_NAMESPACE, site)


def site_number(namespace: UUID) -> int:
    """The number (1 to 999) a site gets when its entry in clouds.yaml does not state one."""
    return namespace.int % (SITE_NUMBERS - 1) + 1


def global_uuid(namespace: UUID, local_id: str) -> str:
    """The global ID of a local object without a pin, in the canonical spelling.

    `local_id` is hashed in its canonical spelling if it is a UUID, as it stands otherwise.
    """
    return computed(namespace, canonical(local_id) if is_uuid(local_id) else local_id)


def computed(namespace: UUID, name: str) -> str:
    """The same, of an ID that is spelt canonically or is no UUID: version 5 (RFC 9562, section 5.5)."""
    # By hand, for `uuid.uuid5` takes several times as long and a page has thousands of IDs.
    text = sha1(namespace.bytes + name.encode(), usedforsecurity=False).hexdigest()
    variant = _VARIANTS[text[16]]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


def global_number(number_of_site: int, local: int) -> int:
    """The global form of an ID that is a plain number."""
    return local * SITE_NUMBERS + number_of_site


def split_number(value: int) -> tuple[int, int]:
    """The number of the site and the local number inside a global number."""
    local, number_of_site = divmod(value, SITE_NUMBERS)
    return number_of_site, local
