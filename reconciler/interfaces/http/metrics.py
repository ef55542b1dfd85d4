"""Metrics for Prometheus, rendered from outcomes. The only user of its client.

Every label has few values: sources and hosts are those of the settings and manifests, with a limit
on hosts, and all other words are ours.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import prometheus_client
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
)

from reconciler.core.manifests.images import SkipReason
from reconciler.core.objects.health import Status
from reconciler.core.objects.report import Action, SyncReport
from reconciler.core.outcome import CycleOutcome
from reconciler.release import VERSION

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
MAX_HOSTS: Final = 100
MAX_HOST: Final = 260  # a name and a port
OTHER: Final = "other"
SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_CHANGES: Final = (Action.CREATED, Action.CONFIGURED, Action.DELETED)
_STATUSES: Final = frozenset({401, 403, 404, 429})  # that mean something of their own


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table of metrics."""

    name: str
    kind: str  # counter, gauge or histogram
    labels: tuple[str, ...]
    help: str


METRICS: Final = (
    Metric("reconcile_build_info", "gauge", ("version",), "always 1"),
    Metric("reconcile_cycles_total", "counter", ("source", "result"),
           "cycles that ended: ok, pending, transient, stalled, stopped, suspended, or bug"),
    Metric("reconcile_cycle_seconds", "histogram", ("source", "stage"),
           "how long cycles took: read, scan, gather, update (with both), sync, and all"),
    Metric("reconcile_last_cycle_timestamp_seconds", "gauge", ("source",),
           "when the newest cycle ended, in seconds since 1970"),
    Metric("reconcile_last_success_timestamp_seconds", "gauge", ("source",),
           "when the newest cycle with the result ok or pending ended"),
    Metric("reconcile_last_scan_timestamp_seconds", "gauge", ("source",),
           "when registries were last asked for tags, in seconds since 1970"),
    Metric("reconcile_image_updates_total", "counter", ("source",),
           "image fields changed in Git"),
    Metric("reconcile_image_updates_pending", "gauge", ("source",),
           "image fields that are due, in the newest cycle: proposed, or nothing may be pushed"),
    Metric("reconcile_commits_total", "counter", ("source",), "commits pushed"),
    Metric("reconcile_image_skips", "gauge", ("source", "reason"),
           "image fields left as they are, in the newest cycle"),
    Metric("reconcile_object_changes_total", "counter", ("source", "action"),
           "objects created, configured or deleted in the cluster"),
    Metric("reconcile_drift_mended_total", "counter", ("source",),
           "objects brought back to what Git says after somebody had changed or deleted them"),
    Metric("reconcile_objects", "gauge", ("source", "action"),
           "objects by what the newest sync did to them"),
    Metric("reconcile_object_health", "gauge", ("source", "status"),
           "objects by how the newest sync found them"),
    Metric("reconcile_problems", "gauge", ("source", "stage", "kind"),
           "problems of the newest cycle"),
    Metric("reconcile_registry_requests_total", "counter", ("host", "status"),
           "HTTP requests to registries; none: no answer"),
    Metric("reconcile_registry_rate_limit", "gauge", ("host",),
           "requests that a registry takes within its time window, where it says so"),
    Metric("reconcile_registry_rate_limit_remaining", "gauge", ("host",),
           "how many of them were left, by its newest answer that says so"),
    Metric("reconcile_leader", "gauge", ("source",),
           "1 while this process may write for the source, 0 while another one may"),
    Metric("reconcile_suspended", "gauge", ("source",),
           "1 while somebody has suspended the source, as its newest cycle found it"),
    Metric("reconcile_webhooks_total", "counter", ("sender", "result"),
           "webhooks by what became of them: accepted, ignored, duplicate, denied, ..."),
    Metric("reconcile_queue_length", "gauge", (), "sources that wait for a cycle"),
)  # fmt: skip
"""The names and labels that are promised; ``docs/reference/metrics.md`` shows this table."""

_Collector: TypeAlias = Counter | Gauge | Histogram


class Metrics:
    """All metrics of a process. Safe to use from many threads."""

    def __init__(self, *, waiting: Callable[[], int]) -> None:
        """Begin with nothing.

        Args:
            waiting: how many sources wait for a cycle.
        """
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no types
        self._registry = CollectorRegistry()
        self._by_name = {each.name: _collector(each, self._registry) for each in METRICS}
        self._lock = threading.Lock()
        self._hosts: set[str] = set()
        self._problems: dict[str, set[tuple[str, str]]] = {}
        ProcessCollector(registry=self._registry)
        self._gauge("reconcile_build_info", VERSION).set(1)
        queue_length = self._by_name["reconcile_queue_length"]
        assert isinstance(queue_length, Gauge)  # noqa: S101 - by the table above
        queue_length.set_function(waiting)

    def expect(self, sources: Sequence[str]) -> None:
        """Begin at zero for these: what has not happened yet is 0 and not missing."""
        for name in sources:
            self._problems.setdefault(name, set())
            for result in ("ok", "pending", "transient", "stalled", "stopped", "suspended", "bug"):
                self._counter("reconcile_cycles_total", name, result)
            self._counter("reconcile_image_updates_total", name)
            self._counter("reconcile_commits_total", name)
            self._counter("reconcile_drift_mended_total", name)
            for action in _CHANGES:
                self._counter("reconcile_object_changes_total", name, action.value)

    def record(self, outcome: CycleOutcome) -> None:
        """Take in what a cycle did. What it did not come to stays as it was."""
        name, now = outcome.source, time.time()
        self._counter("reconcile_cycles_total", name, outcome.result).inc()
        self._gauge("reconcile_suspended", name).set(outcome.suspension is not None)
        self._gauge("reconcile_last_cycle_timestamp_seconds", name).set(now)
        if outcome.result in ("ok", "pending"):
            self._gauge("reconcile_last_success_timestamp_seconds", name).set(now)
        if "scan" in outcome.durations:
            self._gauge("reconcile_last_scan_timestamp_seconds", name).set(now)
        for stage, seconds in outcome.durations.items():
            self._histogram("reconcile_cycle_seconds", name, stage).observe(seconds)
        self._counter("reconcile_image_updates_total", name).inc(len(outcome.changes))
        self._counter("reconcile_commits_total", name).inc(bool(outcome.pushed))
        if outcome.revision:
            pending = self._gauge("reconcile_image_updates_pending", name)
            pending.set(len(outcome.pending))
            skips = [skip.reason for skip in outcome.skips]
            for reason in SkipReason:
                gauge = self._gauge("reconcile_image_skips", name, reason.name.lower())
                gauge.set(skips.count(reason))
        if outcome.sync:
            self._record_sync(name, outcome.sync)
        self._record_problems(outcome)

    def on_request(self, host: str, status: int) -> None:
        """Count a request to a registry, and how it was answered; 0: not at all."""
        label = self._host_label(host)
        self._counter("reconcile_registry_requests_total", label, status_word(status)).inc()

    def on_limit(self, host: str, remaining: int, limit: int | None) -> None:
        """Take in how many requests a registry still takes, and of how many; None: it is silent."""
        label = self._host_label(host)
        self._gauge("reconcile_registry_rate_limit_remaining", label).set(remaining)
        if limit is not None:
            self._gauge("reconcile_registry_rate_limit", label).set(limit)

    def on_lead(self, source: str, is_led: bool) -> None:
        """Take in that we lead a source, or do not."""
        self._gauge("reconcile_leader", source).set(is_led)

    def on_webhook(self, sender: str, result: str) -> None:
        """Count a webhook by its sender, ``git/github``, and what became of it."""
        self._counter("reconcile_webhooks_total", sender, result).inc()

    def render(self) -> bytes:
        """Return all of them in Prometheus's text format."""
        return prometheus_client.generate_latest(self._registry)

    def _host_label(self, host: str) -> str:
        host = host.rpartition("@")[2][:MAX_HOST]  # a redirect may name a password before it
        with self._lock:
            if len(self._hosts) < MAX_HOSTS:
                self._hosts.add(host)
            return host if host in self._hosts else OTHER

    def _record_sync(self, name: str, report: SyncReport) -> None:
        counts = report.counts
        for action in Action:
            self._gauge("reconcile_objects", name, action.value).set(counts.get(action, 0))
        for action in _CHANGES:
            changes = self._counter("reconcile_object_changes_total", name, action.value)
            changes.inc(counts.get(action, 0))
        self._counter("reconcile_drift_mended_total", name).inc(report.mended)
        health = [each.health.status for each in report.objects if each.health]
        for status in Status:
            gauge = self._gauge("reconcile_object_health", name, status.value)
            gauge.set(health.count(status))

    def _record_problems(self, outcome: CycleOutcome) -> None:
        found = [(problem.stage, problem.kind) for problem in outcome.problems]
        known = self._problems[outcome.source]
        known.update(found)
        for stage, kind in known:
            gauge = self._gauge("reconcile_problems", outcome.source, stage, kind)
            gauge.set(found.count((stage, kind)))

    def _counter(self, name: str, *labels: str) -> Counter:
        child = self._by_name[name].labels(*labels)
        assert isinstance(child, Counter)  # noqa: S101 - by the table above
        return child

    def _gauge(self, name: str, *labels: str) -> Gauge:
        child = self._by_name[name].labels(*labels)
        assert isinstance(child, Gauge)  # noqa: S101 - by the table above
        return child

    def _histogram(self, name: str, *labels: str) -> Histogram:
        child = self._by_name[name].labels(*labels)
        assert isinstance(child, Histogram)  # noqa: S101 - by the table above
        return child


def status_word(status: int) -> str:
    """Return the label for a status: the few that matter by number, the others by class."""
    if not status:
        return "none"
    if status in _STATUSES:
        return str(status)
    hundreds = status // 100
    return f"{hundreds}xx" if 1 <= hundreds <= 5 else OTHER  # noqa: PLR2004 - HTTP's classes


def _collector(metric: Metric, registry: CollectorRegistry) -> _Collector:
    match metric.kind:
        case "counter":
            return Counter(metric.name, metric.help, metric.labels, registry=registry)
        case "histogram":
            return Histogram(
                metric.name, metric.help, metric.labels, registry=registry, buckets=SECONDS
            )
        case _:
            return Gauge(metric.name, metric.help, metric.labels, registry=registry)
