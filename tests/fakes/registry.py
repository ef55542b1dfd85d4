"""Registries in memory."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.core.images.pull_secret import PullCredential, PullSecret
from reconciler.core.images.reference import Repository
from reconciler.errors import AccessDeniedError, ClusterError, NotFoundError, ReconcilerError


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
        if str(repository) in self.logins:
            self._log_in(repository, pull_secrets)
        found = self.tags.get(str(repository))
        if found is None:
            raise NotFoundError("no such repository", where=str(repository))
        if isinstance(found, ReconcilerError):
            raise found
        return found

    def _log_in(self, repository: Repository, pull_secrets: Iterable[PullCredential]) -> None:
        wanted = self.logins[str(repository)]
        seen = self.looked_at.setdefault(str(repository), [])
        may_pass = False
        notes: list[str] = []
        for each in pull_secrets:
            seen.append(each)
            if not isinstance(each, PullSecret):
                notes.append(f"{each.origin} cannot be used: {each.reason}")
                may_pass |= each.may_pass
            elif each.content.reveal() == wanted:
                return
            else:
                notes.append(f"the secret {each.origin} was refused")
        if wanted not in self.own_logins:
            kind = ClusterError if may_pass else AccessDeniedError
            raise kind(f"access denied ({'; '.join(notes)})", where=str(repository))
