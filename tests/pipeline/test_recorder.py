"""Events beside workloads: which are written, and how often."""

from dataclasses import dataclass, field, replace

import pytest
import structlog

from reconciler.core.decision import Change, Skip
from reconciler.core.images.reference import ImageReference
from reconciler.core.manifests.images import SkipReason
from reconciler.core.objects.control import Suspension
from reconciler.core.objects.report import Action, ObjectReport, SyncReport
from reconciler.core.outcome import CycleOutcome
from reconciler.core.proposal import Proposal, ProposalState
from reconciler.core.workload_events import MAX_NOTE, WorkloadEvent, events_of
from reconciler.errors import AccessDeniedError, ClusterError, NotFoundError, ReconcilerError
from reconciler.pipeline.recorder import MAX_KNOWN, MAX_PER_CYCLE, REMIND_S, REPEAT_S, Recorder
from reconciler.stop import Stop
from tests.fakes.clock import FakeClock
from tests.interfaces.test_http import FIELD, KEY, REVISION, outcome

OLD = ImageReference.parse("r.example/nginx:v3")
CHANGE = Change(FIELD, OLD, OLD.with_tag("v4"))
HELD = Skip(FIELD, SkipReason.TAG_MOVED, "v3 was moved")
UPDATED = outcome(pushed=REVISION, revision=REVISION, changes=(CHANGE,))


def told(of: CycleOutcome) -> list[tuple[str, str, bool]]:
    return [(each.reason, each.note, each.is_warning) for each in events_of(of)]


def test_an_update_is_told_with_its_commit() -> None:
    assert told(UPDATED) == [
        ("ImageUpdated", "nginx: r.example/nginx:v3 -> v4 in main@3a33f0a", False)
    ]


@pytest.mark.parametrize(
    "quiet",
    [
        outcome(changes=(CHANGE,)),  # was not pushed
        replace(UPDATED, is_dry_run=True),
        replace(UPDATED, suspension=Suspension("jane", "", "")),
        outcome(skips=(Skip(FIELD, SkipReason.ALREADY_NEWEST, ""),)),
        outcome(skips=(Skip(FIELD, SkipReason.LOCKED, "locked"),)),
        outcome(pending=(CHANGE,)),
        outcome(pending=(CHANGE,), proposal=Proposal("b", ProposalState.TURNED_DOWN)),
    ],
)
def test_what_is_no_news_is_not_told(quiet: CycleOutcome) -> None:
    assert told(quiet) == []


def test_a_proposal_what_is_held_and_what_was_mended_are_told() -> None:
    mended = ObjectReport(KEY, Action.CONFIGURED, is_mended=True)
    other = replace(mended, key=replace(KEY, name="no workload of ours"))
    of = outcome(
        revision=REVISION,
        pending=(CHANGE,),
        proposal=Proposal("updates", ProposalState.PUSHED),
        skips=(HELD, Skip(FIELD, SkipReason.REGISTRY_FAILED, "is down")),
        sync=SyncReport((mended, other)),
    )

    assert told(of) == [
        ("ImageProposed", "nginx: r.example/nginx:v3 -> v4, proposed on branch updates", False),
        ("ImageHeld", "nginx: r.example/nginx:v3 stays: v3 was moved", True),
        ("ImageCheckFailed", "nginx: r.example/nginx:v3 stays: is down", True),
        (
            "DriftMended",
            "configured: somebody had changed it; it is as Git says at main@3a33f0a again",
            False,
        ),
    ]


def test_a_note_is_one_line_that_the_api_server_takes() -> None:
    ((_, note, _),) = told(outcome(skips=(Skip(FIELD, SkipReason.TAG_MOVED, "ä\ny " * 1000),)))

    assert MAX_NOTE - 4 <= len(note.encode()) <= MAX_NOTE
    assert "\n" not in note


@dataclass
class Store:
    """Keeps what was written, or raises what is next."""

    written: list[WorkloadEvent] = field(default_factory=list)
    repeated: list[tuple[str, int]] = field(default_factory=list)
    errors: list[ReconcilerError | None] = field(default_factory=list)
    is_there: bool = True

    def write(self, event: WorkloadEvent) -> str:
        self._fail()
        self.written.append(event)
        return f"event-{len(self.written)}" if self.is_there else ""

    def repeat(self, event: WorkloadEvent, name: str, count: int) -> None:
        del event
        self._fail()
        self.repeated.append((name, count))

    def _fail(self) -> None:
        error = self.errors.pop(0) if self.errors else None
        if error:
            raise error


@dataclass
class Recording:
    store: Store = field(default_factory=Store)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.recorder = Recorder({"default": self.store}, clock=self.clock, stop=Stop())

    def take(self, of: CycleOutcome) -> None:
        """Have the events of a cycle written now."""
        self.recorder.ended(of)
        waiting = self.recorder._waiting.get_nowait()
        assert waiting is not None
        self.recorder._write(*waiting)


def test_what_goes_on_is_written_once_and_said_again_before_it_is_forgotten() -> None:
    recording = Recording()
    of = outcome(skips=(HELD,))
    for _ in range(10):
        recording.take(of)
    assert (len(recording.store.written), recording.store.repeated) == (1, [])

    recording.clock.sleep(REMIND_S)
    recording.take(of)

    assert (len(recording.store.written), recording.store.repeated) == (1, [("event-1", 11)])


def test_what_has_passed_and_comes_again_is_news() -> None:
    recording = Recording()
    for _ in range(2):
        recording.take(outcome(skips=(HELD,)))
        recording.take(outcome())

    assert len(recording.store.written) == 2


def test_what_happens_again_and_again_is_counted_and_not_written_each_time() -> None:
    recording = Recording()
    mended = SyncReport((ObjectReport(KEY, Action.CONFIGURED, is_mended=True),))
    of = outcome(revision=REVISION, sync=mended, skips=(Skip(FIELD, SkipReason.LOCKED, ""),))
    for _ in range(100):
        recording.take(of)
        recording.clock.sleep(REPEAT_S / 50)

    assert len(recording.store.written) == 1
    assert recording.store.repeated == [("event-1", 51)]


def test_what_the_api_server_has_forgotten_is_written_anew() -> None:
    recording = Recording()
    recording.take(outcome(skips=(HELD,)))
    recording.clock.sleep(REMIND_S)
    recording.store.errors = [NotFoundError("gone")]
    recording.take(outcome(skips=(HELD,)))

    assert len(recording.store.written) == 2


def test_a_workload_that_comes_later_is_told_then() -> None:
    recording = Recording(Store(is_there=False))
    recording.take(outcome(skips=(HELD,)))
    recording.store.is_there = True
    recording.clock.sleep(REMIND_S)
    recording.take(outcome(skips=(HELD,)))

    assert recording.store.repeated == []
    assert len(recording.store.written) == 2


def test_missing_rights_are_told_once_and_tried_again() -> None:
    recording = Recording()
    recording.store.errors = [AccessDeniedError("may not"), AccessDeniedError("may not")]
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            recording.take(outcome(skips=(HELD,)))

    assert [each["event"] for each in logs] == ["event.denied"]
    assert len(recording.store.written) == 1


def test_what_fails_is_tried_in_the_next_cycle_and_no_trouble() -> None:
    recording = Recording()
    recording.store.errors = [ClusterError("down")]
    with structlog.testing.capture_logs() as logs:
        recording.take(outcome(skips=(HELD,)))
        recording.take(outcome(skips=(HELD,)))

    assert [(each["event"], each["log_level"]) for each in logs] == [("event.unwritten", "debug")]
    assert len(recording.store.written) == 1


def test_a_flood_is_cut_and_what_is_remembered_is_bounded() -> None:
    recording = Recording()
    for cycle in range(3 * MAX_KNOWN // MAX_PER_CYCLE):
        changes = tuple(
            Change(FIELD, OLD, OLD.with_tag(f"v{cycle}.{n}")) for n in range(3 * MAX_PER_CYCLE)
        )
        recording.take(outcome(pushed=REVISION, changes=changes))

    assert len(recording.store.written) == 3 * MAX_KNOWN
    assert len(recording.recorder._known["default"]) == MAX_KNOWN


def test_cycles_do_not_wait_for_a_store_that_hangs() -> None:
    recording = Recording()
    for _ in range(1000):
        recording.recorder.ended(UPDATED)  # nobody writes

    assert recording.recorder._waiting.full()
