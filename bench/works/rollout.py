"""Rollout: workloads go to a cluster with controllers, and are waited for."""

import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3

from bench.child import Job, require
from bench.cost import Cost, cost_of
from bench.works.running import parts, settings_of
from reconciler.pipeline import cycle


def roll_out(job: Job) -> Iterator[tuple[str, Cost]]:
    """Run one cycle, until ``objects`` are Current.

    ``ended_us`` among the counts is the moment of its end, on the monotonic clock.
    """
    settings = settings_of(
        git_url=job["git_url"],
        data_dir=Path(job["folder"]),
        is_synced=True,
        is_updated=False,
        is_waiting=True,
        kubeconfig=job["kubeconfig"],
        namespace=job["namespace"],
    )
    with parts(settings) as (source, made), _counted() as (requests, watches):
        cost, outcome = cost_of(lambda: cycle.run(source, made))
        ended_us = int(time.monotonic() * 1e6)
    require(not outcome.problems, f"problems: {outcome.problems[:3]}")
    reports = outcome.sync.objects if outcome.sync else ()
    current = [each for each in reports if each.is_change and each.health]
    require(
        sum(bool(each.health and each.health.is_current) for each in current) == job["objects"],
        "not all were changed and are Current",
    )
    counts = {
        "requests": requests["all"],
        "watches": requests["watches"],
        "a kind at most": max(watches.values(), default=0),
    }
    yield "cycle", cost.with_counts({**counts, "ended_us": ended_us})


@contextlib.contextmanager
def _counted() -> Iterator[tuple[Counter[str], Counter[str]]]:
    """Count the HTTP requests of this process, and its watches by path, while the body runs."""
    requests, watches = Counter[str](), Counter[str]()
    original = urllib3.HTTPConnectionPool.urlopen

    def counting(pool: Any, method: str, url: str, *rest: Any, **options: Any) -> Any:  # noqa: ANN401 - passed on
        requests["all"] += 1
        if "watch=true" in url:
            requests["watches"] += 1
            watches[urlsplit(url).path] += 1
        return original(pool, method, url, *rest, **options)

    urllib3.HTTPConnectionPool.urlopen = counting  # type: ignore[method-assign,assignment]  # for a while
    try:
        yield requests, watches
    finally:
        urllib3.HTTPConnectionPool.urlopen = original  # type: ignore[method-assign]  # as it was
