"""Clones of a remote on disk, and what they hold."""

from dataclasses import replace
from pathlib import Path

from lab.bare_repository import BareRemote
from reconciler.adapters.git.repository import GitRepository
from reconciler.settings import GitSettings


def another(remote: BareRemote, folder: Path, **options: object) -> GitRepository:
    """Return a repository whose clone is in a folder, as a new process would have it."""
    settings = replace(GitSettings(url=str(remote.path)), **options)  # type: ignore[arg-type]  # test data
    return GitRepository(settings, folder / "data", lock_wait_s=0.1)


def contents(repository: GitRepository) -> dict[str, object]:
    """Return what is read of each path after a fetch."""
    entries = repository.fetch().entries
    return {entry.path: it for entry, it in repository.read(entries, max_bytes=1 << 20)}
