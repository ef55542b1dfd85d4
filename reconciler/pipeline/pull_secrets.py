"""Pull secrets: the logins that the cluster itself has for the images of its workloads."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

import structlog

from reconciler.core.images.pull_secret import PullCredential, Puller, Unread
from reconciler.core.images.reference import Repository
from reconciler.errors import ClusterError, ReconcilerError, SettingsError, TransientError
from reconciler.pipeline.registry_port import SecretSource
from reconciler.pipeline.scan import PullSecretsOf

log = structlog.get_logger(__name__)

READERS = 8  # requests to the API server at a time
FAILURES_UNTIL_CUT_OFF = 3
LONGEST_NAME = 253  # of a Kubernetes object
NO_CLUSTER = "no cluster is configured to read it from"

Value = TypeVar("Value")


class PullSecrets:
    """The registry secrets of one cycle, each read at most once. Safe to use from many threads.

    What cannot be read is a reason and not an error: nobody needs to hear of it while the registry
    lets us in.
    """

    def __init__(self, source: SecretSource | None, cut_off: ReconcilerError | None = None) -> None:
        """Read nothing yet.

        Args:
            source: where the secrets are; None if no cluster is configured.
            cut_off: why the cluster is not to be asked: it has failed already.
        """
        self._source = source
        self._cut_off = cut_off
        self._failures = 0
        self._lock = threading.Lock()
        self._readers = threading.Semaphore(READERS)
        self._secrets: _Once[PullCredential] = _Once()
        self._accounts: _Once[Sequence[str] | Unread] = _Once()

    def of(self, pullers: Sequence[Puller]) -> Iterator[PullCredential]:
        """Yield what some workloads pull with, read as it is asked for.

        First what their pod specs name, in the workloads' order, then what their ServiceAccounts
        name. The kubelet is stricter: a pod that names secrets gets none of its ServiceAccount's.
        """
        seen: set[tuple[str, str]] = set()
        for puller in pullers:
            yield from self._named(puller.namespace, puller.secrets, seen)
        accounts = dict.fromkeys((each.namespace, each.service_account) for each in pullers)
        for namespace, account in accounts if self._source is not None else ():
            names = self._names(namespace, account)
            if isinstance(names, Unread):
                yield names
            else:
                yield from self._named(namespace, names, seen)

    def by_repository(self, who: Mapping[Repository, Sequence[Puller]]) -> PullSecretsOf:
        """Return what gives the logins for each of some repositories, by who pulls from it."""
        return lambda repository: self.of(who[repository])

    def _named(
        self, namespace: str, names: Sequence[str], seen: set[tuple[str, str]]
    ) -> Iterator[PullCredential]:
        for name in names:
            if (namespace, name) not in seen:
                seen.add((namespace, name))
                yield self._secret(namespace, name)

    def _secret(self, namespace: str, name: str) -> PullCredential:
        origin = f"the secret {_shown(namespace)}/{_shown(name)}"
        return self._secrets.get(
            (namespace, name),
            lambda: self._read(origin, lambda source: source.pull_secret(namespace, name)),
        )

    def _names(self, namespace: str, account: str) -> Sequence[str] | Unread:
        origin = f"the ServiceAccount {_shown(namespace)}/{_shown(account)}"
        return self._accounts.get(
            (namespace, account),
            lambda: self._read(origin, lambda source: source.pull_secret_names(namespace, account)),
        )

    def _read(self, origin: str, ask: Callable[[SecretSource], Value]) -> Value | Unread:
        if self._source is None:
            return Unread(origin, NO_CLUSTER)
        with self._readers:
            if self._cut_off is not None:
                return _unread(origin, self._cut_off)
            try:
                return ask(self._source)
            except ReconcilerError as error:
                self._note(error)
                log.debug("pull_secret.unread", origin=origin, reason=error.message)
                return _unread(origin, error)

    def _note(self, error: ReconcilerError) -> None:
        """Leave a cluster alone that fails again and again: every read could take its time-out."""
        with self._lock:
            self._failures += isinstance(error, ClusterError)
            if isinstance(error, SettingsError) or self._failures >= FAILURES_UNTIL_CUT_OFF:
                self._cut_off = error


def _shown(name: str) -> str:
    """Return a name for a message: a manifest may hold any text there."""
    is_plain = len(name) <= LONGEST_NAME and name.isprintable()
    return name if is_plain else repr(name[:LONGEST_NAME])


def _unread(origin: str, error: ReconcilerError) -> Unread:
    return Unread(origin, error.message, isinstance(error, TransientError))


class _Once(Generic[Value]):
    """Answers by namespace and name; whoever asks second waits for the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[tuple[str, str], Future[Value]] = {}

    def get(self, key: tuple[str, str], ask: Callable[[], Value]) -> Value:
        with self._lock:
            known = self._answers.get(key)
            answer = known or self._answers.setdefault(key, Future())
        if known is None:
            try:
                answer.set_result(ask())
            except BaseException as error:
                answer.set_exception(error)
                raise
        return answer.result()
