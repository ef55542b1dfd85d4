"""Publish: a commit goes to the remote once, whatever becomes of the answer."""

from collections.abc import Callable

from reconciler.core.backoff import delay_s
from reconciler.core.revision import Revision
from reconciler.errors import GitError, RemoteMovedError
from reconciler.pipeline.git_port import ManifestRepository
from reconciler.pipeline.ports import Clock

PUSH_ATTEMPTS = 10
_BASE_S = 0.1
_CAP_S = 2.0


def push(repository: ManifestRepository, revision: Revision) -> None:
    """Push; when the answer was lost, look whether the commit arrived.

    Raises:
        RemoteMovedError, RefusedError, AccessDeniedError, GitError: see
            :meth:`ManifestRepository.push`.
    """
    try:
        repository.push(revision)
    except RemoteMovedError:
        raise
    except GitError:
        if repository.fetch().revision.commit != revision.commit:
            raise


def pause(attempt: int, *, clock: Clock, jitter: Callable[[], float]) -> None:
    """Wait before the branch is read again."""
    clock.sleep(delay_s(attempt, base_s=_BASE_S, cap_s=_CAP_S, jitter=jitter()))
