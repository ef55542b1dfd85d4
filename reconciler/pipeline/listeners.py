"""Listeners: who wants to know when cycles begin, and how they end."""

from collections.abc import Sequence
from typing import Protocol

import structlog

from reconciler.core.outcome import CycleOutcome
from reconciler.pipeline.demand import Demand

log = structlog.get_logger(__name__)


class Listener(Protocol):
    """Hears of cycles, from many threads. What takes time it leaves to a thread of its own."""

    def started(self, source: str, demand: Demand) -> None:
        """Hear that a cycle of a source begins, and why."""
        ...

    def ended(self, outcome: CycleOutcome) -> None:
        """Hear how it ended."""
        ...


class Listeners:
    """Several listeners as one. One that fails is told, and harms neither cycles nor the others."""

    def __init__(self, listeners: Sequence[Listener] = ()) -> None:
        """Tell these, in this order."""
        self._listeners = tuple(listeners)

    def started(self, source: str, demand: Demand) -> None:
        """Tell all that a cycle begins."""
        for each in self._listeners:
            try:
                each.started(source, demand)
            except Exception:  # a bug of a bystander
                log.exception("listener.crashed", listener=type(each).__name__, source=source)

    def ended(self, outcome: CycleOutcome) -> None:
        """Tell all how a cycle ended."""
        for each in self._listeners:
            try:
                each.ended(outcome)
            except Exception:  # likewise
                name = type(each).__name__
                log.exception("listener.crashed", listener=name, source=outcome.source)
