"""Python's garbage collector, told when to look and at what."""

import gc
from typing import Final

YOUNG_OBJECTS: Final = 20_000
"""Made until the collector looks at them by itself; Python's own number is 700."""

FULL: Final = 100
"""Cycles from one look at all objects to the next."""


def spare_collector() -> None:
    """Let the garbage collector look rarely, and never at what has been imported.

    Nearly all that a cycle makes is freed by its reference counts; looking for circles in it costs
    a fifth of the time of parsing thousands of manifests.
    """
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)


class Leftovers:
    """What is in a circle when a cycle has ended: errors, above all, with what they were about.

    A process that works little makes few objects, and by itself the collector would wait for days
    while broken connections lie about.
    """

    def __init__(self) -> None:
        self._cycles = 0

    def collect(self) -> None:
        """Free what the last cycles left; now and then, what earlier ones did."""
        self._cycles += 1
        gc.collect(2 if self._cycles % FULL == 0 else 1)
