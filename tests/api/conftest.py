"""The office, for the tests of our own API."""

from tests.api.office import office

__all__ = ["office"]
