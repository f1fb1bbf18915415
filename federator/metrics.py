"""What `/metrics` shows (Prometheus). Labels are of few values: sites, services, and what is listed here."""

from functools import cache, partial

from prometheus_client import Counter, Gauge, Histogram

from adapters.errors import ExchangeRefused, SiteError, SiteSilent, SiteUnreachable, TokenMixUp

REQUESTS = Counter(
    "federator_requests_total", "Requests of clients", ["service", "method", "status"]
)
REQUEST_SECONDS = Histogram(
    "federator_request_seconds", "Time from a request's first byte to its answer", ["service"]
)
SITE_SECONDS = Histogram(
    "federator_site_seconds", "Time a site took for one answer", ["site", "service"]
)
SITE_REPLIES = Counter("federator_site_replies_total", "Answers of sites", ["site", "status"])
SITE_MISSING = Counter(
    "federator_site_missing_total", "Questions that a site did not answer", ["site"]
)
SITE_ERRORS = Counter(
    "federator_site_errors_total", "What went wrong with sites", ["site", "service", "kind"]
)
SITE_LOGIN_SECONDS = Histogram(
    "federator_site_login_seconds", "Time a login at a site took, its waiting excluded", ["site"]
)
LIST_ITEMS = Counter(
    "federator_list_items_total",
    "Items of lists with pages: read of sites, given to clients",
    ["what"],
)
AWAY = Gauge(
    "federator_site_away", "1 while nobody waits for a service of a site", ["site", "service"]
)
PAUSED = Gauge("federator_site_paused", "1 while a site is paused by the operator", ["site"])
CACHE = Counter(
    "federator_cache_total", "Look-ups in memory, by cache and outcome", ["cache", "outcome"]
)
AUDIT_LOST = Counter("federator_audit_lost_total", "Audit events that could not be written")
REBUILDS = Counter("federator_rebuilds_total", "Rebuilds of the ID map", ["outcome"])


@cache
def counter(metric: Counter, *labels: str) -> Counter:
    """The one of a metric with these labels. There are few, and to look one up costs more than to count."""
    return metric.labels(*labels)


@cache
def histogram(metric: Histogram, *labels: str) -> Histogram:
    """The same of a histogram."""
    return metric.labels(*labels)


def _looked(which: str, hit: bool) -> None:
    counter(CACHE, which, "hit" if hit else "miss").inc()


home_token_looked_for = partial(_looked, "home tokens")
site_token_looked_for = partial(_looked, "site tokens")


def site_error(site: str, service: str, error: SiteError) -> None:
    """Count what a question to a site came to. Those that were never asked, it being away, do not count.

    refused   no connection
    timeout   no answer in time
    broken    the connection broke, or the answer cannot be read
    """
    slow = isinstance(error.__cause__, TimeoutError)
    if isinstance(error, SiteSilent):
        SITE_ERRORS.labels(site, service, "timeout" if slow else "broken").inc()
    elif isinstance(error, SiteUnreachable) and error.__cause__ is not None:
        SITE_ERRORS.labels(site, service, "timeout" if slow else "refused").inc()


def site_status(site: str, service: str, status: int) -> None:
    """Count an answer of a site; those by which it says that something is wrong with it are errors too."""
    counter(SITE_REPLIES, site, str(status)).inc()
    if status >= 500:
        SITE_ERRORS.labels(site, service, "5xx").inc()


def login_error(site: str, error: SiteError) -> None:
    """Count a login that gave no token: the site or home refused it, or somebody did not answer."""
    refused = isinstance(error, ExchangeRefused | TokenMixUp)
    SITE_ERRORS.labels(site, "identity", "login refused" if refused else "login failed").inc()


def away(site: str, service: str, is_away: bool) -> None:
    """Note that a service of a site went away or came back."""
    AWAY.labels(site, service).set(is_away)


def paused(site: str, pause: object) -> None:
    """Note whether a site is paused (`pause`) or not (None)."""
    PAUSED.labels(site).set(pause is not None)


def site_login(site: str, seconds: float) -> None:
    """Note that a login at a site went well."""
    SITE_LOGIN_SECONDS.labels(site).observe(seconds)
