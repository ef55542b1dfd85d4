"""The outcome as one JSON document, with a versioned schema (``docs/reference/outcome.md``)."""

from collections.abc import Sequence

from reconciler.core.decision import Change, Skip
from reconciler.core.manifests.images import ImageField
from reconciler.core.objects.control import Suspension
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.report import ObjectReport, SyncReport
from reconciler.core.outcome import CycleOutcome, Problem, worst
from reconciler.core.proposal import Proposal
from reconciler.core.revision import Revision
from reconciler.interfaces.cli.rendering import JSON, rendered

SCHEMA_VERSION = 1


def document(outcomes: Sequence[CycleOutcome]) -> str:
    """Return the document: the outcomes of all sources, in order, and the exit code."""
    code = worst(outcome.exit_code for outcome in outcomes)
    body: JSON = {"sources": [outcome_document(outcome) for outcome in outcomes]}
    return rendered(body, version=SCHEMA_VERSION, exit_code=code)


def outcome_document(outcome: CycleOutcome) -> JSON:
    """Return what one cycle of one source did."""
    return {
        "name": outcome.source,
        "url": outcome.url,
        "dryRun": outcome.is_dry_run,
        "fetched": revision_text(outcome.fetched),
        "revision": revision_text(outcome.revision),
        "pushed": revision_text(outcome.pushed),
        "changes": [_change(change) for change in outcome.changes],
        "pending": [_change(change) for change in outcome.pending],
        "proposal": _proposal(outcome.proposal),
        "skips": [_skip(skip) for skip in outcome.skips],
        "commitDiff": outcome.commit_diff,
        "sync": _sync(outcome.sync),
        "problems": [problem_document(problem) for problem in outcome.problems],
        "suspended": suspension_document(outcome.suspension),
        "exitCode": outcome.exit_code,
    }


def suspension_document(suspension: Suspension | None) -> JSON | None:
    """Return who has suspended a source, why and since when; None: nobody has."""
    if suspension is None:
        return None
    return {"by": suspension.by, "why": suspension.why, "at": suspension.at}


def revision_text(revision: Revision | None) -> str | None:
    """Return ``main@sha1:…``; None for no revision."""
    return str(revision) if revision else None


def _field(field: ImageField) -> JSON:
    return {
        "path": field.path,
        "line": field.line,
        "workload": field.workload.workload,
        "container": field.container,
    }


def _change(change: Change) -> JSON:
    return {**_field(change.field), "from": str(change.old), "to": str(change.new)}


def _proposal(proposal: Proposal | None) -> JSON | None:
    if proposal is None:
        return None
    return {
        "branch": proposal.branch,
        "state": proposal.state.value,
        "commit": proposal.commit or None,
        "request": proposal.request or None,
    }


def _skip(skip: Skip) -> JSON:
    return {
        **_field(skip.field),
        "image": skip.field.text,
        "reason": skip.reason.name,
        "detail": skip.detail,
    }


def _sync(report: SyncReport | None) -> JSON | None:
    if report is None:
        return None
    return {
        "diff": report.diff,
        "objects": [_object(each) for each in report.objects],
    }


def object_key(key: ObjectKey) -> JSON:
    """Return ``group``, ``kind``, ``namespace`` and ``name``."""
    return {
        "group": key.group,
        "kind": key.kind,
        "namespace": key.namespace,
        "name": key.name,
    }


def _object(report: ObjectReport) -> JSON:
    return {
        **object_key(report.key),
        "action": report.action.value,
        "reason": report.reason,
        "health": report.health.status.value if report.health else None,
        "healthMessage": report.health.message if report.health else "",
        "path": report.origin.path if report.origin else None,
        "line": report.origin.line if report.origin else None,
        "diff": report.diff,
    }


def problem_document(problem: Problem) -> JSON:
    """Return ``where``, ``message`` and ``kind``: ``stalled`` or ``transient``."""
    return {
        "where": problem.where,
        "message": problem.message,
        "kind": "stalled" if problem.is_stalled else "transient",
    }
