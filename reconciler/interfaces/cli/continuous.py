"""``reconcile``: cycles of all sources, again and again, until a signal ends them."""

import contextlib
import signal
from functools import partial
from typing import TYPE_CHECKING

import structlog

from reconciler import bootstrap
from reconciler.core.outcome import CycleOutcome
from reconciler.errors import SettingsError
from reconciler.exit_codes import INTERRUPTED, OK
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.loading import load
from reconciler.interfaces.cli.signals import ENDING, Signals
from reconciler.pipeline import cycle
from reconciler.pipeline.journal import Journal, LoggedProgress
from reconciler.pipeline.loop import Loop
from reconciler.release import VERSION
from reconciler.settings import Settings
from reconciler.stop import Stop

if TYPE_CHECKING:
    from reconciler.interfaces.http.service import Service

log = structlog.get_logger(__name__)

GRACE_S = 20.0
"""For cycles to end; with what comes after, less than the 30 s that Kubernetes gives a pod."""

LONGEST_CYCLE_S = 3600.0
"""Far more than the limits of reading, scanning and pushing together; waits for health come on top,
once for definitions and once for the rest."""

_LOOK_S = 30.0  # how often to look whether anything is overdue


def run_continuously(invocation: Invocation) -> int:
    """Read the settings and run cycles until a signal comes; return the exit code.

    SIGTERM and SIGINT end it, cleanly within the grace period and at once the second time; SIGHUP
    asks for a cycle of every source now.

    Raises:
        SettingsError: options, environment or file are wrong.
    """
    stop = Stop()
    signals = Signals(cut_off=stop.insist)
    with signals.heard():
        settings = load(invocation, log_level="info")
        if settings.dry_run:
            raise SettingsError("--dry-run goes with --once: a dry run that never ends is no use")
        return _run(settings, _service(settings), signals, stop)


def _service(settings: Settings) -> "Service | None":
    if settings.listen is None:
        return None
    from reconciler.interfaces.http.service import Service  # noqa: PLC0415 - only when it listens

    return Service(settings.listen, [source.name for source in settings.sources])


def _run(settings: Settings, service: "Service | None", signals: Signals, stop: Stop) -> int:
    names = [source.name for source in settings.sources]
    journals = {name: Journal() for name in names}
    with bootstrap.running(
        settings,
        progress=LoggedProgress(),
        stop=stop,
        on_request=service.on_request if service else lambda _host, _status: None,
        on_limit=service.on_limit if service else lambda _host, _remaining, _limit: None,
    ) as parts_of:

        def run(name: str) -> CycleOutcome:
            outcome = cycle.run(sources[name], parts[name])
            journals[name].record(outcome)
            if service:
                service.record(outcome)
            for each in parts[name].readiness.take_due(name):
                loop.request(each)
            return outcome

        loop = Loop(
            names,
            run=run,
            interval_s=settings.interval_s,
            stuck_s=LONGEST_CYCLE_S + 2 * max(each.sync.timeout_s for each in settings.sources),
            clock=bootstrap.SystemClock(),
            stop=stop,
        )
        sources = {source.name: source for source in settings.sources}
        parts = {
            source.name: parts_of(source, is_hurried=partial(loop.is_hurried, source.name))
            for source in settings.sources
        }
        log.info(
            "loop.started",
            version=VERSION,
            sources=names,
            interval_s=settings.interval_s,
            addresses=service.addresses if service else [],
        )
        with service.serving(loop) if service else contextlib.nullcontext():
            try:
                loop.start()
                return _serve(loop, names, signals)
            finally:
                is_clean = loop.shut_down(GRACE_S)
                log.info("loop.ended", is_clean=is_clean)


def _serve(loop: Loop, names: list[str], signals: Signals) -> int:
    """Do what signals ask for, until one asks to end; return its exit code."""
    while True:
        number = signals.wait(_LOOK_S)
        if number in ENDING:
            log.info("loop.ending", signal=signal.Signals(number).name, grace_s=GRACE_S)
            return INTERRUPTED if number == signal.SIGINT else OK
        if number == signal.SIGHUP:
            log.info("loop.asked", signal="SIGHUP")
            for name in names:
                loop.request(name)
        loop.catch_up()
