"""Scan: the tags of many repositories of one registry, or of two."""

import random
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from bench.child import Job, require
from bench.cost import Cost, cost_of
from reconciler.adapters.registry.client import RegistryClient
from reconciler.adapters.registry.credentials import Keychain
from reconciler.bootstrap import SystemClock
from reconciler.core.images.pull_secret import PullCredential
from reconciler.core.images.reference import Repository
from reconciler.errors import ReconcilerError
from reconciler.pipeline.registry_port import TagSource
from reconciler.pipeline.scan import Tags, scan
from reconciler.settings import RegistrySettings


def scan_all(job: Job) -> Iterator[tuple[str, Cost]]:
    """Scan ``repositories`` of a host, with a client that has no connection yet."""
    repositories = _repositories(job["host"], job["repositories"])

    def work() -> Mapping[Repository, Tags]:
        client = RegistryClient(RegistrySettings(), Keychain())
        try:
            return _scan(repositories, client)
        finally:
            client.close()

    cost, found = cost_of(work)
    _check(found, repositories, job["tags"])
    yield "scan", cost


def scan_two(job: Job) -> Iterator[tuple[str, Cost]]:
    """Scan as many repositories of each of two hosts at once; when was the second one done?"""
    slow, quick = (_repositories(host, job["repositories"]) for host in job["hosts"])
    client = RegistryClient(RegistrySettings(), Keychain())
    watched = _Watched(client)

    cost, found = cost_of(lambda: _scan([*slow, *quick], watched))
    client.close()
    _check(found, [*slow, *quick], job["tags"])
    host = quick[0].host
    yield "quick", replace(cost, seconds=watched.last[host] - watched.began, cpu_s=0.0)
    yield "both", cost


class _Watched:
    """A source of tags that knows when each host last gave some."""

    def __init__(self, source: TagSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self.began = time.perf_counter()
        self.last: dict[str, float] = {}

    def list_tags(
        self, repository: Repository, *, pull_secrets: Iterable[PullCredential] = ()
    ) -> Sequence[str]:
        tags = self._source.list_tags(repository, pull_secrets=pull_secrets)
        with self._lock:
            self.last[repository.host] = time.perf_counter()
        return tags


def _repositories(host: str, count: int) -> list[Repository]:
    return [Repository(host, f"shop/page-{number:05d}") for number in range(count)]


def _scan(repositories: Sequence[Repository], source: TagSource) -> Mapping[Repository, Tags]:
    return scan(
        repositories,
        source,
        pull_secrets=lambda _: (),
        clock=SystemClock(),
        jitter=random.random,
    )


def _check(found: Mapping[Repository, Tags], wanted: Sequence[Repository], count: int) -> None:
    for repository in wanted:
        tags = found[repository]
        is_whole = not isinstance(tags, ReconcilerError) and len(tags) == count
        require(is_whole, f"{repository}: {tags!r}")
