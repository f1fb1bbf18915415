"""What of a site may reach a client, and why. The one list; nothing else is forgiven.

Each entry names the paths it holds for, the place in the answer, and the reason. An entry that the tour of both
sites never needs is removed: the test says so.
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


EXEMPTIONS: tuple[Exemption, ...] = ()
