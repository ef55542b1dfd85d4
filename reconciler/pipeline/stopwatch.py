"""How long the stages of a cycle take."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.core.outcome import Lap
from reconciler.pipeline.ports import Clock

WHOLE = "all"
"""The stage that is the cycle."""


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """Adds up seconds by stage, and keeps when each stage ran.

    Attributes:
        clock: measures.
        seconds: what was measured so far.
        runs: each stage that has ended, and when it began by the clock and how long it took.
    """

    clock: Clock
    seconds: dict[str, float] = field(default_factory=dict)
    runs: list[tuple[str, float, float]] = field(default_factory=list)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of the block to a stage's, however it ends."""
        began = self.clock.now()
        try:
            yield
        finally:
            taken = self.clock.now() - began
            self.seconds[name] = self.seconds.get(name, 0.0) + taken
            self.runs.append((name, began, taken))

    @property
    def laps(self) -> tuple[Lap, ...]:
        """The stages within the cycle, in the order in which they ended."""
        first = min((began for _, began, _ in self.runs), default=0.0)
        return tuple(
            Lap(name, began - first, taken) for name, began, taken in self.runs if name != WHOLE
        )
