"""Traces: a span for each cycle and each of its stages, sent by OTLP over HTTP."""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Final

import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from reconciler.core.outcome import CycleOutcome
from reconciler.release import VERSION

log = structlog.get_logger(__name__)

END_S: Final = 2.0
"""How long the end of the process waits for what was not sent yet."""

_NS: Final = 1_000_000_000
_UNNAMED: Final = "unknown_service"


class Traces:
    """Hears of cycles; a thread of the library's sends them, and drops what is too much.

    The endpoint, headers and the rest are OpenTelemetry's variables. Spans are made when a cycle
    has ended, from what its stopwatch says: the cycle itself knows nothing of them.
    """

    def __init__(self) -> None:
        """Begin to send.

        Raises:
            Exception: of the library's; a variable has a value that it cannot use.
        """
        library = logging.getLogger("opentelemetry")  # speaks with each batch that fails: we once
        library.propagate = False
        library.addHandler(logging.NullHandler())
        self._exporter = OTLPSpanExporter()
        self._processor = BatchSpanProcessor(_Told(self._exporter))
        provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        provider.add_span_processor(self._processor)
        self._tracer = provider.get_tracer("reconcile", VERSION)

    def started(self, source: str, demand: object) -> None:
        """A cycle that begins has no length yet."""

    def ended(self, outcome: CycleOutcome) -> None:
        """Have a cycle's spans sent."""
        ended_ns = time.time_ns()
        began_ns = ended_ns - round(outcome.durations.get("all", 0.0) * _NS)
        told: dict[str, str | int] = {
            "reconcile.source": outcome.source,
            "reconcile.url": outcome.url,
            "reconcile.revision": str(outcome.revision or ""),
            "reconcile.result": outcome.result,
            "reconcile.changes": len(outcome.changes),
            "reconcile.problems": len(outcome.problems),
        }
        cycle = self._tracer.start_span("cycle", start_time=began_ns, attributes=told)
        if outcome.problems:
            cycle.set_status(trace.StatusCode.ERROR, str(outcome.problems[0]))
        within = trace.set_span_in_context(cycle)
        for lap in outcome.laps:
            lap_ns = began_ns + round(lap.after_s * _NS)
            facts = {"reconcile.source": outcome.source, "reconcile.stage": lap.stage}
            span = self._tracer.start_span(
                lap.stage, context=within, start_time=lap_ns, attributes=facts
            )
            span.end(lap_ns + round(lap.seconds * _NS))
        cycle.end(ended_ns)

    def close(self) -> None:
        """Send what is left, if that is quickly done."""
        ending = threading.Thread(target=self._processor.shutdown, name="traces-end", daemon=True)
        ending.start()  # the library's own limit is half a minute, longer than we may take
        ending.join(END_S)
        self._exporter.shutdown()  # type: ignore[no-untyped-call] # the library's has no types


class _Told(SpanExporter):
    """Sends by another exporter, and tells once that this fails."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._fails = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send; never raises."""
        try:
            result = self._exporter.export(spans)
        except Exception:  # noqa: BLE001 - traces are worth no cycle, whatever the library raises
            result = SpanExportResult.FAILURE
        fails = result is not SpanExportResult.SUCCESS
        if fails and not self._fails:
            log.warning("trace.unsent", spans=len(spans))
        self._fails = fails
        return result

    def shutdown(self) -> None:
        """End it, in the middle of waiting for another try too."""
        self._exporter.shutdown()


def _resource() -> Resource:
    """Return who we are, as the environment says, else by our own name."""
    found = Resource.create({"service.version": VERSION})
    if str(found.attributes.get("service.name", _UNNAMED)).startswith(_UNNAMED):
        return found.merge(Resource({"service.name": "reconcile"}))
    return found
