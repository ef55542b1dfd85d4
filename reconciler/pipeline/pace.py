"""Pace: how long a source pauses between its cycles, as these go well or badly."""

from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.core.backoff import delay_s
from reconciler.core.outcome import READ, SYNC, UPDATE, CycleOutcome
from reconciler.errors import DependencyError

JITTER = 0.1
"""Of the interval, by which pauses are shorter at most: not all of us ask at once."""

RETRY_S = 10.0
"""The full pause after a first failure, if the interval is not shorter."""

LONGEST_RETRY_S = 60.0
"""The longest pause that failures make, if the interval is not longer."""


@dataclass(slots=True)
class Pace:
    """How long one source pauses: its interval; after failures in a row, longer from time to time.

    Only what kept a stage from its end counts as a failure: Git or the cluster that did not answer.
    Registries that fail are left alone by themselves, and what a person must mend is looked at with
    each interval.

    Attributes:
        interval_s: seconds from one cycle to the next.
        random: gives fractions from 0 to 1.
        failures: cycles in a row that failed.
    """

    interval_s: float
    random: Callable[[], float]
    failures: int = field(default=0, init=False)

    def pause_s(self) -> float:
        """Return the seconds until the next cycle."""
        if not self.failures:
            return self.interval_s * (1 - JITTER * self.random())
        return delay_s(
            self.failures - 1,
            base_s=min(RETRY_S, self.interval_s),
            cap_s=max(LONGEST_RETRY_S, self.interval_s),
            jitter=self.random(),
        )

    def record(self, outcome: CycleOutcome | None) -> bool:
        """Take in how a cycle went, None if by a bug; return whether that changes the pause."""
        if outcome is not None and outcome.is_stopped:
            return False
        before = self.failures
        self.failures = self.failures + 1 if outcome is None or _has_failed(outcome) else 0
        return bool(before or self.failures)


def _has_failed(outcome: CycleOutcome) -> bool:
    if outcome.is_bug:
        return True
    unfinished = {READ, UPDATE, SYNC} - outcome.finished
    return any(
        problem.stage in unfinished and not problem.is_stalled
        for problem in outcome.problems
        if problem.kind != DependencyError.kind
    )
