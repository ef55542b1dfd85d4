"""Journal: what the log says of cycles. A line a cycle, a change, and a problem that comes or goes.

What stays as it was is told at level ``debug`` only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TypeAlias

import structlog

from reconciler.core.decision import Skip
from reconciler.core.manifests.images import FieldKey, SkipReason
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.report import Action, ObjectReport
from reconciler.core.outcome import CycleOutcome, Problem
from reconciler.errors import UnhealthyError
from reconciler.pipeline.demand import Demand
from reconciler.pipeline.events import Event

log = structlog.get_logger(__name__)

Key: TypeAlias = tuple[str, str, str]
"""What makes two problems of two cycles the same one."""


class LoggedProgress:
    """Tells what cycles do, as they do it, at level ``debug``."""

    def tell(self, event: Event) -> None:
        """Log an event."""
        facts = {name: str(value) for name, value in asdict(event).items() if name != "changes"}
        log.debug("cycle.progress", step=type(event).__name__.lower(), **facts)


@dataclass(slots=True)
class Journal:
    """Logs the outcomes of one source's cycles, one after the other.

    A problem is told when it begins and when it has passed, and not again with every cycle between:
    a registry that is down all night is two lines, however many repositories it has.
    """

    _problems: dict[Key, Problem] = field(default_factory=dict)
    _left: dict[ObjectKey, tuple[Action, str]] = field(default_factory=dict)
    _fought: set[tuple[FieldKey, str]] = field(default_factory=set)

    def started(self, source: str, demand: Demand) -> None:
        """Log why a cycle begins."""
        log.debug("cycle.started", source=source, why=str(demand))

    def ended(self, outcome: CycleOutcome) -> None:
        """Log what a cycle did and what went wrong with it."""
        bound = log.bind(source=outcome.source, **({"dry_run": True} if outcome.is_dry_run else {}))
        for change in outcome.changes:
            bound.info(
                "image.updated",
                workload=change.field.workload.workload,
                container=change.field.container,
                old=str(change.old),
                new=str(change.new),
                where=change.field.where,
            )
        self._record_skips(bound, outcome.skips)
        if outcome.sync:
            self._record_objects(bound, outcome.sync.objects)
        self._record_problems(bound, outcome)
        bound.info("cycle.finished", **_facts(outcome))

    def _record_skips(
        self, bound: structlog.typing.FilteringBoundLogger, skips: Iterable[Skip]
    ) -> None:
        """Log what was left; a fight is worth a person's look when it begins."""
        fought: set[tuple[FieldKey, str]] = set()
        for skip in skips:
            facts = {"image": skip.field.text, "where": skip.field.where}
            facts |= {"reason": skip.reason.name, "detail": skip.detail}
            fight = (skip.field.key, skip.detail)
            if skip.reason is SkipReason.FOUGHT_OVER:
                fought.add(fight)
            if fight in fought - self._fought:
                bound.warning("image.skipped", **facts)
            else:
                bound.debug("image.skipped", **facts)
        self._fought = fought

    def _record_objects(
        self, bound: structlog.typing.FilteringBoundLogger, reports: Iterable[ObjectReport]
    ) -> None:
        left: dict[ObjectKey, tuple[Action, str]] = {}
        for report in reports:
            level = "info"
            if report.action in (Action.SKIPPED, Action.KEPT):
                # what fails is told as a problem: here its words would be news in each cycle
                reason = report.reason if report.action is Action.KEPT else ""
                left[report.key] = (report.action, reason)
                level = "debug" if self._left.get(report.key) == left[report.key] else "info"
            elif report.action is Action.UNCHANGED:
                level = "debug"
            facts: dict[str, object] = {"reason": report.reason} if report.reason else {}
            facts |= {"mended": True} if report.is_mended else {}
            getattr(bound, level)(f"object.{report.action.value}", object=str(report.key), **facts)
        self._left = left

    def _record_problems(
        self, bound: structlog.typing.FilteringBoundLogger, outcome: CycleOutcome
    ) -> None:
        found: dict[Key, list[Problem]] = {}
        for problem in outcome.problems:
            found.setdefault(_key(problem), []).append(problem)
        for key, problems in found.items():
            facts = _problem(problems[0], others=len(problems) - 1)
            if key in self._problems:
                bound.debug("problem.continues", **facts)
            elif problems[0].is_stalled:
                bound.error("problem.stalled", **facts)
            else:
                bound.warning("problem.transient", **facts)
        gone = {
            key: problem
            for key, problem in self._problems.items()
            if key not in found and (not problem.stage or problem.stage in outcome.finished)
        }
        for problem in gone.values():
            bound.info("problem.passed", **_problem(problem))
        kept = {key: problem for key, problem in self._problems.items() if key not in gone}
        self._problems = kept | {key: problems[0] for key, problems in found.items()}


def _key(problem: Problem) -> Key:
    """Return what stays the same while a problem lasts.

    The words of what may pass change with each try, and those of what is not healthy with each pod
    and restart; and a registry that is down is one problem, not one for each of its repositories.
    """
    if problem.is_stalled and problem.kind != UnhealthyError.kind:
        return problem.kind, problem.where, problem.message
    where = problem.where
    if problem.kind == "registry":
        where = where.rpartition("://")[2].partition("/")[0]
    return problem.kind, where, ""


def _problem(problem: Problem, *, others: int = 0) -> dict[str, object]:
    facts = {"kind": problem.kind, "problem": problem.message, "where": problem.where}
    return {name: value for name, value in {**facts, "others": others}.items() if value}


def _facts(outcome: CycleOutcome) -> Mapping[str, object]:
    """Return what is worth a word of a cycle; what is zero or missing is left out."""
    actions = outcome.sync.counts if outcome.sync else {}
    facts = {
        "revision": str(outcome.revision) if outcome.revision else None,
        "pushed": outcome.pushed.short if outcome.pushed else None,
        "attempts": outcome.attempts if outcome.attempts > 1 else 0,
        "changes": len(outcome.changes),
        **{action.value: number for action, number in actions.items()},
        "pending": len(outcome.pending),
        "proposal": outcome.proposal.state.value if outcome.proposal else "",
        "problems": len(outcome.problems),
        "seconds": round(outcome.durations.get("all", 0.0), 3),
    }
    return {"result": outcome.result, **{name: fact for name, fact in facts.items() if fact}}
