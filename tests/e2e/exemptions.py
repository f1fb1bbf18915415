"""What of a site may reach a client, and why. The one list; nothing else is forgiven.

Each entry names the paths it holds for, the place in the answer, and the reason. An entry that the tour of both
sites never needs is removed: the test says so.

Not in the list because they have not the shape of an ID: ``hostId`` (a hash of project and host, which only
says whether two servers of one project share a host), host names, which admins see, and the names of services.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exemption:
    """One place in the answers at some paths. Both patterns have to match to their ends."""

    path: str
    place: str
    reason: str

    def covers(self, path: str, place: str) -> bool:
        return bool(re.fullmatch(self.path, path) and re.fullmatch(self.place, place))


EXEMPTIONS: tuple[Exemption, ...] = (
    Exemption(
        r"/image/v2/images(/[^/]+(/file)?)?",
        r"(images\[\]\.)?checksum|header (content-md5|etag)",
        "The MD5 sum of the data has the shape of an ID. It says nothing of where the data is.",
    ),
    Exemption(
        r"/compute/v2\.1/servers/[^/]+/os-instance-actions(/[^/]+)?",
        r"instanceActions?(\[\])?\.request_id",
        "Nova's own ID of a request. It names no object, and is taken back as it is in the path of an action.",
    ),
    Exemption(
        r"/compute/v2\.1/servers/[^/]+/(remote-consoles|action)",
        r"(remote_console|console)\.url",
        "A console is reached at the site itself, with a one-time token in the URL.",
    ),
)
