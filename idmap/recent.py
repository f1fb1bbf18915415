"""A set that forgets what was not used for long."""

from collections.abc import Iterable


class RecentSet:
    """Keeps at least the `size` / 2 members used last, and never more than `size`.

    Two generations instead of a true LRU: pages of thousands of IDs pass here, and a difference of
    sets takes a hundredth of the time.
    """

    def __init__(self, size: int) -> None:
        self._half = size // 2
        self.clear()

    def clear(self) -> None:
        self._young: set[tuple[str, str]] = set()
        self._old: set[tuple[str, str]] = set()

    def missing(self, members: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those that are not in the set. Those that are count as used."""
        rest = set(members) - self._young
        used = rest & self._old
        self.add(used)
        return rest - used

    def add(self, members: set[tuple[str, str]]) -> None:
        if len(self._young) + len(members) > self._half:
            self._young, self._old = set(), self._young
        # More than one generation at once cannot be kept; what is left out is only asked again.
        self._young.update(members if len(members) <= self._half else ())
