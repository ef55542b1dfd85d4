"""Scan: the tags of many repositories of one registry."""

import random
from collections.abc import Iterator, Mapping

from bench.child import Job, require
from bench.cost import Cost, cost_of
from reconciler.adapters.registry.client import RegistryClient
from reconciler.adapters.registry.credentials import Keychain
from reconciler.bootstrap import SystemClock
from reconciler.core.images.reference import Repository
from reconciler.errors import ReconcilerError
from reconciler.pipeline.scan import Tags, scan
from reconciler.settings import RegistrySettings


def scan_all(job: Job) -> Iterator[tuple[str, Cost]]:
    """Scan ``repositories`` of a host, with a client that has no connection yet."""
    repositories = [
        Repository(job["host"], f"shop/page-{number:05d}") for number in range(job["repositories"])
    ]

    def work() -> Mapping[Repository, Tags]:
        client = RegistryClient(RegistrySettings(), Keychain())
        try:
            return scan(
                repositories,
                client,
                pull_secrets=lambda _: (),
                clock=SystemClock(),
                jitter=random.random,
            )
        finally:
            client.close()

    cost, found = cost_of(work)
    for repository in repositories:
        tags = found[repository]
        require(
            not isinstance(tags, ReconcilerError) and len(tags) == job["tags"],
            f"{repository}: {tags!r}",
        )
    yield "scan", cost
