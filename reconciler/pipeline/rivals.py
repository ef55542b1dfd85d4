"""Rivals: hold the images that somebody fights over with us, by what Git says of who undid what."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.core.history import History, Write
from reconciler.core.manifests.images import FileReport
from reconciler.core.revision import Revision
from reconciler.core.rivalry import Undone, bouts, held
from reconciler.pipeline.git_port import ManifestRepository
from reconciler.pipeline.retractions import look_for_retractions

Rounds: TypeAlias = tuple[Write, ...]


@dataclass(slots=True)
class Rivals:
    """Remembers who undid what: old commits do not change. Losing it costs only time."""

    _known: dict[Rounds, Undone] = field(default_factory=dict)

    def hold(
        self,
        repository: ManifestRepository,
        revision: Revision,
        reports: Sequence[FileReport],
        history: History,
        *,
        default_namespace: str,
    ) -> tuple[FileReport, ...]:
        """Return the reports in which what is fought over is held.

        Contents of old commits are read only where somebody undid us as often as it takes, and once
        for all cycles. That they cannot be read is an error: else it would be written once more.

        Args:
            repository: where to look.
            revision: what the reports are about.
            reports: of all manifests.
            history: of that revision.
            default_namespace: of workloads that name none.

        Raises:
            GitError, AccessDeniedError: the commits could not be read.
        """
        found = list(bouts(history, reports))
        new = [write for bout in found if bout.writes not in self._known for write in bout.writes]
        undone = look_for_retractions(
            repository, revision, new, policies=reports, default_namespace=default_namespace
        )
        self._known = {
            bout.writes: self._known.get(bout.writes)
            or {write: undone[write] for write in bout.writes if write in undone}
            for bout in found
        }
        together = {write: by for each in self._known.values() for write, by in each.items()}
        return held(reports, found, together)
