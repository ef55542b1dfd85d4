"""Traces, sent to a real receiver that decodes them."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterable
from urllib.parse import urlsplit

import pytest
import structlog
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from reconciler import tracing
from reconciler.adapters.telemetry.traces import Traces
from reconciler.core.outcome import CycleOutcome, Lap, Problem
from reconciler.core.revision import Revision
from tests.adapters.notify.test_webhook import Received, received

__all__ = ["received"]

OUTCOME = CycleOutcome(
    "web",
    "https://git.example/web",
    revision=Revision("main", "0" * 40),
    durations={"all": 3.0, "read": 1.0, "scan": 0.5, "update": 1.5},
    laps=(Lap("read", 0.0, 1.0), Lap("scan", 1.25, 0.5), Lap("update", 1.0, 1.5)),
)


@pytest.fixture(autouse=True)
def endpoint(received: Received, monkeypatch: pytest.MonkeyPatch) -> None:
    received.status = 200
    origin = f"http://{urlsplit(received.url).netloc}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", origin)


def spans_of(received: Received) -> tuple[dict[str, str], dict[str, Span]]:
    """Return who sent, and the spans by name."""
    who: dict[str, str] = {}
    found: dict[str, Span] = {}
    for _, body in received.requests:
        request = ExportTraceServiceRequest.FromString(body)
        for each in request.resource_spans:
            who |= values(each.resource.attributes)
            found |= {span.name: span for scope in each.scope_spans for span in scope.spans}
    return who, found


def values(attributes: Iterable[KeyValue]) -> dict[str, str]:
    return {each.key: each.value.string_value or str(each.value.int_value) for each in attributes}


def test_a_cycle_is_a_span_with_its_stages_below(received: Received) -> None:
    traces = Traces()
    traces.ended(OUTCOME)
    traces.close()

    who, spans = spans_of(received)
    assert who["service.name"] == "reconcile"
    assert sorted(spans) == ["cycle", "read", "scan", "update"]
    cycle = spans.pop("cycle")
    assert values(cycle.attributes) == {
        "reconcile.source": "web",
        "reconcile.url": "https://git.example/web",
        "reconcile.revision": f"main@sha1:{'0' * 40}",
        "reconcile.result": "ok",
        "reconcile.changes": "0",
        "reconcile.problems": "0",
    }
    assert cycle.end_time_unix_nano - cycle.start_time_unix_nano == 3_000_000_000
    assert {(each.trace_id, each.parent_span_id) for each in spans.values()} == {
        (cycle.trace_id, cycle.span_id)
    }
    scan = spans["scan"]
    assert scan.start_time_unix_nano - cycle.start_time_unix_nano == 1_250_000_000
    assert scan.end_time_unix_nano - scan.start_time_unix_nano == 500_000_000


def test_what_is_wrong_is_the_status_and_our_name_may_be_another(
    received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "deployer")
    problem = Problem("web.yaml:3", "bad policy", is_stalled=True)
    traces = Traces()
    traces.ended(CycleOutcome("web", "u", problems=(problem,)))
    traces.close()

    who, spans = spans_of(received)
    assert who["service.name"] == "deployer"
    assert spans["cycle"].status.code == Status.STATUS_CODE_ERROR
    assert spans["cycle"].status.message == "web.yaml:3: bad policy"
    assert values(spans["cycle"].attributes)["reconcile.result"] == "stalled"


def test_a_receiver_that_fails_is_told_once(
    received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2")
    received.status = 404
    with structlog.testing.capture_logs() as logs:
        traces = Traces()
        for _ in range(4):
            traces.ended(OUTCOME)
        traces.close()

    assert len(received.requests) > 1
    assert [(each["event"], each["log_level"]) for each in logs] == [("trace.unsent", "warning")]


def test_a_receiver_that_does_not_answer_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "8")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8")
    done = threading.Event()
    traces = Traces()

    def work() -> None:
        for _ in range(100):
            traces.ended(OUTCOME)
        done.set()

    threading.Thread(target=work, daemon=True).start()
    assert done.wait(60)
    traces.close()


@pytest.mark.parametrize(
    ("name", "value"), [("OTEL_SDK_DISABLED", "true"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "")]
)
def test_without_an_endpoint_or_switched_off_there_are_none(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    assert tracing.traces() is None


def test_where_the_extra_is_missing_that_is_told_and_nothing_else_happens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "reconciler.adapters.telemetry.traces")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with structlog.testing.capture_logs() as logs:
        assert tracing.traces() is None

    assert [each["reason"] for each in logs] == ["needs pip install 'reconcile[otel]'"]


def test_a_variable_that_cannot_be_used_is_told_and_nothing_else_happens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1")
    with structlog.testing.capture_logs() as logs:
        assert tracing.traces() is None

    assert [each["event"] for each in logs] == ["trace.disabled"]


def test_nothing_of_it_is_loaded_without_an_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
    code = (
        "import json, sys; from reconciler.interfaces.cli import operation; "
        "assert operation.traces() is None; "
        "print(json.dumps([m for m in sys.modules if m.split('.')[0] == 'opentelemetry']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert json.loads(done.stdout) == []
