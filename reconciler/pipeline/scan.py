"""Scan: ask the registries for the tags of many repositories at once."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from reconciler.core.images.pull_secret import PullCredential
from reconciler.core.images.reference import Repository
from reconciler.errors import ReconcilerError
from reconciler.pipeline.inquiry import inquire
from reconciler.pipeline.ports import Clock, TagSource
from reconciler.stop import Stop

Tags: TypeAlias = tuple[str, ...] | ReconcilerError
"""The tags of a repository, or why they could not be had."""

PullSecretsOf: TypeAlias = Callable[[Repository], Iterable[PullCredential]]
"""What the cluster has to log in to a repository's registry; read as it is looked through."""


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

    def ask(repository: Repository) -> tuple[str, ...]:
        return tuple(source.list_tags(repository, pull_secrets=pull_secrets(repository)))

    return inquire(
        {each: each for each in sorted(set(repositories))},
        ask,
        clock=clock,
        jitter=jitter,
        stop=stop,
    )
