"""Real OpenStack sites on one machine, for the demo and the tests. See docs/lab.md."""

from lab.lab import DEFAULT_SITES, Lab
from lab.layout import LabError

__all__ = ["DEFAULT_SITES", "Lab", "LabError"]
