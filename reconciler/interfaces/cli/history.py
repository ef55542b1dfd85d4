"""``reconcile history``: what moved, when, by whom, and what became of it; from Git alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import click

from reconciler import bootstrap
from reconciler.core.history import MOST_IN_ALL, SHORT, History, Standing, Write, standings
from reconciler.core.manifests.selection import is_within
from reconciler.core.objects.lookup import find
from reconciler.core.outcome import Problem, exit_code_of
from reconciler.core.retraction import Retraction, file_of
from reconciler.core.revision import Revision
from reconciler.errors import NotFoundError, ReconcilerError, SettingsError
from reconciler.interfaces.cli.diffs import DiffNarrator
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.json_document import problem_document
from reconciler.interfaces.cli.loading import load, without_sync
from reconciler.interfaces.cli.problems import say_problems
from reconciler.interfaces.cli.rendering import JSON, rendered
from reconciler.interfaces.table import say_table
from reconciler.interfaces.terminal import Terminal
from reconciler.pipeline.parts import Parts
from reconciler.pipeline.retractions import find_retractions
from reconciler.pipeline.survey import Inspection, inspect_source
from reconciler.settings import Settings, SourceSettings

SCHEMA_VERSION = 1

_HEADERS = ("date", "commit", "workload", "container", "change", "by", "now")
_STYLES = {Standing.PRESENT: "green", Standing.TAKEN_BACK: "yellow", Standing.GONE: "dim"}


@dataclass(frozen=True, slots=True)
class _Told:
    """What one source's history says; ``error`` says why it could not be read.

    Attributes:
        writes: the newest first, each with what became of it.
        retractions: who took back what, of the writes for which that is known.
    """

    source: SourceSettings
    revision: Revision | None = None
    since: datetime | None = None
    writes: tuple[tuple[Write, Standing], ...] = ()
    inspection: Inspection | None = None
    error: ReconcilerError | None = None
    retractions: Mapping[Write, Retraction] = field(default_factory=dict)


def run(invocation: Invocation, *, workload: str | None) -> int:
    """Print what commits of ours wrote, the newest first; return the exit code.

    Raises:
        SettingsError: options are wrong, or there is and was no such workload.
    """
    settings = without_sync(load(invocation))
    told = _told(settings, workload)
    if workload is not None:
        told = _of_workload(told, workload)
    problems = [Problem.of(each.error) for each in told if each.error]
    code = exit_code_of(problems)
    if settings.output == "json":
        Terminal.standard().say(_document(told, problems, code))
    else:
        _say(told)
        say_problems(problems)
    return code


def _told(settings: Settings, workload: str | None) -> list[_Told]:
    progress = DiffNarrator()
    with bootstrap.running(settings, progress=progress) as parts_of, progress:
        return [_of_source(source, parts_of(source), workload) for source in settings.sources]


def _of_source(source: SourceSettings, parts: Parts, workload: str | None) -> _Told:
    try:
        inspection = inspect_source(source, parts)
        revision = inspection.view.revision
        history = parts.repository.history(revision)
        while workload is not None and not _suffices(history, inspection, workload):
            if not parts.repository.deepen(revision):
                break
            history = parts.repository.history(revision)
    except ReconcilerError as error:
        return _Told(source, error=error)
    ours = [each for each in history.writes if is_within(file_of(each.trailer.key), source.paths)]
    found = standings(History(tuple(ours), history.since), inspection.reports)
    retractions = find_retractions(
        parts.repository,
        revision,
        [write for write, standing in found if standing is Standing.TAKEN_BACK],
        policies=inspection.reports,
        default_namespace=source.default_namespace,
    )
    return _Told(
        source, revision, history.since, tuple(reversed(found)), inspection, retractions=retractions
    )


def _suffices(history: History, inspection: Inspection, workload: str) -> bool:
    """Whether the known history reaches back to where the images of a workload were written.

    Of one that is gone: to where any was.
    """
    if history.since is None:
        return True
    try:
        keys = find(workload, inspection.workloads)
    except NotFoundError:
        return any(write.trailer.workload == workload for write in history.writes)
    fields = [
        each for report in inspection.reports for each in report.fields if each.workload in keys
    ]
    return all(each.reference and history.tells(each.key, each.reference) for each in fields)


def _of_workload(told: Sequence[_Told], workload: str) -> list[_Told]:
    """Return the history of one workload, also of one that is gone.

    Raises:
        SettingsError: there is and was none of that name.
    """
    known = [key for each in told if each.inspection for key in each.inspection.workloads]
    try:
        names = {key.workload for key in find(workload, known)}
    except NotFoundError as error:
        names = {workload}
        was_there = any(
            write.trailer.workload == workload for one in told for write, _ in one.writes
        )
        if not was_there and any(one.revision for one in told):
            raise SettingsError(error.message) from error
    return [
        replace(one, writes=tuple(each for each in one.writes if each[0].trailer.workload in names))
        for one in told
    ]


def _document(told: Sequence[_Told], problems: Sequence[Problem], code: int) -> str:
    body: JSON = {
        "sources": [
            {
                "name": each.source.name,
                "url": each.source.git.url,
                "revision": str(each.revision) if each.revision else None,
                "since": each.since.isoformat() if each.since else None,
                "writes": [
                    _written(write, standing, each.retractions.get(write))
                    for write, standing in each.writes
                ],
            }
            for each in told
        ],
        "problems": [problem_document(problem) for problem in problems],
    }
    return rendered(body, version=SCHEMA_VERSION, exit_code=code)


def _written(write: Write, standing: Standing, retraction: Retraction | None) -> JSON:
    trailer = write.trailer
    return {
        "commit": write.commit,
        "at": write.at.isoformat(),
        "author": write.author,
        "by": write.by,
        "path": trailer.path,
        "workload": trailer.workload,
        "container": trailer.container,
        "old": trailer.old,
        "new": trailer.new,
        "standing": standing.name,
        "takenBackBy": None if retraction is None else _retraction(retraction),
    }


def _retraction(retraction: Retraction) -> JSON:
    return {
        "commit": retraction.commit,
        "at": retraction.at.isoformat(),
        "author": retraction.author,
        "subject": retraction.subject,
    }


def _say(told: Sequence[_Told]) -> None:
    terminal = Terminal.standard()
    writes = [one for each in told for one in each.writes]
    say_table(
        terminal,
        _HEADERS,
        [
            _row(write, standing, each.retractions.get(write))
            for each in told
            for write, standing in each.writes
        ],
        styles=[_STYLES.get(standing, "") for _, standing in writes],
    )
    if not writes and any(each.revision for each in told):
        click.echo("reconcile: no commit here wrote an image", err=True)
    for line in _boundaries(told):
        click.echo(f"reconcile: {line}", err=True)


def _boundaries(told: Sequence[_Told]) -> Iterator[str]:
    for each in told:
        if each.since is not None:
            of = f" of {each.source.name}" if len(told) > 1 else ""
            more = f"--git-history reads more of it, up to {MOST_IN_ALL:,} images"
            yield f"history{of} known since {_date(each.since)}: {more}"


def _row(write: Write, standing: Standing, retraction: Retraction | None) -> tuple[str, ...]:
    trailer = write.trailer
    by = f" in {retraction.commit[:SHORT]} by {retraction.author}" if retraction else ""
    return (
        _date(write.at),
        write.commit[:SHORT],
        trailer.workload,
        trailer.container,
        f"{trailer.old} -> {_suffix(trailer.old, trailer.new)}",
        f"{_name_of(write.author)} (released)" if write.is_by_person else write.by or "-",
        f"{standing.value}{by}",
    )


def _name_of(author: str) -> str:
    """Return an author without the address."""
    return author.partition(" <")[0] or author


def _suffix(old: str, new: str) -> str:
    """Return what is new without the name that both have: ``v4``."""
    name = old.partition("@")[0].rpartition(":")[0]
    return new.removeprefix(f"{name}:") if name else new


def _date(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
