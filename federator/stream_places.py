"""How many streams there may be at once: of one user, and to one site. Each holds a connection for long."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from federator.faults import TooManyRequests, Unavailable

_MOST_OF_A_USER = 16
_MOST_OF_A_SITE = 60
"""Fewer than the client has connections for streams to one host, so that none waits for one."""


class StreamPlaces:
    """Counts the streams of one process."""

    def __init__(self) -> None:
        self._of_users: Counter[str] = Counter()
        self._of_sites: Counter[str] = Counter()

    @contextmanager
    def taken(self, user_id: str, site: str) -> Iterator[None]:
        """A place, as long as the block runs. Raises TooManyRequests, Unavailable."""
        if self._of_users[user_id] >= _MOST_OF_A_USER:
            raise TooManyRequests(
                f"You have {_MOST_OF_A_USER} uploads and downloads already; try again when one has ended."
            )
        if self._of_sites[site] >= _MOST_OF_A_SITE:
            raise Unavailable(f"Too many uploads and downloads at site {site} already.")
        for counter, key in ((self._of_users, user_id), (self._of_sites, site)):
            counter[key] += 1
        try:
            yield
        finally:
            for counter, key in ((self._of_users, user_id), (self._of_sites, site)):
                counter[key] -= 1
                if not counter[key]:
                    del counter[key]
