"""Keeps what was read by digest, which never changes: the latest used of it, within bounds."""

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

from reconciler.core.images.reference import Repository

Content = TypeVar("Content")


class Kept(Generic[Content]):
    """Contents by repository and digest. Safe to use from many threads.

    By the repository too: who may read one repository may not read every other.
    """

    def __init__(self, *, most: int) -> None:
        """Keep up to that weight in all."""
        self._most = most
        self._weight = 0
        self._lock = threading.Lock()
        self._contents: OrderedDict[tuple[Repository, str], tuple[Content, int]] = OrderedDict()

    def get(self, repository: Repository, digest: str) -> Content | None:
        """Return a content; None if it is not kept."""
        with self._lock:
            found = self._contents.get((repository, digest))
            if found is None:
                return None
            self._contents.move_to_end((repository, digest))
            return found[0]

    def put(self, repository: Repository, digest: str, content: Content, *, weight: int) -> None:
        """Keep a content; those that were not used for longest make room for it."""
        with self._lock:
            _, before = self._contents.pop((repository, digest), (None, 0))
            self._contents[repository, digest] = (content, weight)
            self._weight += weight - before
            while self._weight > self._most:
                _, (_, gone) = self._contents.popitem(last=False)
                self._weight -= gone
