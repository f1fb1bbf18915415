"""How Python's collector of cyclic garbage is to work in a process that answers.

A page of a thousand servers is some ten thousand objects, none of which is garbage before the answer is sent.
By default the collector looks through them a dozen times meanwhile, which costs as much as reading them.
"""

import gc

_YOUNG = 100_000
"""Objects made, less those gone, before the collector looks through the new ones: more than a few pages at once
are. By default it is 700."""


def settle() -> None:
    """Leave what there is now alone for good, and look through what is new seldom. Once, after the start."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 10, 10)
