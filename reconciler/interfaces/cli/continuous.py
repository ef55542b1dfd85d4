"""``reconcile``: cycles of all sources, again and again, until a signal ends them."""

import contextlib
import signal
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import structlog

from reconciler.errors import SettingsError
from reconciler.exit_codes import INTERRUPTED, OK
from reconciler.interfaces.cli.config_watch import ConfigWatch
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.loading import load
from reconciler.interfaces.cli.operation import Operation
from reconciler.interfaces.cli.signals import ENDING, Signals
from reconciler.pipeline.demand import Demand, Why
from reconciler.pipeline.loop import Loop
from reconciler.release import VERSION
from reconciler.settings import Settings
from reconciler.stop import Stop

if TYPE_CHECKING:
    from reconciler.interfaces.http.service import Service

log = structlog.get_logger(__name__)

GRACE_S = 20.0
"""For cycles to end; with what comes after, less than the 30 s that Kubernetes gives a pod."""

_LOOK_S = 5.0  # how often to look whether anything is overdue, takes too long, or has changed


def run_continuously(invocation: Invocation) -> int:
    """Read the settings and run cycles until a signal comes; return the exit code.

    SIGTERM and SIGINT end it, cleanly within the grace period and at once the second time; SIGHUP
    asks for a cycle of every source now. Settings that change in their file are taken up.

    Raises:
        SettingsError: options, environment or file are wrong.
    """
    stop = Stop()
    signals = Signals(cut_off=stop.insist)
    with signals.heard():
        watch = ConfigWatch(invocation.config, partial(_load, invocation))
        service = _service(watch.settings, stop)
        with service.serving() if service else contextlib.nullcontext():
            return _run_on(watch, service, signals, stop)


def _load(invocation: Invocation) -> Settings:
    settings = load(invocation, log_level="info")
    if settings.dry_run:
        raise SettingsError("--dry-run goes with --once: a dry run that never ends is no use")
    return settings


def _service(settings: Settings, stop: Stop) -> "Service | None":
    if settings.listen is None:
        return None
    from reconciler.interfaces.http.service import Service  # noqa: PLC0415 - only when it listens

    return Service(settings.listen, is_ending=lambda: stop.is_asked)


def _run_on(watch: ConfigWatch, service: "Service | None", signals: Signals, stop: Stop) -> int:
    """Run with the settings as they are, and anew when they have changed, until a signal ends it.

    What is asked for while settings change is not lost: each source has a cycle first of all.
    """
    before, settings = None, watch.settings
    while True:
        try:
            with _running(settings, service, stop) as loop:
                before = settings
                code = _attend(loop, watch, signals)
                if code is not None:
                    stop.ask()
        except SettingsError as error:
            if before is None or before is settings:
                raise
            watch.refuse(error, before)
            settings = before
            continue
        if code is not None:
            return code
        settings = watch.settings
        if settings.listen != before.listen:
            log.warning("config.needs_restart", settings=["listen"])
        log.info("config.changed")


@contextlib.contextmanager
def _running(settings: Settings, service: "Service | None", stop: Stop) -> Iterator[Loop]:
    """Run cycles while the block runs.

    Raises:
        SettingsError: something named in the settings cannot be used.
    """
    ours = stop.child()
    with contextlib.ExitStack() as stack:
        stack.callback(ours.leave)
        operation = Operation(settings, service, ours, stack)
        log.info(
            "loop.started",
            version=VERSION,
            sources=list(operation.loop.sources),
            interval_s=min(each.interval_s for each in settings.sources),
            addresses=service.addresses if service else [],
        )
        try:
            operation.start()
            yield operation.loop
        finally:
            is_clean = operation.end(GRACE_S)
            log.info("loop.ended", is_clean=is_clean)


def _attend(loop: Loop, watch: ConfigWatch, signals: Signals) -> int | None:
    """Do what signals ask for; return the exit code, or None when the settings have changed."""
    while True:
        number = signals.wait(_LOOK_S)
        if number in ENDING:
            log.info("loop.ending", signal=signal.Signals(number).name, grace_s=GRACE_S)
            return INTERRUPTED if number == signal.SIGINT else OK
        if watch.changed() is not None:
            return None
        if number == signal.SIGHUP:
            log.info("loop.asked", signal="SIGHUP")
            for name in loop.sources:
                loop.request(name, Demand.of(Why.SIGNAL))
        loop.look_after()
