"""Tidings: what is worth telling people of a source's cycles, each once and not each cycle."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from reconciler.core.decision import Change
from reconciler.core.manifests.images import SkipReason
from reconciler.core.outcome import CycleOutcome, Problem

FAILING_S: Final = 600.0
"""What may pass by itself is told when it has lasted for so long."""

MAX_PROBLEMS: Final = 20  # of one tiding; the log has them all


class Kind(StrEnum):
    """What a tiding is about."""

    UPDATED = "updated"
    STALLED = "stalled"
    FAILING = "failing"
    HELD = "held"
    RECOVERED = "recovered"
    SUSPENDED = "suspended"
    RESUMED = "resumed"


@dataclass(frozen=True, slots=True)
class Tiding:
    """One thing that is told.

    Attributes:
        source: the source's name.
        url: its remote.
        revision: its branch as the cycle left it: ``main@sha1:…``; empty if it was not read.
        text: the same in a line for people.
        changes: the image fields that changed.
        problems: what is wrong.
    """

    kind: Kind
    source: str
    url: str
    revision: str
    text: str
    changes: tuple[Change, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of one source, and since when it fails.

    Attributes:
        stalled: the problems that a person must mend, as they were told.
        held: the images that are held for a person to look at.
        failing_since: since when it fails for what may pass, by a clock; None: it does not.
        is_failing: whether that was told.
        is_suspended: whether the last cycle found it suspended.
    """

    stalled: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()
    failing_since: float | None = None
    is_failing: bool = False
    is_suspended: bool = False


def tidings_of(told: Told, outcome: CycleOutcome, *, now: float) -> tuple[tuple[Tiding, ...], Told]:
    """Return what is new of a cycle, and what was told then.

    Args:
        told: what was told before.
        outcome: of the cycle.
        now: seconds of a monotonic clock.
    """
    if outcome.is_stopped or outcome.is_dry_run:
        return (), told
    news = _News(outcome)
    if outcome.suspension is not None:
        if not told.is_suspended:
            news.add(Kind.SUSPENDED, f"is {outcome.suspension}")
        return tuple(news.all), replace(told, is_suspended=True, failing_since=None)
    if told.is_suspended:
        news.add(Kind.RESUMED, "is resumed")
    if outcome.changes and outcome.pushed:
        lines = ", ".join(_change(each) for each in outcome.changes[:MAX_PROBLEMS])
        more = len(outcome.changes) - MAX_PROBLEMS
        news.add(Kind.UPDATED, f"updated {lines}{f' and {more} more' if more > 0 else ''}")
    later = _wrong(news, told, outcome, now=now)
    return tuple(news.all), replace(later, is_suspended=False)


@dataclass(slots=True)
class _News:
    """Gathers the tidings of one cycle."""

    outcome: CycleOutcome
    all: list[Tiding] = field(default_factory=list)

    def add(self, kind: Kind, text: str, problems: tuple[Problem, ...] = ()) -> None:
        """Add one."""
        outcome = self.outcome
        changes = outcome.changes if kind is Kind.UPDATED else ()
        revision = str(outcome.revision or "")
        line = f"{outcome.source}: {text}"
        tiding = Tiding(kind, outcome.source, outcome.url, revision, line, changes, problems)
        self.all.append(tiding)


def _wrong(news: _News, told: Told, outcome: CycleOutcome, *, now: float) -> Told:
    """Add what is wrong and was not told, and that nothing is wrong any more."""
    stalled = [each for each in outcome.problems if each.is_stalled]
    fresh = tuple(each for each in stalled if str(each) not in told.stalled)[:MAX_PROBLEMS]
    if fresh:
        news.add(Kind.STALLED, f"needs a person: {fresh[0]}", fresh)
    held = frozenset(_fights(outcome)) if outcome.revision else told.held
    for each in sorted(held - told.held):
        news.add(Kind.HELD, each)
    passing = tuple(each for each in outcome.problems if not each.is_stalled)[:MAX_PROBLEMS]
    since = (now if told.failing_since is None else told.failing_since) if passing else None
    is_failing = told.is_failing and bool(outcome.problems)
    if passing and since is not None and now - since >= FAILING_S and not is_failing:
        news.add(Kind.FAILING, f"fails for {round(now - since)} s: {passing[0]}", passing)
        is_failing = True
    if (told.stalled or told.is_failing) and not outcome.problems:
        news.add(Kind.RECOVERED, "is well again")
    return Told(frozenset(map(str, stalled)), held, since, is_failing)


def _fights(outcome: CycleOutcome) -> Iterator[str]:
    for skip in outcome.skips:
        if skip.reason is SkipReason.FOUGHT_OVER:
            field_ = skip.field
            yield f"{field_.workload.workload} {field_.container} is held: {skip.detail}"


def _change(change: Change) -> str:
    field_ = change.field
    return f"{field_.workload.workload} {field_.container} {change.old} -> {change.new.suffix}"
