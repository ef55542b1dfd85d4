"""How long the stages of a cycle take."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.pipeline.ports import Clock


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """Adds up seconds by stage.

    Attributes:
        clock: measures.
        seconds: what was measured so far.
    """

    clock: Clock
    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of the block to a stage's, however it ends."""
        began = self.clock.now()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + self.clock.now() - began
