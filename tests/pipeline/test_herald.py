"""Telling others, in a thread of its own."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import structlog

from reconciler.core.tidings import Kind, Tiding
from reconciler.errors import ForgeError, RefusedError
from reconciler.pipeline import herald as module
from reconciler.pipeline.demand import Demand, Why
from reconciler.pipeline.herald import ATTEMPTS, MAX_WAITING, Herald
from reconciler.stop import Stop
from tests.core.test_tidings import BAD, CHANGE, REVISION, WELL
from tests.fakes.clock import FakeClock

UPDATED = replace(WELL, changes=(CHANGE,), pushed=REVISION)
STALLED = replace(WELL, problems=(BAD,))


class Heard:
    """Is told, or fails."""

    def __init__(self) -> None:
        self.tidings: list[Tiding] = []
        self.errors: list[Exception] = []
        self.is_free = threading.Event()
        self.is_free.set()

    def tell(self, tiding: Tiding) -> None:
        self.is_free.wait(60)
        if self.errors:
            raise self.errors.pop(0)
        self.tidings.append(tiding)


class Telling:
    def __init__(self, *kinds: Kind) -> None:
        self.heard = Heard()
        self.stop = Stop()
        self.herald = Herald(
            self.heard,
            {"web": frozenset(kinds or Kind)},
            clock=FakeClock(),
            jitter=lambda: 0.0,
            stop=self.stop,
        )

    def until(self, is_true: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not is_true():
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture
def telling(monkeypatch: pytest.MonkeyPatch) -> Iterator[Telling]:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.01)
    telling = Telling()
    telling.herald.start()
    yield telling
    telling.stop.ask()


def test_what_is_new_is_told_in_order(telling: Telling) -> None:
    telling.herald.started("web", Demand.of(Why.START))
    for outcome in (UPDATED, STALLED, WELL):
        telling.herald.ended(outcome)
    telling.until(lambda: len(telling.heard.tidings) == 3)

    kinds = [each.kind for each in telling.heard.tidings]
    assert kinds == [Kind.UPDATED, Kind.STALLED, Kind.RECOVERED]


def test_what_is_not_wanted_of_a_source_is_not_told() -> None:
    telling = Telling(Kind.RECOVERED)
    telling.herald.start()
    for outcome in (UPDATED, STALLED, WELL):
        telling.herald.ended(outcome)
    telling.until(lambda: telling.heard.tidings)
    telling.stop.ask()

    assert [each.kind for each in telling.heard.tidings] == [Kind.RECOVERED]


def test_what_fails_is_told_again_and_what_is_refused_is_not(telling: Telling) -> None:
    telling.heard.errors = [ForgeError("503"), ForgeError("503"), RefusedError("400")]
    with structlog.testing.capture_logs() as logs:
        telling.herald.ended(UPDATED)
        telling.until(lambda: any(line["event"] == "tiding.untold" for line in logs))
        telling.herald.ended(STALLED)
        telling.until(lambda: telling.heard.tidings)

    assert [each.kind for each in telling.heard.tidings] == [Kind.STALLED]
    untold = next(line for line in logs if line["event"] == "tiding.untold")
    assert (untold["kind"], untold["problem"]) == ("updated", "400")


def test_it_is_given_up_after_some_attempts(telling: Telling) -> None:
    telling.heard.errors = [ForgeError("503") for _ in range(ATTEMPTS)]
    with structlog.testing.capture_logs() as logs:
        telling.herald.ended(UPDATED)
        telling.until(lambda: any(line["event"] == "tiding.untold" for line in logs))

    assert telling.heard.errors == []


def test_who_listens_slowly_delays_nobody_and_what_is_too_much_is_dropped(
    telling: Telling,
) -> None:
    telling.heard.is_free.clear()
    with structlog.testing.capture_logs() as logs:
        for _ in range(MAX_WAITING + 10):
            telling.herald.ended(UPDATED)
    telling.stop.ask()
    telling.heard.is_free.set()

    assert {line["event"] for line in logs} == {"tiding.dropped"}
