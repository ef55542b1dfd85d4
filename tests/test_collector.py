"""What lies about in circles is freed when a cycle ends, however little it is."""

import gc
import weakref

from reconciler.collector import FULL, YOUNG_OBJECTS, Leftovers


class BrokenError(Exception):
    """Holds itself, as errors do whose traceback leads back to them."""

    def __init__(self) -> None:
        super().__init__()
        self.itself = self


def test_errors_that_hold_themselves_are_freed_with_what_they_hold() -> None:
    before = gc.get_threshold()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
    try:
        leftovers = Leftovers()
        kept = weakref.ref(BrokenError())
        assert kept() is not None

        leftovers.collect()

        assert kept() is None
    finally:
        gc.set_threshold(*before)


def test_what_has_outlived_many_cycles_is_freed_too() -> None:
    leftovers = Leftovers()
    old = BrokenError()
    for _ in range(3):
        leftovers.collect()  # it is among the oldest now
    kept = weakref.ref(old)
    del old

    for _ in range(FULL):
        leftovers.collect()

    assert kept() is None
