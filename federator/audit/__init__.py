"""The audit: who did what with which outcome, one event in CADF terms for each request."""
