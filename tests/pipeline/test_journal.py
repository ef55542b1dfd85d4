"""What the log says of cycles: a line when something begins, and one when it has passed."""

import json
from collections.abc import Iterator, Mapping
from io import StringIO
from typing import Any

import pytest

from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.report import Action, ObjectReport, SyncReport
from reconciler.core.outcome import READ, SYNC, UPDATE, CycleOutcome, Problem
from reconciler.core.revision import Revision
from reconciler.errors import (
    ClusterError,
    GitError,
    ManifestError,
    ReconcilerError,
    RegistryError,
    UnhealthyError,
)
from reconciler.interfaces import logs
from reconciler.pipeline.events import Fetching, Planned
from reconciler.pipeline.journal import Journal, LoggedProgress

REVISION = Revision("main", "3a33f0a" + "0" * 33)
KEY = ObjectKey("apps", "Deployment", "web", "nginx")
ALL = frozenset({READ, UPDATE, SYNC})


class Log:
    """A journal, and the lines that it wrote."""

    def __init__(self, level: str) -> None:
        self._stream = StringIO()
        logs.configure(level=level, form="json", stream=self._stream)
        self.journal = Journal()

    def after(self, outcome: CycleOutcome) -> list[Mapping[str, Any]]:
        """Record an outcome; return the new lines without their times."""
        self.journal.ended(outcome)
        return self.taken()

    def taken(self) -> list[Mapping[str, Any]]:
        lines = [json.loads(line) for line in self._stream.getvalue().splitlines()]
        self._stream.seek(0)
        self._stream.truncate()
        return [{k: v for k, v in line.items() if k != "timestamp"} for line in lines]


@pytest.fixture
def log() -> Iterator[Log]:
    yield Log("info")
    logs.configure(level="error", form=None)


def outcome(
    *errors: tuple[str, ReconcilerError], finished: frozenset[str] = ALL, **more: object
) -> CycleOutcome:
    problems = tuple(Problem.of(error, stage=stage) for stage, error in errors)
    facts = {"revision": REVISION, "problems": problems, "finished": finished, **more}
    return CycleOutcome("shop", "https://git.example/web", **facts)  # type: ignore[arg-type]  # by name


def events(lines: list[Mapping[str, Any]]) -> list[str]:
    return [line["event"] for line in lines]


def test_a_cycle_without_news_is_one_line(log: Log) -> None:
    assert log.after(outcome(durations={"all": 0.12345})) == [
        {
            "level": "info",
            "event": "cycle.finished",
            "source": "shop",
            "result": "ok",
            "revision": str(REVISION),
            "seconds": 0.123,
        }
    ]


def test_a_failure_is_told_when_it_begins_and_when_it_has_passed(log: Log) -> None:
    down = (READ, GitError("connection refused", where="https://git.example/web"))
    other_words = (READ, GitError("did not end within 120 s", where="https://git.example/web"))

    assert log.after(outcome(down, finished=frozenset(), revision=None))[0] == {
        "level": "warning",
        "event": "problem.transient",
        "source": "shop",
        "kind": "git",
        "problem": "connection refused",
        "where": "https://git.example/web",
    }
    assert events(log.after(outcome(other_words, finished=frozenset()))) == ["cycle.finished"]
    assert events(log.after(outcome())) == ["problem.passed", "cycle.finished"]
    assert events(log.after(outcome())) == ["cycle.finished"]


def test_a_registry_that_is_down_is_one_line_however_many_repositories_it_has(log: Log) -> None:
    urls = [f"http://r.example:5000/v2/team/app{number}/tags/list" for number in range(30)]
    first = [(UPDATE, RegistryError("refused", where=url)) for url in urls]
    later = [
        (UPDATE, RegistryError("not asked", where=f"r.example:5000/team/app{n}")) for n in range(30)
    ]

    [told, _] = log.after(outcome(*first))
    assert (told["event"], told["others"]) == ("problem.transient", 29)
    assert events(log.after(outcome(*later, *first[:3]))) == ["cycle.finished"]
    assert events(log.after(outcome())) == ["problem.passed", "cycle.finished"]


def test_another_registry_that_fails_too_is_told(log: Log) -> None:
    one, two = (
        (UPDATE, RegistryError("refused", where=f"https://{host}/v2/a/tags/list"))
        for host in ("a.example", "b.example")
    )
    log.after(outcome(one))

    assert events(log.after(outcome(one, two))) == ["problem.transient", "cycle.finished"]


def test_each_thing_that_a_person_must_change_is_told_once_and_again_when_it_changes(
    log: Log,
) -> None:
    bad = [(READ, ManifestError(what, where="a.yaml:3")) for what in ("bad", "worse")]

    first = log.after(outcome(*bad))
    assert events(first) == ["problem.stalled", "problem.stalled", "cycle.finished"]
    assert first[0]["level"] == "error"
    assert events(log.after(outcome(*bad))) == ["cycle.finished"]
    changed = (READ, ManifestError("bad in another way", where="a.yaml:3"))
    assert events(log.after(outcome(bad[0], changed))) == [
        "problem.stalled", "problem.passed", "cycle.finished",
    ]  # fmt: skip


def test_what_is_not_healthy_is_told_once_though_its_restarts_are_counted(log: Log) -> None:
    first, second = (
        (SYNC, UnhealthyError(f"failed: restarted {number} times", where="deployment.apps/web"))
        for number in (5, 6)
    )

    [told, _] = log.after(outcome(first))
    assert (told["event"], told["kind"]) == ("problem.stalled", "unhealthy")
    assert events(log.after(outcome(second))) == ["cycle.finished"]
    assert events(log.after(outcome())) == ["problem.passed", "cycle.finished"]


def test_a_problem_that_a_cycle_did_not_come_to_has_not_passed(log: Log) -> None:
    bad = (UPDATE, ManifestError("bad policy", where="a.yaml:3"))
    down = (READ, GitError("refused", where="https://git.example/web"))
    away = (SYNC, ClusterError("cannot connect", where="https://cluster.example"))
    log.after(outcome(bad))

    without_git = log.after(outcome(down, finished=frozenset()))
    without_cluster = log.after(outcome(bad, away, finished=frozenset({READ, UPDATE})))
    stopped = log.after(outcome(finished=frozenset(), is_stopped=True))

    assert events(without_git) == ["problem.transient", "cycle.finished"]
    assert events(without_cluster) == ["problem.transient", "problem.passed", "cycle.finished"]
    assert events(stopped) == ["cycle.finished"]
    assert stopped[0]["result"] == "stopped"
    assert events(log.after(outcome())) == ["problem.passed", "problem.passed", "cycle.finished"]


def test_each_change_of_the_cluster_is_a_line_and_what_is_left_alone_is_told_once(log: Log) -> None:
    reports = (
        ObjectReport(KEY, Action.CONFIGURED),
        ObjectReport(ObjectKey("", "Service", "web", "a"), Action.UNCHANGED),
        ObjectReport(ObjectKey("", "Service", "web", "b"), Action.KEPT, "prune held by c"),
    )
    lines = log.after(outcome(sync=SyncReport(reports)))

    assert events(lines) == ["object.configured", "object.kept", "cycle.finished"]
    assert lines[0]["object"] == "deployment.apps/nginx (namespace web)"
    assert lines[1]["reason"] == "prune held by c"
    assert (lines[2]["configured"], lines[2]["unchanged"], lines[2]["kept"]) == (1, 1, 1)
    again = (reports[1], reports[2])
    assert events(log.after(outcome(sync=SyncReport(again)))) == ["cycle.finished"]


def test_an_object_that_fails_in_other_words_in_each_cycle_is_told_once(log: Log) -> None:
    first, second = (
        SyncReport((ObjectReport(KEY, Action.SKIPPED, reason),))
        for reason in ("connection refused", "not tried: the API server does not answer")
    )

    assert events(log.after(outcome(sync=first))) == ["object.skipped", "cycle.finished"]
    assert events(log.after(outcome(sync=second))) == ["cycle.finished"]


def test_steps_are_told_at_level_debug() -> None:
    quiet, loud = Log("info"), None
    LoggedProgress().tell(Fetching("https://git.example/web"))
    assert quiet.taken() == []

    loud = Log("debug")
    LoggedProgress().tell(Fetching("https://git.example/web"))
    LoggedProgress().tell(Planned(()))
    steps = [(line["step"], line.get("url")) for line in loud.taken()]
    logs.configure(level="error", form=None)

    assert steps == [("fetching", "https://git.example/web"), ("planned", None)]


def test_what_a_dry_run_would_do_is_marked_so(log: Log) -> None:
    reports = (ObjectReport(KEY, Action.CREATED),)

    lines = log.after(outcome(sync=SyncReport(reports), is_dry_run=True))

    assert [(line["event"], line["dry_run"]) for line in lines] == [
        ("object.created", True),
        ("cycle.finished", True),
    ]
