"""Survey: read Git and ask the registries, and change nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from reconciler.core.decision import KnowledgeOf, decide
from reconciler.core.manifests.images import FileReport
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.plan import pullers
from reconciler.core.survey import Survey, only, openly, survey
from reconciler.errors import ReconcilerError
from reconciler.pipeline.depth import changes_of, look_back
from reconciler.pipeline.events import Fetching, Scanning
from reconciler.pipeline.memory import Memory
from reconciler.pipeline.parts import Parts
from reconciler.pipeline.pull_secrets import PullSecrets
from reconciler.pipeline.read import read_source
from reconciler.pipeline.retractions import name_retractions
from reconciler.pipeline.scan import scan
from reconciler.pipeline.view import View
from reconciler.settings import SourceSettings


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a source's branch says about images.

    Attributes:
        view: the branch; its reports are about all workloads, also those not automated.
        default_namespace: of workloads that name none.
    """

    view: View
    default_namespace: str

    @property
    def reports(self) -> tuple[FileReport, ...]:
        """What its manifests say, in their order."""
        return self.view.reports

    @property
    def workloads(self) -> frozenset[ObjectKey]:
        """Everything that runs an image."""
        return frozenset(field.workload for report in self.reports for field in report.fields)


def inspect_source(source: SourceSettings, parts: Parts) -> Inspection:
    """Read a source's branch.

    Raises:
        GitError, AccessDeniedError, NotFoundError: it cannot be read.
    """
    parts.progress.tell(Fetching(source.git.url))
    memory = Memory(is_survey=True, store=parts.memory.store)
    view = read_source(source, parts.repository, memory=memory)
    return Inspection(view, source.default_namespace)


def survey_source(
    inspection: Inspection,
    parts: Parts,
    *,
    workloads: frozenset[ObjectKey] | None = None,
    has_verdicts: bool = False,
) -> Survey:
    """Ask the registries, and say what would become of each image.

    Args:
        inspection: what the branch says.
        parts: whom to ask.
        workloads: those that are wanted; None: all.
        has_verdicts: whether the tags are judged one by one.
    """
    reports: Sequence[FileReport] = inspection.reports
    if workloads is not None:
        reports = only(reports, workloads)
    revision = inspection.view.revision
    who = pullers(openly(reports))
    logins = PullSecrets(parts.secrets).by_repository(who)
    if who:
        parts.progress.tell(Scanning(len(who)))
    tags = scan(who, parts.registries, pull_secrets=logins, clock=parts.clock, jitter=parts.jitter)
    choose = parts.memory.selections.select
    gatherer = parts.gatherer()

    def known_of(reports: Sequence[FileReport]) -> KnowledgeOf:
        _, knowledge = gatherer.settle(
            partial(decide, openly(reports), tags, choose=choose), tags=tags, pull_secrets=logins
        )
        return knowledge

    knowledge = known_of(reports)
    problems: list[ReconcilerError] = []
    try:
        while deeper := look_back(
            parts.repository,
            revision,
            reports,
            changes_of(decide(reports, tags, knowledge, choose=choose)),
        ):
            reports = deeper
            knowledge = known_of(reports)
    except ReconcilerError as error:
        problems.append(error)
    reports = name_retractions(
        parts.repository,
        revision,
        reports,
        policies=inspection.reports,
        default_namespace=inspection.default_namespace,
    )
    found = survey(
        reports,
        inspection.view.texts,
        tags,
        knowledge=knowledge,
        workloads=workloads,
        has_verdicts=has_verdicts,
        choose=choose,
    )
    return replace(found, problems=(*found.problems, *problems))
