"""What the API says of sources, images and cycles, as JSON (``docs/reference/api.md``)."""

from datetime import datetime
from typing import Final

from reconciler.core.gallery import Exhibit
from reconciler.core.history import Standing, Write
from reconciler.interfaces.cli.json_document import (
    outcome_document,
    problem_document,
    revision_text,
    suspension_document,
)
from reconciler.interfaces.cli.rendering import JSON
from reconciler.interfaces.cli.surveys import image_document
from reconciler.interfaces.cli.tags import verdict_documents
from reconciler.pipeline.board import CycleRecord, Portrait, Shown

MAX_PROBLEMS: Final = 20
"""Of a source, wherever sources are listed; what its last cycle did has all of them."""


def source_document(shown: Shown) -> JSON:
    """Return how a source stands, without what its last cycle did in detail."""
    outcome, settings = shown.outcome, shown.settings
    problems = outcome.problems if outcome else ()
    return {
        "name": shown.name,
        "url": settings.git.url,
        "state": shown.state,
        "running": shown.running or None,
        "leads": shown.leads,
        "revision": revision_text(outcome.revision if outcome else None),
        "lookedAt": _time(shown.looked_at),
        "objects": _health_counts(shown),
        "suspended": suspension_document(outcome.suspension if outcome else None),
        "problems": [problem_document(each) for each in problems[:MAX_PROBLEMS]],
        "problemCount": len(problems),
        "version": shown.version,
    }


def detailed_document(shown: Shown) -> JSON:
    """Return the same, with what the last cycle did: as ``--once --output json`` prints it."""
    last = outcome_document(shown.outcome) if shown.outcome else None
    return {**source_document(shown), "last": last}


def exhibit_document(exhibit: Exhibit) -> JSON:
    """Return one image of the table."""
    return {
        "id": exhibit.id,
        "source": exhibit.source,
        "state": exhibit.state.value,
        **image_document(exhibit.surveyed),
        "image": exhibit.image,
        "current": exhibit.current or None,
        "detail": exhibit.text,
    }


def portrait_document(portrait: Portrait) -> JSON:
    """Return one image with all that is known of its tags and its updates."""
    return {
        **exhibit_document(portrait.exhibit),
        "historySince": _time(portrait.since),
        "verdicts": verdict_documents(portrait.judged.verdicts),
        "writes": [_write(write, standing) for write, standing in portrait.writes],
    }


def cycle_document(record: CycleRecord) -> JSON:
    """Return what is remembered of one cycle."""
    return {
        "number": record.number,
        "why": record.why,
        "began": _time(record.began),
        "result": record.result,
        "revision": revision_text(record.revision),
        "pushed": revision_text(record.pushed),
        "changes": record.changes,
        "objects": dict(record.actions),
        "problem": problem_document(record.problem) if record.problem else None,
        "seconds": {stage: round(taken, 6) for stage, taken in record.durations.items()},
    }


def _health_counts(shown: Shown) -> JSON | None:
    """Return how many objects there are, and how many of them are well."""
    report = shown.outcome.sync if shown.outcome else None
    if report is None:
        return None
    return {
        "all": len(report.objects),
        "lookedAt": len(report.healths),
        "healthy": sum(each.is_current for each in report.healths),
    }


def _write(write: Write, standing: Standing) -> JSON:
    return {
        "commit": write.commit,
        "at": _time(write.at),
        "author": write.author,
        "by": write.by,
        "old": write.trailer.old,
        "new": write.trailer.new,
        "standing": standing.name,
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
