"""Commit status: what a forge shows beside the commit that a cycle synced."""

import enum
from dataclasses import dataclass
from typing import Final

from reconciler.core.objects.health import Status
from reconciler.core.objects.report import SyncReport
from reconciler.core.outcome import READ, SYNC, CycleOutcome, Problem

MAX_DESCRIPTION: Final = 140
"""Letters: as many as GitHub takes."""


class State(enum.Enum):
    """How a commit is doing in the cluster."""

    SUCCESS = "success"
    PENDING = "pending"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """What is said of a commit.

    Attributes:
        context: who says it: ``reconcile/default``.
        state: how it is doing.
        description: a few words; nothing of the cluster's own, as a repository may be public.
    """

    context: str
    state: State
    description: str


def status_of(outcome: CycleOutcome) -> CommitStatus | None:
    """Return what to say of the revision that a cycle synced; None: it does not come to that.

    What keeps images from being updated is no fault of the commit.
    """
    if outcome.is_dry_run or outcome.is_stopped or outcome.is_bug or outcome.revision is None:
        return None
    problems = [each for each in outcome.problems if each.stage in (READ, SYNC)]
    stalled = [each for each in problems if each.is_stalled]
    state, words = _judged(outcome.sync, stalled, problems)
    return CommitStatus(f"reconcile/{outcome.source}", state, words[:MAX_DESCRIPTION])


def _judged(
    report: SyncReport | None, stalled: list[Problem], problems: list[Problem]
) -> tuple[State, str]:
    objects = report.objects if report else ()
    health = [each.health.status for each in objects if each.health]
    failed = health.count(Status.FAILED)
    waiting = sum(status is not Status.CURRENT for status in health) - failed
    if failed:
        return State.FAILURE, f"{failed:,} of {_counted(len(objects), 'object')} failed"
    if stalled:
        return State.FAILURE, _told(stalled)
    if waiting:
        return State.PENDING, f"{waiting:,} of {_counted(len(objects), 'object')} not current yet"
    if problems or report is None:
        return State.PENDING, _told(problems) if problems else "not synced yet"
    return State.SUCCESS, f"{_counted(len(objects), 'object')} in sync"


def _told(problems: list[Problem]) -> str:
    """Return how many problems there are, and of what kinds: their words may hold anything."""
    kinds = ", ".join(sorted({each.kind for each in problems}))
    return f"{_counted(len(problems), 'problem')}: {kinds}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
