"""Operation: a loop over all sources, with everything that listens to it and asks it for cycles."""

import random
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import TYPE_CHECKING, Final

from reconciler import bootstrap
from reconciler.cluster_parts import controlling, leadership, recorder
from reconciler.collector import Leftovers
from reconciler.core.outcome import CycleOutcome
from reconciler.pipeline import cycle
from reconciler.pipeline.attendance import Attendance
from reconciler.pipeline.board import Board
from reconciler.pipeline.demand import Demand, Why
from reconciler.pipeline.herald import Herald
from reconciler.pipeline.hints import Aim, Hints, Known
from reconciler.pipeline.journal import LoggedProgress
from reconciler.pipeline.journals import Journals
from reconciler.pipeline.leadership import Leadership
from reconciler.pipeline.listeners import Listener, Listeners
from reconciler.pipeline.loop import Loop
from reconciler.pipeline.pace import Pace
from reconciler.pipeline.parts import Parts
from reconciler.pipeline.recorder import Recorder
from reconciler.settings import Settings, SourceSettings
from reconciler.stop import Stop
from reconciler.tracing import traces

if TYPE_CHECKING:
    from reconciler.interfaces.http.service import Service

LONGEST_CYCLE_S: Final = 3600.0
"""Far more than the limits of reading, scanning and pushing together; waits for health come on top,
once for definitions and once for the rest."""


class Operation:
    """What runs with one set of settings, until these change or the process ends.

    Attributes:
        loop: runs the cycles.
    """

    def __init__(
        self, settings: Settings, service: "Service | None", stop: Stop, stack: ExitStack
    ) -> None:
        """Build all of it; nothing runs yet.

        Args:
            settings: of all sources.
            service: serves HTTP; None: nothing does.
            stop: asks for the end of all this.
            stack: closes what was opened.

        Raises:
            SettingsError: something named in the settings cannot be used.
        """
        self._settings = settings
        self._service = service
        self._stop = stop
        self._renewals = Stop()
        self._leftovers = Leftovers()
        self._sources = {source.name: source for source in settings.sources}
        synced = [each.name for each in settings.sources if each.is_synced]
        parts_of = stack.enter_context(self._running())
        reached = stack.enter_context(controlling(settings)) if synced else None
        self._led: Leadership | None = None
        if reached:
            self._led = leadership(reached[1].leases(), synced, self._on_lead)
        self.loop = Loop(
            {each.name: Pace(each.interval_s, random.random) for each in settings.sources},
            run=self._run,
            deadline_s=LONGEST_CYCLE_S + 2 * max(each.sync.timeout_s for each in settings.sources),
            clock=bootstrap.SystemClock(),
            stop=stop,
            leads={name: partial(self._led.leads, name) for name in synced} if self._led else {},
        )
        self._attendance: Attendance | None = None
        if reached:
            self._attendance = Attendance(
                reached[0], self.loop.request, sources=synced, stop=stop, leads=self._leads
            )
        self._heralds = self._new_heralds()
        self._recorder: Recorder | None = None
        if reached:
            clock = bootstrap.SystemClock()
            self._recorder = recorder(settings, reached[1], clock=clock, stop=stop)
        known = {name: self._known(name) for name in self._sources}
        self._parts = {
            name: self._parts_of(source, parts_of, known[name])
            for name, source in self._sources.items()
        }
        self._traces = traces()
        if self._traces:
            stack.callback(self._traces.close)
        self._listeners = Listeners(self._listening())
        if service:
            aims = [
                Aim(source, self._parts[name].memory.listings, known[name])
                for name, source in self._sources.items()
            ]
            service.attend(
                self.loop,
                list(self._sources),
                hints=Hints(aims, self._ask),
                secret_file=settings.webhook_secret_file,
                board=Board(
                    settings.sources, {name: each.memory for name, each in self._parts.items()}
                ),
                page=settings.page,
            )

    def start(self) -> None:
        """Let it run."""
        for herald in self._heralds:
            herald.start()
        if self._recorder:
            self._recorder.start()
        if self._attendance:
            self._attendance.start()
        self.loop.start()
        if self._led and self._service:
            for name, source in self._sources.items():
                if source.is_synced:
                    self._service.on_lead(name, False)
        if self._led:
            self._led.start(self._renewals)

    def end(self, grace_s: float) -> bool:
        """End it; return whether all ended in time and nothing was cut off.

        What was cut off may write a last time: its leases lapse, and are not given to others.
        """
        is_clean = self.loop.shut_down(grace_s)
        self._renewals.ask()
        if self._led and is_clean:
            self._led.release()
        return is_clean

    def _running(self) -> AbstractContextManager[bootstrap.PartsOf]:
        service = self._service
        return bootstrap.running(
            self._settings,
            progress=LoggedProgress(),
            stop=self._stop,
            on_request=service.on_request if service else lambda _host, _status: None,
            on_limit=service.on_limit if service else lambda _host, _remaining, _limit: None,
        )

    def _new_heralds(self) -> list[Herald]:
        """Return one for each place that is told: one that does not listen holds up no other."""
        kinds = {name: source.notify for name, source in self._sources.items()}
        clock = bootstrap.SystemClock()
        return [
            Herald(each, kinds, clock=clock, jitter=random.random, stop=self._stop)
            for each in bootstrap.notifiers(self._settings)
        ]

    def _known(self, name: str) -> Known:
        logged = LoggedProgress()
        return Known(self._attendance.hearing(name, logged) if self._attendance else logged)

    def _parts_of(self, source: SourceSettings, parts_of: bootstrap.PartsOf, known: Known) -> Parts:
        attendance = self._attendance
        return parts_of(
            source,
            progress=known,
            stop=self.loop.stop_of(source.name),
            is_hurried=partial(self.loop.is_hurried, source.name),
            resting=self.loop.slots.lent,
            suspension=partial(attendance.suspension, source.name) if attendance else None,
            is_elsewhere=lambda name: not self._leads(name),
        )

    def _listening(self) -> list[Listener]:
        others: list[Listener | None] = [self._service, self._attendance, self._recorder]
        others.extend([*self._heralds, self._traces])
        return [Journals(self._sources), *(each for each in others if each is not None)]

    def _run(self, name: str, demand: Demand) -> CycleOutcome:
        self._listeners.started(name, demand)
        parts = self._parts[name]
        outcome = cycle.run(self._sources[name], parts, asked=demand.repositories)
        self._listeners.ended(outcome)
        for each in parts.readiness.take_due(name):
            self._ask(each, Demand.of(Why.DEPENDENCY))
        self._leftovers.collect()
        return outcome

    def _leads(self, name: str) -> bool:
        source = self._sources.get(name)
        if source is None:  # one that is left to other processes
            return False
        return self._led is None or not source.is_synced or self._led.leads(name)

    def _ask(self, name: str, demand: Demand) -> None:
        """Ask for a cycle of a source, of whoever leads it."""
        if self._attendance and not self._leads(name):
            self._attendance.pass_on(name, demand)
        elif name in self._sources:
            self.loop.request(name, demand)

    def _on_lead(self, name: str, is_led: bool) -> None:
        self._parts[name].readiness.forget(name)
        self.loop.lead(name, is_led)
        if self._service:
            self._service.on_lead(name, is_led)
