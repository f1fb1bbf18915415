"""How our log is written: a line for each event on stderr, ``name=value`` with Python's quotes.

Every request writes one, so it is put together in one step and not by a chain of structlog's own.
"""

import logging
import sys
from datetime import UTC, datetime

import structlog
from structlog.processors import format_exc_info
from structlog.typing import EventDict, WrappedLogger


def to_stderr() -> None:
    """Write the log to stderr from now on."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # It quotes the first bytes of headers that are too long, and a token is a header.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    # It says beforehand, and less well, what the line about a wrong auth_type in clouds.yaml will say.
    logging.getLogger("stevedore").setLevel(logging.ERROR)
    # The same of a policy.yaml that it cannot understand.
    logging.getLogger("oslo_policy").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[line],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def line(logger: WrappedLogger, level: str, event: EventDict) -> str:
    """The line of one event: when, how grave, what, and then what was told of it."""
    if "exc_info" in event:
        event = format_exc_info(logger, level, event)
    when = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    level = "error" if level == "exception" else level
    first = f"timestamp={when!r} level={level!r} event={event.pop('event')!r}"
    return " ".join([first, *[f"{name}={value!r}" for name, value in event.items()]])
