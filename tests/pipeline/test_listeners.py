"""Who hears of cycles."""

import structlog

from reconciler.core.outcome import CycleOutcome
from reconciler.pipeline.demand import Demand, Why
from reconciler.pipeline.listeners import Listeners


class Heard:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def started(self, source: str, demand: Demand) -> None:
        self.all.append(f"{source} started: {demand}")

    def ended(self, outcome: CycleOutcome) -> None:
        self.all.append(f"{outcome.source} ended: {outcome.result}")


class Broken:
    """Fails at everything."""

    def started(self, source: str, demand: Demand) -> None:
        raise ValueError(source, demand)

    def ended(self, outcome: CycleOutcome) -> None:
        raise ValueError(outcome.source)


def test_one_that_fails_is_told_and_the_others_hear_all_the_same() -> None:
    heard = Heard()
    listeners = Listeners([Broken(), heard])
    with structlog.testing.capture_logs() as logged:
        listeners.started("web", Demand.of(Why.WEBHOOK) | Demand.of(Why.SCHEDULE))
        listeners.ended(CycleOutcome("web", "https://git.example/web"))

    assert heard.all == ["web started: schedule+webhook", "web ended: ok"]
    assert [(line["event"], line["listener"]) for line in logged] == [
        ("listener.crashed", "Broken")
    ] * 2
