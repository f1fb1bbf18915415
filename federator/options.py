"""What the commands have in common: where the settings are, how errors and logs look."""

import logging
import sys
from pathlib import Path

import click
import structlog

from adapters.errors import SettingsError
from idmap.store import StoreUnavailable

config_option = click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("federator.yaml"),
    envvar="FEDERATOR_CONFIG",
    show_default=True,
    help="The settings file.",
)


class OneLineErrors:
    """Around a command: what the operator has to put right is one line, without a traceback."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SettingsError | StoreUnavailable | ValueError):
            raise SystemExit(f"federator: {error}") from None
        if isinstance(error, OSError):
            raise SystemExit(f"federator: {error.strerror or error}") from None


def log_to_stderr() -> None:
    """What a long-running command says goes to stderr, a line each."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # It quotes the first bytes of headers that are too long, and a token is a header.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    # It says beforehand, and less well, what the line about a wrong auth_type in clouds.yaml will say.
    logging.getLogger("stevedore").setLevel(logging.ERROR)
    # The same of a policy.yaml that it cannot understand.
    logging.getLogger("oslo_policy").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
