"""What all reading from registries has in common: connections, logins, and whom to ask when."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias, TypeVar
from urllib.parse import quote

import structlog

from reconciler.adapters.registry.auth import Authenticator, Visit
from reconciler.adapters.registry.breaker import Breakers
from reconciler.adapters.registry.credentials import Keychain
from reconciler.adapters.registry.endpoints import endpoints_of
from reconciler.adapters.registry.rate_limit import RateLimit
from reconciler.adapters.registry.respite import Respites
from reconciler.adapters.registry.transport import OnRequest, Transport
from reconciler.core.images.endpoint import Endpoint
from reconciler.core.images.pull_secret import PullCredential
from reconciler.core.images.reference import Repository
from reconciler.errors import (
    ClusterError,
    ReconcilerError,
    RegistryError,
    StoppedError,
    TransientError,
)
from reconciler.settings import RegistrySettings

log = structlog.get_logger(__name__)

Found = TypeVar("Found")

OnLimit: TypeAlias = Callable[[str, int, int | None], None]
"""Told after each answer that says how many more requests a ``host[:port]`` takes, of how many."""


class Registries:
    """All registries, by one pool of connections. Safe to use from many threads.

    Attributes:
        auth: sends the requests.
        limits: what each ``host[:port]`` said last of how many more requests it takes.

    Raises:
        SettingsError: files of the settings cannot be used.
    """

    def __init__(
        self,
        settings: RegistrySettings,
        keychain: Keychain,
        *,
        on_request: OnRequest,
        on_limit: OnLimit = lambda _host, _remaining, _limit: None,
    ) -> None:
        """Open nothing yet."""
        transport = Transport(settings, on_request=on_request, take_limit=self._take_limit)
        self._on_limit = on_limit
        self.auth = Authenticator(transport, keychain, insecure_hosts=settings.insecure_hosts)
        self._hosts = {each.host: each for each in settings.hosts}
        self.limits: dict[str, RateLimit] = {}
        self._respites = Respites()
        self._breakers = Breakers()

    def visit(
        self,
        repository: Repository,
        read: Callable[[Visit], Found],
        *,
        pull_secrets: Iterable[PullCredential],
        doing: str,
    ) -> Found:
        """Return what is read by the requests for one repository, of the first that can tell.

        Its mirrors are asked before its own registry. Logins are those for the host that is asked.

        Args:
            repository: which.
            read: reads it; called for one place after the other until one does not fail.
            pull_secrets: the cluster's logins for it, tried before those of the keychain.
            doing: what is attempted, for the words of a refusal: ``listing the tags of``.

        Raises:
            ReconcilerError: what the reading raises; or that the host is not to be asked now. Of
                several places: what may pass by itself if anything may, else what is said by the
                registry itself; the message names the others.
        """
        endpoints = self.endpoints_of(repository)
        if len(endpoints) == 1:
            return self.visit_at(endpoints[0], read, pull_secrets=pull_secrets, doing=doing)
        errors: list[ReconcilerError] = []
        secrets = Shared(pull_secrets)
        for endpoint in endpoints:
            try:
                return self.visit_at(endpoint, read, pull_secrets=secrets, doing=doing)
            except StoppedError:
                raise
            except ReconcilerError as error:
                log.debug("registry.endpoint_failed", repository=str(repository), error=str(error))
                errors.append(error)
        own = next(index for index, each in enumerate(endpoints) if not each.is_mirror)
        raise _joined(errors, errors[own])

    def endpoints_of(self, repository: Repository) -> tuple[Endpoint, ...]:
        """Return whom to ask about a repository, in order."""
        return endpoints_of(repository, self._hosts)

    def visit_at(
        self,
        endpoint: Endpoint,
        read: Callable[[Visit], Found],
        *,
        pull_secrets: Iterable[PullCredential],
        doing: str,
    ) -> Found:
        """Return what is read at one place; see :meth:`visit`.

        Raises:
            ReconcilerError: what the reading raises; or that the host is not to be asked now.
        """
        host = endpoint.host
        self._respites.check(host)
        self._breakers.check(host)
        base = f"{self.auth.transport.base_url(host)}/v2/{quote(endpoint.repository.path)}"
        try:
            visit = self.auth.visit(endpoint.repository, pull_secrets, base=base, doing=doing)
            found = read(visit)
        except RegistryError as error:
            self._note(host, error)
            raise
        except (ClusterError, StoppedError):  # they say nothing of the host
            raise
        except ReconcilerError:
            self._breakers.answered(host)
            raise
        self._breakers.answered(host)
        return found

    def close(self) -> None:
        """Close all connections."""
        self.auth.transport.close()

    def _take_limit(self, host: str, limit: RateLimit) -> None:
        """Ask a host for nothing more that has no more to give, if it says until when."""
        if limit.remaining == 0 and limit.reset_s:
            self._respites.grant(host, limit.reset_s)
        self.limits[host] = limit
        self._on_limit(host, limit.remaining, limit.limit)

    def _note(self, host: str, error: RegistryError) -> None:
        self._respites.note(host, error)
        asks_for_time = error.retry_after_s is not None or error.is_throttling
        if error.is_retryable and not asks_for_time:
            self._breakers.failed(host)
        else:
            self._breakers.answered(host)


class Shared(Iterable[PullCredential]):
    """Pull secrets that several visits look through, and none further than it must."""

    def __init__(self, secrets: Iterable[PullCredential]) -> None:
        """Look at none yet."""
        self._rest: Iterator[PullCredential] = iter(secrets)
        self._seen: list[PullCredential] = []

    def __iter__(self) -> Iterator[PullCredential]:
        """Yield them; those that nobody wanted before are read now."""
        yield from tuple(self._seen)
        for secret in self._rest:
            self._seen.append(secret)
            yield secret


def _joined(errors: list[ReconcilerError], own: ReconcilerError) -> ReconcilerError:
    """Return the error that counts of several, which names the others."""
    may_pass = [each for each in errors if isinstance(each, TransientError)]
    chosen = own if own in may_pass or not may_pass else may_pass[0]
    others = "; ".join(str(each) for each in errors if each is not chosen)
    message = f"{chosen.message} (also asked: {others})"
    if isinstance(chosen, RegistryError):
        return RegistryError(
            message,
            where=chosen.where,
            retry_after_s=chosen.retry_after_s,
            is_retryable=chosen.is_retryable,
            is_throttling=chosen.is_throttling,
        )
    return type(chosen)(message, where=chosen.where)
