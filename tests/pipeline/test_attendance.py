"""A running reconciler hears what people want of it, and answers."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest
import structlog

from reconciler.core.objects.control import Answer, Control, Request, Suspension
from reconciler.core.outcome import CycleOutcome, Problem
from reconciler.core.revision import Revision
from reconciler.errors import ClusterError
from reconciler.pipeline import attendance as module
from reconciler.pipeline.attendance import Attendance
from reconciler.pipeline.demand import Demand, Why
from reconciler.pipeline.events import Applying, Event, Fetching, Scanning
from reconciler.stop import Stop

HELD = Suspension("jane", "the migration", "2026-11-24T09:00:00Z")
REVISION = Revision("main", "3a33f0a" + "0" * 33)


class Said:
    """What is said of sources, in memory."""

    def __init__(self) -> None:
        self.controls: dict[str, Control] = {}
        self.answers: list[Answer] = []
        self.is_down = False
        self._lock = threading.Lock()

    def all(self) -> Mapping[str, Control]:
        if self.is_down:
            raise ClusterError("down")
        return dict(self.controls)

    def of(self, source: str) -> Control:
        return self.controls.get(source, Control())

    def suspend(self, source: str, suspension: Suspension | None) -> Suspension | None:
        before = self.of(source)
        self.controls[source] = replace(before, suspension=suspension)
        return before.suspension

    def request(self, source: str, request: Request) -> None:
        self.controls[source] = replace(self.of(source), request=request)

    def answer(self, source: str, answer: Answer) -> None:
        if self.is_down:
            raise ClusterError("down")
        with self._lock:
            self.answers.append(answer)
            self.controls[source] = replace(self.of(source), answer=answer)


class Attended:
    """An attendance, and the cycles that it asked for."""

    def __init__(self) -> None:
        self.said = Said()
        self.asked: list[tuple[str, Demand]] = []
        self.stop = Stop()
        self.attendance = Attendance(
            self.said, lambda *given: self.asked.append(given), sources=["web"], stop=self.stop
        )

    def until(self, is_true: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not is_true():
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture
def attended(monkeypatch: pytest.MonkeyPatch) -> Iterator[Attended]:
    monkeypatch.setattr(module, "LOOK_S", 0.02)
    attended = Attended()
    yield attended
    attended.stop.ask()


class Silent:
    """Hears nothing."""

    def tell(self, event: Event) -> None:
        """Take no note."""


def test_a_request_is_a_cycle_and_is_told_step_by_step(attended: Attended) -> None:
    attended.attendance.start()
    attended.said.request("web", Request("1", "joe"))
    attended.until(lambda: attended.asked)
    assert attended.asked == [("web", Demand.of(Why.COMMAND))]

    attended.attendance.started("web", Demand.of(Why.COMMAND))
    progress = attended.attendance.hearing("web", Silent())
    progress.tell(Fetching("https://git.example/web"))
    progress.tell(Scanning(1))
    attended.until(lambda: attended.said.answers[-1].url)
    progress.tell(Applying(REVISION))
    attended.until(lambda: attended.said.answers[-1].revision)
    problem = Problem("web.yaml:3", "no", is_stalled=True)
    outcome = CycleOutcome("web", "https://git.example/web", revision=REVISION, problems=(problem,))
    attended.attendance.ended(outcome)
    attended.until(lambda: attended.said.answers[-1].result)

    last = attended.said.answers[-1]
    assert attended.said.answers[0] == Answer("1")
    assert last == Answer(
        "1", "https://git.example/web", "stalled", str(REVISION), "web.yaml:3: no", 3
    )
    assert len(attended.asked) == 1


def test_a_cycle_that_nobody_asked_for_answers_nobody(attended: Attended) -> None:
    attended.attendance.start()
    attended.attendance.started("web", Demand.of(Why.SCHEDULE))
    attended.attendance.hearing("web", Silent()).tell(Fetching("x"))
    attended.attendance.ended(CycleOutcome("web", "x"))
    attended.said.suspend("web", HELD)
    attended.until(lambda: attended.asked)

    assert attended.said.answers == []


def test_what_was_answered_before_we_began_is_not_done_again_and_what_was_not_is(
    attended: Attended,
) -> None:
    done = Answer("1", result="ok")
    attended.said.controls["web"] = Control(HELD, Request("1"), done)
    attended.said.request("other", Request("2"))
    attended.attendance.start()
    assert attended.attendance.suspension("web") == HELD
    assert attended.attendance.suspension("other") is None
    assert attended.asked == []

    late = Attended()
    late.said.controls["web"] = Control(None, Request("1"), Answer("1"))
    late.attendance.start()
    late.stop.ask()
    assert late.asked == [("web", Demand.of(Why.COMMAND))]


def test_who_does_not_lead_leaves_the_answer_to_who_does_and_passes_on_what_it_hears(
    attended: Attended,
) -> None:
    said = attended.said
    leading: set[str] = set()
    asked: list[str] = []
    follower = Attendance(
        said,
        lambda source, _demand: asked.append(source),
        sources=["web"],
        stop=attended.stop,
        leads=leading.__contains__,
    )
    said.request("web", Request("1"))
    follower.start()
    follower.pass_on("web", Demand.of(Why.WEBHOOK, {"r.example/web"}))
    follower.pass_on("web", Demand.of(Why.WEBHOOK, {"r.example/api"}))
    attended.until(lambda: said.of("web").request != Request("1"))
    passed_on = said.of("web").request
    assert passed_on is not None
    assert (passed_on.by, asked, said.answers) == ("webhook", [], [])
    assert passed_on.repositories

    said.answer("web", Answer(passed_on.id, result="ok"))
    leading.add("web")
    said.request("web", Request("2"))
    attended.until(lambda: asked)
    assert [each.id for each in said.answers[1:]] in ([], ["2"])


def test_a_hint_that_was_passed_on_asks_for_its_repositories_alone(attended: Attended) -> None:
    attended.attendance.start()
    attended.said.request("web", Request("1", "webhook", frozenset({"r.example/web"})))

    attended.until(lambda: attended.asked)

    assert attended.asked == [("web", Demand.of(Why.COMMAND, {"r.example/web"}))]


def test_suspending_and_resuming_are_told_and_ask_for_a_cycle(attended: Attended) -> None:
    with structlog.testing.capture_logs() as logs:
        attended.attendance.start()
        attended.said.suspend("web", HELD)
        attended.until(lambda: attended.attendance.suspension("web"))
        attended.said.suspend("web", None)
        attended.until(lambda: len(attended.asked) == 2)

    assert [line["event"] for line in logs] == ["source.suspended", "source.resumed"]
    assert attended.attendance.suspension("web") is None


def test_what_was_heard_last_holds_while_nothing_can_be_heard(attended: Attended) -> None:
    attended.said.suspend("web", HELD)
    attended.attendance.start()
    with structlog.testing.capture_logs() as logs:
        attended.said.is_down = True
        attended.until(lambda: logs)
        attended.said.controls.clear()
        time.sleep(0.1)
        assert attended.attendance.suspension("web") == HELD
        attended.said.is_down = False
        attended.until(lambda: attended.attendance.suspension("web") is None)

    said = [line["log_level"] for line in logs if line["event"] == "control.unread"]
    assert said == ["debug"]  # the cycles tell of it


def test_an_answer_that_cannot_be_written_is_told_and_left(
    attended: Attended, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_source: str, _answer: Answer) -> None:
        raise ClusterError("down")

    monkeypatch.setattr(attended.said, "answer", refuse)
    with structlog.testing.capture_logs() as logs:
        attended.attendance.start()
        attended.said.request("web", Request("1"))
        attended.until(lambda: any(line["event"] == "control.unanswered" for line in logs))
