"""Whether cycles are traced: as OpenTelemetry's variables say, and if its packages are there."""

import os
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from reconciler.adapters.telemetry.traces import Traces

log = structlog.get_logger(__name__)


def traces() -> "Traces | None":
    """Return what sends traces, if OpenTelemetry's variables name an endpoint for them.

    Nothing but traces depends on it: what keeps them from being sent is told, and that is all.
    """
    names = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    is_off = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if is_off or not any(os.environ.get(name) for name in names):
        return None
    try:
        from reconciler.adapters.telemetry.traces import Traces  # noqa: PLC0415 - an extra

        return Traces()
    except ImportError:
        log.warning("trace.disabled", reason="needs pip install 'reconcile[otel]'")
    except Exception as error:  # noqa: BLE001 - whatever the library raises of its variables
        log.warning("trace.disabled", reason=f"an OTEL_… variable: {type(error).__name__}")
    return None
