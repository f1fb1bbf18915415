"""What `/metrics` shows (Prometheus)."""

from prometheus_client import Counter, Histogram

REQUESTS = Counter(
    "federator_requests_total", "Requests of clients", ["service", "method", "status"]
)
REQUEST_SECONDS = Histogram(
    "federator_request_seconds", "Time from a request's first byte to its answer", ["service"]
)
SITE_SECONDS = Histogram("federator_site_seconds", "Time a site took for one answer", ["site"])
SITE_REPLIES = Counter("federator_site_replies_total", "Answers of sites", ["site", "status"])
SITE_MISSING = Counter(
    "federator_site_missing_total", "Questions that a site did not answer", ["site"]
)
AUDIT_LOST = Counter(
    "federator_audit_lost_total", "Audit events that could not be written"
)
REBUILDS = Counter("federator_rebuilds_total", "Rebuilds of the ID map", ["outcome"])
