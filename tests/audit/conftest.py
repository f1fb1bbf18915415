"""The office, for the tests of the audit."""

from tests.api.office import office

__all__ = ["office"]
