"""Registry secrets in memory."""

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from reconciler.core.images.pull_secret import PullSecret
from reconciler.core.redaction import Secret
from reconciler.errors import NotFoundError, ReconcilerError, RefusedError

Found = TypeVar("Found")


@dataclass
class FakeSecrets:
    """A SecretSource over mappings of ``namespace/name``.

    Attributes:
        secrets: the content of each Secret, or the error to raise.
        accounts: the pull secrets that each ServiceAccount names, or the error to raise.
        down: what every read raises, if anything.
        reads: what was asked for, in order: ``secret web/regcred``, ``account web/default``.
    """

    secrets: Mapping[str, str | ReconcilerError] = field(default_factory=dict)
    accounts: Mapping[str, Sequence[str] | ReconcilerError] = field(default_factory=dict)
    down: Exception | None = None
    reads: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def pull_secret(self, namespace: str, name: str) -> PullSecret:
        """Return the secret, or raise what was put there."""
        _check_name("Secret", namespace, name)
        content = self._read("secret", self.secrets.get(f"{namespace}/{name}"), namespace, name)
        return PullSecret(f"{namespace}/{name}", Secret(content))

    def pull_secret_names(self, namespace: str, service_account: str) -> Sequence[str]:
        """Return what the ServiceAccount names; ``default`` is in every namespace."""
        _check_name("ServiceAccount", namespace, service_account)
        known = {f"{namespace}/default": (), **self.accounts}
        found = known.get(f"{namespace}/{service_account}")
        return self._read("account", found, namespace, service_account)

    def _read(
        self, kind: str, found: Found | ReconcilerError | None, namespace: str, name: str
    ) -> Found:
        with self._lock:
            self.reads.append(f"{kind} {namespace}/{name}")
        if self.down is not None:
            raise self.down
        if found is None:
            raise NotFoundError("it is not there")
        if isinstance(found, ReconcilerError):
            raise found
        return found


def _check_name(kind: str, *names: str) -> None:
    if not all(re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", name) for name in names):
        raise RefusedError(f"that is no name of a {kind}")
