"""Depth: look further back in Git where it depends on that what may be written."""

from collections.abc import Iterable, Sequence

from reconciler.core.decision import Change, Decisions
from reconciler.core.manifests.images import FileReport
from reconciler.core.revision import Revision
from reconciler.pipeline.git_port import ManifestRepository


def changes_of(decisions: Decisions) -> list[Change]:
    """Return the changes among decisions."""
    return [each for made in decisions.by_report for each in made if isinstance(each, Change)]


def look_back(
    repository: ManifestRepository,
    revision: Revision,
    reports: Sequence[FileReport],
    changes: Iterable[Change],
) -> tuple[FileReport, ...] | None:
    """Return the reports by more of the history; None if that is not needed, or not to be had.

    A tag may have been taken back before the oldest commit that is known. So before one is written,
    the history has to reach back to where we wrote it, or what stands there now.

    Args:
        repository: where the reports are from.
        revision: what they are about.
        reports: with what is known to be taken back among their rules.
        changes: what would be written.

    Raises:
        GitError, AccessDeniedError: the remote does not give more of it.
    """
    history = repository.history(revision)
    if all(history.tells(each.field.key, each.old, each.new) for each in changes):
        return None
    if not repository.deepen(revision):
        return None
    return repository.history(revision).recalled(reports)
