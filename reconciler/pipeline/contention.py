"""Who takes our fields again and again, over all cycles of a source."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable

from reconciler.core.objects.identity import ObjectKey

WINDOW_S = 600.0
TAKEN_BACK_AT_MOST = 3
"""In one window, from one manager: two programs that undo each other's work make it worse."""


class Contention:
    """Remembers from whom fields were taken back, and when."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        """Know of nothing yet.

        Args:
            now: seconds of a monotonic clock.
        """
        self._now = now
        self._times: defaultdict[tuple[ObjectKey, str], list[float]] = defaultdict(list)

    def note(self, key: ObjectKey, managers: Iterable[str]) -> None:
        """Remember that fields of an object were taken back from these managers."""
        for manager in managers:
            self._times[key, manager].append(self._now())

    def rival(self, key: ObjectKey) -> str:
        """Return the manager that an object's fields were taken back from too often; else empty."""
        oldest = self._now() - WINDOW_S
        for (each, manager), times in tuple(self._times.items()):
            if each == key:
                times[:] = [at for at in times if at > oldest]
                if len(times) >= TAKEN_BACK_AT_MOST:
                    return manager
                if not times:
                    del self._times[each, manager]
        return ""
