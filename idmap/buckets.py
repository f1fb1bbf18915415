"""How one mapping, global UUID -> (site, local ID), is written in few bytes. Pure.

address   the 16 bytes of the global UUID
value     2 bytes: spelling of the local ID (6 bits), number of the site (10 bits);
          then 16 bytes if the local ID is spelt as UUIDs usually are, else its text in UTF-8
"""

from idmap.ids import canonical, is_uuid

_HYPHENS, _PLAIN, _TEXT = range(3)
_NUMBER_BITS = 10


def address(uuid: str) -> bytes:
    """The 16 bytes of a UUID in any spelling."""
    return bytes.fromhex(uuid.replace("-", ""))


def pack(number_of_site: int, local_id: str) -> bytes:
    """The value of one mapping. The local ID comes back from it exactly as it is spelt here."""
    # An unusual spelling (upper case) is text: the site may compare its IDs letter by letter.
    if not is_uuid(local_id) or local_id != local_id.lower():
        spelling, body = _TEXT, local_id.encode()
    else:
        spelling, body = _HYPHENS if len(local_id) == 36 else _PLAIN, address(local_id)
    return (spelling << _NUMBER_BITS | number_of_site).to_bytes(2, "big") + body


def unpack(value: bytes) -> tuple[int, str]:
    """The number of the site and the local ID in a value."""
    spelling, number_of_site = divmod(int.from_bytes(value[:2], "big"), 1 << _NUMBER_BITS)
    body = value[2:]
    if spelling == _TEXT:
        return number_of_site, body.decode()
    return number_of_site, body.hex() if spelling == _PLAIN else canonical(body.hex())
