"""How long objects may take to become healthy, counted over all cycles of a source."""

import time
from collections.abc import Callable, Iterable, Mapping

from reconciler.core.objects.health import Health, Status
from reconciler.core.objects.identity import ObjectKey


class Patience:
    """Remembers since when each object has not been healthy.

    A cycle that is cut short, because another one is asked for, does not begin an object's time
    anew; and one whose time is over is looked at by later cycles, but no longer waited for.
    """

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        """Know of nothing yet.

        Args:
            now: seconds of a monotonic clock.
        """
        self._now = now
        self._since: dict[ObjectKey, float] = {}

    def begin(self, keys: Iterable[ObjectKey], *, applied: Iterable[ObjectKey]) -> None:
        """Begin the time of the objects that are about to be waited for.

        Args:
            keys: the objects; those that were waited for before go on.
            applied: those of them that were sent just now, and so begin anew.
        """
        now = self._now()
        for key in applied:
            self._since.pop(key, None)
        self._since = {key: self._since.get(key, now) for key in keys}

    def note(self, health: Mapping[ObjectKey, Health]) -> None:
        """Forget the objects that are healthy, or failed for good."""
        for key, found in health.items():
            if found.is_current or found.status is Status.FAILED:
                self._since.pop(key, None)

    def is_begun(self, key: ObjectKey) -> bool:
        """Whether an object is being waited for."""
        return key in self._since

    def is_over(self, key: ObjectKey, timeout_s: float) -> bool:
        """Whether an object has been unhealthy for that long."""
        return key in self._since and self._now() - self._since[key] >= timeout_s
