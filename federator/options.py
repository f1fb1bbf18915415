"""What the commands have in common: where the settings are, how errors look."""

from pathlib import Path

import click

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
