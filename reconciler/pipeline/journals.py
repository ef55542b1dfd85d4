"""Journals: the log of all sources, each with a memory of its own."""

from collections.abc import Iterable

from reconciler.core.outcome import CycleOutcome
from reconciler.pipeline.demand import Demand
from reconciler.pipeline.journal import Journal


class Journals:
    """Logs the cycles of several sources."""

    def __init__(self, sources: Iterable[str]) -> None:
        """Know of nothing yet."""
        self._of = {name: Journal() for name in sources}

    def started(self, source: str, demand: Demand) -> None:
        """Log why a cycle begins."""
        self._of[source].started(source, demand)

    def ended(self, outcome: CycleOutcome) -> None:
        """Log what it did and what went wrong with it."""
        self._of[outcome.source].ended(outcome)
