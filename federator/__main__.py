"""``python -m federator``."""

from federator.cli import main

main()
