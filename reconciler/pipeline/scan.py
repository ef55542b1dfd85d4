"""Scan: ask the registries for the tags of many repositories at once."""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from reconciler.core.images.listing import Listing
from reconciler.core.images.pull_secret import PullCredential
from reconciler.core.images.reference import Repository
from reconciler.errors import ReconcilerError, RegistryError
from reconciler.pipeline.inquiry import inquire
from reconciler.pipeline.ports import Clock
from reconciler.pipeline.registry_port import TagSource
from reconciler.stop import Stop

Tags: TypeAlias = Listing | ReconcilerError
"""The tags of a repository, or why they could not be had."""

MAX_CHARACTERS = 128 * 2**20
"""Of all tags of one registry that a scan keeps: a thousand repositories of 6,000 tags; a registry
that lists tags without end fills no more of our memory."""

PullSecretsOf: TypeAlias = Callable[[Repository], Iterable[PullCredential]]
"""What the cluster has to log in to a repository's registry; read as it is looked through."""


class _Room:
    """What the lists of one registry take in memory. Used by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[str, int] = {}  # characters, by host

    def take(self, repository: Repository, listing: Listing) -> Listing:
        """Return a listing, if there is room for it.

        Raises:
            RegistryError: there is none.
        """
        with self._lock:
            taken = self._taken.get(repository.host, 0) + len(listing.text)
            if taken <= MAX_CHARACTERS:
                self._taken[repository.host] = taken
                return listing
        message = f"its registry lists more than {MAX_CHARACTERS // 2**20} MiB of tags in one scan"
        raise RegistryError(message, where=str(repository), is_retryable=False)


def scan(
    repositories: Iterable[Repository],
    source: TagSource,
    *,
    pull_secrets: PullSecretsOf,
    clock: Clock,
    jitter: Callable[[], float],
    stop: Stop | None = None,
) -> Mapping[Repository, Tags]:
    """Return for each repository its tags, or the error that kept us from them.

    Args:
        repositories: what to ask for; each is asked once, however often it stands there.
        source: whom to ask.
        pull_secrets: gives the cluster's logins for a repository; looked through by many threads.
        clock: tells when a host may be asked again.
        jitter: gives fractions from 0 to 1 for the backoff.
        stop: asks to end early; answers under way are not waited for.

    Raises:
        StoppedError: the process is to end.
    """
    room = _Room()

    def ask(repository: Repository) -> Listing:
        tags = source.list_tags(repository, pull_secrets=pull_secrets(repository))
        return room.take(repository, Listing.of(tags))

    return inquire(
        {each: each for each in sorted(set(repositories))},
        ask,
        clock=clock,
        jitter=jitter,
        stop=stop,
    )
