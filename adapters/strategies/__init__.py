"""The ways to a site token, a file each: whoever adds a file adds a strategy, and nothing else knows them.

A strategy is chosen for a site by ``federation.strategy`` in clouds.yaml; its name is that of its file.
"""

from importlib import import_module

from adapters.strategy import Strategy, Surroundings


def make_strategy(around: Surroundings) -> Strategy:
    """The way to tokens of the site that `around` describes."""
    module = import_module(f"{__name__}.{around.site.federation.strategy}")
    made: Strategy = module.make(around)
    return made
