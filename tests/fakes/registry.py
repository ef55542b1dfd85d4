"""Registries in memory."""

import threading
from collections.abc import Mapping, Sequence

from reconciler.core.images.reference import Repository
from reconciler.errors import NotFoundError, ReconcilerError


class FakeRegistries:
    """A TagSource over a mapping of ``host/path`` to tags, or to the error to raise."""

    def __init__(self, tags: Mapping[str, Sequence[str] | ReconcilerError] | None = None) -> None:
        self.tags: dict[str, Sequence[str] | ReconcilerError] = dict(tags or {})
        self.asked: list[str] = []
        self._lock = threading.Lock()

    def list_tags(self, repository: Repository) -> Sequence[str]:
        """Return the tags, or raise what was put there."""
        with self._lock:
            self.asked.append(str(repository))
        found = self.tags.get(str(repository))
        if found is None:
            raise NotFoundError("no such repository", where=str(repository))
        if isinstance(found, ReconcilerError):
            raise found
        return found
