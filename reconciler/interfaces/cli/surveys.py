"""Surveys of all sources, for the commands that look at images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler import bootstrap
from reconciler.core.history import NO_HISTORY, History
from reconciler.core.images.rules import TagRules
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.lookup import find
from reconciler.core.outcome import Problem
from reconciler.core.revision import Revision
from reconciler.core.survey import Survey, SurveyedImage
from reconciler.errors import NotFoundError, ReconcilerError, SettingsError
from reconciler.interfaces.cli.diffs import DiffNarrator
from reconciler.interfaces.cli.loading import without_sync
from reconciler.interfaces.cli.problems import say_problems
from reconciler.interfaces.cli.rendering import JSON
from reconciler.pipeline.parts import Parts
from reconciler.pipeline.survey import Inspection, inspect_source, survey_source
from reconciler.settings import Settings, SourceSettings


@dataclass(frozen=True, slots=True)
class SourceSurvey:
    """What a source's branch and the registries say.

    Attributes:
        revision: of the branch; None if it could not be read.
        images: in the order of paths and lines.
        problems: each once.
        history: what commits of ours wrote, as far as it is known.
    """

    source: SourceSettings
    revision: Revision | None
    images: tuple[SurveyedImage, ...]
    problems: tuple[Problem, ...]
    history: History = NO_HISTORY

    def since(self, image: SurveyedImage) -> datetime | None:
        """Return from when on the history is known, if what was before might matter to an image."""
        is_told = self.history.tells(image.field.key, *image.images)
        return None if is_told or not image.depends_on_history else self.history.since


@dataclass(frozen=True, slots=True)
class _Look:
    """A source that was looked at; ``error`` says why it could not be."""

    source: SourceSettings
    parts: Parts
    inspection: Inspection | None = None
    error: ReconcilerError | None = None


def survey_sources(
    settings: Settings, *, workload: str | None, has_verdicts: bool = False
) -> list[SourceSurvey]:
    """Read all sources, then ask the registries.

    Args:
        settings: the sources; their clusters are asked for registry logins alone.
        workload: the one that is wanted; None: all.
        has_verdicts: whether tags are judged one by one.

    Raises:
        SettingsError: there is no such workload.
    """
    settings = without_sync(settings)
    progress = DiffNarrator()
    with bootstrap.running(settings, progress=progress) as parts_of, progress:
        looks = [_look(source, parts_of(source)) for source in settings.sources]
        wanted = None if workload is None else _wanted(workload, looks)
        return [_survey(look, wanted, has_verdicts=has_verdicts) for look in looks]


def image_document(image: SurveyedImage) -> JSON:
    """Return a surveyed image as JSON."""
    field, reference = image.field, image.field.reference
    return {
        "path": field.path,
        "line": field.line,
        "workload": field.workload.workload,
        "container": field.container,
        "image": field.text,
        "current": reference.tag if reference else None,
        **_rules(field.rules),
        "newest": image.newest,
        "verdict": image.word,
        "detail": image.text,
    }


def _rules(rules: TagRules) -> JSON:
    return {
        "policy": str(rules.policy),
        "filter": str(rules.tag_filter.pattern) if rules.tag_filter else None,
        "extract": rules.tag_filter.template or None if rules.tag_filter else None,
        "platforms": [str(platform) for platform in rules.platforms],
        "pinsDigest": rules.pins_digest,
        "allowsDowngrade": rules.allows_downgrade,
    }


def _look(source: SourceSettings, parts: Parts) -> _Look:
    try:
        return _Look(source, parts, inspect_source(source, parts))
    except ReconcilerError as error:
        return _Look(source, parts, error=error)


def _wanted(workload: str, looks: Sequence[_Look]) -> frozenset[ObjectKey]:
    known = [key for look in looks if look.inspection for key in look.inspection.workloads]
    try:
        return find(workload, known)
    except NotFoundError as error:
        if not any(look.inspection for look in looks):
            return frozenset()  # nobody knows: what failed is told, and gives the exit code
        say_problems(Problem.of(each) for look in looks for each in _unread(look))
        raise SettingsError(error.message) from error


def _unread(look: _Look) -> Iterator[ReconcilerError]:
    """Yield what kept us from reading all of a source's branch."""
    if look.error is not None:
        yield look.error
    if look.inspection is not None:
        yield from look.inspection.view.problems
        for report in look.inspection.reports:
            yield from report.problems


def _survey(
    look: _Look, workloads: frozenset[ObjectKey] | None, *, has_verdicts: bool
) -> SourceSurvey:
    history = NO_HISTORY
    if look.inspection is None:
        found = Survey(problems=tuple(_unread(look)))
        revision = None
    else:
        found = survey_source(
            look.inspection, look.parts, workloads=workloads, has_verdicts=has_verdicts
        )
        revision = look.inspection.view.revision
        history = look.parts.repository.history(revision)
        if workloads is None:
            found = replace(found, problems=(*look.inspection.view.problems, *found.problems))
    problems = dict.fromkeys(Problem.of(error) for error in found.problems)
    return SourceSurvey(look.source, revision, found.images, tuple(problems), history)
