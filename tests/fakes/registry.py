"""Registries in memory."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.core.images.pull_secret import PullCredential
from reconciler.core.images.reference import Repository
from reconciler.errors import NotFoundError, ReconcilerError
from tests.fakes.login import log_in


@dataclass
class FakeRegistries:
    """A TagSource over a mapping of ``host/path`` to tags, or to the error to raise.

    Attributes:
        tags: what each repository has.
        logins: by ``host/path``, the text that the content of a pull secret must be; the others are
            anybody's.
        own_logins: those that we have ourselves, as from a docker config.
        asked: the repositories in the order in which they were asked for.
        looked_at: by ``host/path``, the pull secrets that were looked at before one was accepted.
    """

    tags: Mapping[str, Sequence[str] | ReconcilerError] = field(default_factory=dict)
    logins: Mapping[str, str] = field(default_factory=dict)
    own_logins: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)
    looked_at: dict[str, list[PullCredential]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def list_tags(
        self, repository: Repository, *, pull_secrets: Iterable[PullCredential] = ()
    ) -> Sequence[str]:
        """Return the tags, or raise what was put there."""
        with self._lock:
            self.asked.append(str(repository))
        wanted = self.logins.get(str(repository))
        if wanted is not None:
            seen = self.looked_at.setdefault(str(repository), [])
            is_ours = wanted in self.own_logins
            log_in(repository, pull_secrets, wanted=wanted, is_ours=is_ours, seen=seen)
        found = self.tags.get(str(repository))
        if found is None:
            raise NotFoundError("no such repository", where=str(repository))
        if isinstance(found, ReconcilerError):
            raise found
        return found
